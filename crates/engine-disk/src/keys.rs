//! Idempotency keys: in memory all of the last five minutes, in the store as batches.

use std::time::Duration;

use parking_lot::Mutex;
use veche_engine::memory::idempotency::{IDEMPOTENCY_TTL, Idempotency, KeyHash};
use veche_protocol::position::{Epoch, StreamPosition};

use crate::coding::{Reader, put_bytes, put_number};
use crate::journal::entry::{get_key, millis, put_key};
use crate::store::KeyBatch;

/// All keys. Whoever asks for a key holds the lock of its channel's shard, and locks a table of keys inside of it.
#[derive(Debug)]
pub(crate) struct Keys {
    tables: Box<[Mutex<Table>]>,
}

#[derive(Debug, Default)]
struct Table {
    answers: Idempotency,
    /// Keys that the store does not have yet, as they are written to it.
    fresh: Vec<u8>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            tables: (0..TABLES).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Keys {
    /// The answer that was given under this key.
    pub(crate) fn answer(&self, key: KeyHash, now: Duration) -> Option<StreamPosition> {
        self.table(key).lock().answers.answer(key, now)
    }

    /// Remembers an answer. Where the publication is kept, so is the key.
    pub(crate) fn remember(
        &self,
        key: KeyHash,
        position: &StreamPosition,
        now: Duration,
        is_kept: bool,
    ) {
        let mut table = self.table(key).lock();
        if is_kept {
            put(&mut table.fresh, key, position, until(now));
        }
        table.answers.remember(key, position.clone(), now);
    }

    /// Takes a key from the journal, which the store does not have.
    pub(crate) fn replay(&self, key: KeyHash, position: &StreamPosition, until: Duration) {
        let mut table = self.table(key).lock();
        put(&mut table.fresh, key, position, until);
        (table.answers).remember_until(key, position.clone(), until);
    }

    /// Takes a batch of the store. Returns whether all of it could be read.
    pub(crate) fn restore(&self, batch: &[u8], now: Duration) -> bool {
        let Some(entries) = checked(batch) else {
            return false;
        };
        let mut reader = Reader::new(entries);
        while !reader.is_at_end() {
            let Some((key, position, until)) = get(&mut reader) else {
                return false;
            };
            if until > now {
                (self.table(key).lock().answers).remember_until(key, position, until);
            }
        }
        true
    }

    /// Takes the keys that the store does not have yet, as one value.
    pub(crate) fn take_fresh(&self, now: Duration) -> Option<KeyBatch> {
        let mut bytes = vec![0; 4];
        for table in &self.tables {
            bytes.append(&mut table.lock().fresh);
        }
        let sum = crc32fast::hash(bytes.get(4..).unwrap_or_default());
        *bytes.first_chunk_mut::<4>()? = sum.to_le_bytes();
        (bytes.len() > 4).then(|| KeyBatch {
            until_ms: millis(until(now)),
            bytes,
        })
    }

    /// Puts keys back that the store did not take.
    pub(crate) fn put_back(&self, batch: &KeyBatch) {
        let Some(mut table) = self.tables.first().map(Mutex::lock) else {
            return;
        };
        let mut bytes = batch.bytes.get(4..).unwrap_or_default().to_vec();
        bytes.append(&mut table.fresh);
        table.fresh = bytes;
    }

    /// Forgets keys whose time is over.
    pub(crate) fn sweep(&self, now: Duration) {
        for table in &self.tables {
            while table.lock().answers.sweep(now, SLICE) >= SLICE {}
        }
    }

    fn table(&self, key: KeyHash) -> &Mutex<Table> {
        // Keys of an owner are counted together.
        let hash = match key {
            KeyHash::Backend(key) => key,
            KeyHash::Client { owner, .. } => owner,
        };
        let index = usize::try_from(hash % u128::from(TABLES)).unwrap_or_default();
        self.tables
            .get(index)
            .expect("a remainder is less than its divisor")
    }
}

fn until(now: Duration) -> Duration {
    now.saturating_add(IDEMPOTENCY_TTL)
}

fn put(into: &mut Vec<u8>, key: KeyHash, position: &StreamPosition, until: Duration) {
    into.push(u8::from(matches!(key, KeyHash::Client { .. })));
    put_key(into, key);
    put_number(into, position.offset);
    put_bytes(into, position.epoch.as_str().as_bytes());
    put_number(into, millis(until));
}

fn get(reader: &mut Reader<'_>) -> Option<(KeyHash, StreamPosition, Duration)> {
    let is_of_client = reader.byte()? == 1;
    let key = get_key(reader, is_of_client)?;
    let offset = reader.number()?;
    let epoch = Epoch::new(reader.text()?);
    let until = Duration::from_millis(reader.number()?);
    Some((key, StreamPosition::new(offset, epoch), until))
}

/// The entries of a batch, if they are as they were written.
pub(crate) fn checked(batch: &[u8]) -> Option<&[u8]> {
    let (sum, entries) = batch.split_first_chunk::<4>()?;
    (crc32fast::hash(entries) == u32::from_le_bytes(*sum)).then_some(entries)
}

/// As many as the engine has of shards.
const TABLES: u8 = 64;
/// Keys that a sweep looks at while it holds a lock.
const SLICE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_a_batch_for_the_rest_of_their_time() {
        let second = Duration::from_secs;
        let keys = Keys::default();
        let position = StreamPosition::new(7, Epoch::new("abc"));
        let (backend, client) = (KeyHash::Backend(5), KeyHash::Client { owner: 1, key: 2 });
        keys.remember(backend, &position, second(10), true);
        keys.remember(client, &position, second(20), true);
        keys.remember(KeyHash::Backend(6), &position, second(20), false);
        let batch = keys.take_fresh(second(20)).expect("there are some");
        assert!(keys.take_fresh(second(20)).is_none());

        let fresh = Keys::default();
        assert!(fresh.restore(&batch.bytes, second(30)));
        assert_eq!(fresh.answer(backend, second(309)), Some(position.clone()));
        assert_eq!(fresh.answer(backend, second(310)), None);
        assert_eq!(fresh.answer(client, second(319)), Some(position));
        assert_eq!(fresh.answer(KeyHash::Backend(6), second(30)), None);
        assert!(fresh.take_fresh(second(30)).is_none(), "the store has them");
        keys.put_back(&batch);
        assert_eq!(
            keys.take_fresh(second(20)).map(|it| it.bytes),
            Some(batch.bytes)
        );
    }

    #[test]
    fn a_damaged_batch_is_noticed() {
        let keys = Keys::default();
        let position = StreamPosition::new(7, Epoch::new("abc"));
        keys.remember(KeyHash::Backend(5), &position, Duration::ZERO, true);
        let batch = keys.take_fresh(Duration::ZERO).expect("there is one").bytes;
        for at in 0..batch.len() {
            let mut flipped = batch.clone();
            flipped[at] ^= 1;
            assert!(
                !Keys::default().restore(&flipped, Duration::ZERO),
                "byte {at}"
            );
        }
    }
}
