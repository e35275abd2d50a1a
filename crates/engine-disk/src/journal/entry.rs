//! One change in the journal, as bytes.
//!
//! ```text
//! magic u16 | kind u8 | header length u32 | payload length u32 | change u64 | checksum of all this and the header u32
//! header | payload | checksum of the payload u32, where there is one
//! ```
//!
//! Header and payload have a checksum each, so that a damaged payload still says which publication of which channel it
//! was. The first begins with a random number of the store's, so that nobody can publish data that looks like an entry.

use std::io;
use std::time::Duration;

use veche_engine::memory::idempotency::KeyHash;
use veche_protocol::channel::Channel;
use veche_protocol::position::Epoch;

use crate::coding::{Reader, put_bytes, put_number};
use crate::durability::Durability;
use crate::journal::Lsn;

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A stream has an epoch, and nothing in it yet.
    Created,
    /// A publication was kept; the payload is its record.
    Published,
    /// The publications of a stream were removed.
    Removed,
    /// Nothing: it was tried whether the disk takes anything.
    Probe,
    /// The file before this one ends with a piece of an entry that was never confirmed; the header is its number.
    Cut,
}

impl Kind {
    fn number(self) -> u8 {
        match self {
            Self::Created => 1,
            Self::Published => 2,
            Self::Removed => 3,
            Self::Probe => 4,
            Self::Cut => 5,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        let all = [
            Self::Created,
            Self::Published,
            Self::Removed,
            Self::Probe,
            Self::Cut,
        ];
        all.into_iter().find(|kind| kind.number() == number)
    }
}

/// Bytes before the header.
pub(crate) const FIXED: usize = 23;
const MAGIC: [u8; 2] = [0xf5, 0x4a];

/// An entry as it lies in the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: Kind,
    pub(crate) lsn: Lsn,
    pub(crate) header: &'a [u8],
    /// `None` where it is damaged.
    pub(crate) payload: Option<&'a [u8]>,
}

/// Appends an entry to `buffer`.
///
/// # Errors
/// Where it is longer than an entry can be, 4 GiB.
pub(crate) fn put(
    buffer: &mut Vec<u8>,
    salt: u32,
    kind: Kind,
    lsn: Lsn,
    header: impl FnOnce(&mut Vec<u8>),
    payload: impl FnOnce(&mut Vec<u8>),
) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; FIXED]);
    header(buffer);
    let header_end = buffer.len();
    payload(buffer);
    let payload_end = buffer.len();
    let size = |from: usize, to: usize| {
        u32::try_from(to - from).map_err(|_| io::Error::other("the publication is too large"))
    };
    let mut fixed = [0; FIXED];
    let parts: [&[u8]; 5] = [
        &MAGIC,
        &[kind.number()],
        &size(start + FIXED, header_end)?.to_le_bytes(),
        &size(header_end, payload_end)?.to_le_bytes(),
        &lsn.to_le_bytes(),
    ];
    for (place, byte) in fixed.iter_mut().zip(parts.into_iter().flatten()) {
        *place = *byte;
    }
    let header = buffer.get(start + FIXED..header_end).unwrap_or_default();
    let sum = checksum(salt, fixed.get(..FIXED - 4).unwrap_or_default(), header);
    if let Some(place) = fixed.last_chunk_mut::<4>() {
        *place = sum.to_le_bytes();
    }
    if let Some(place) = buffer.get_mut(start..start + FIXED) {
        place.copy_from_slice(&fixed);
    }
    if payload_end > header_end {
        let sum = crc32fast::hash(buffer.get(header_end..payload_end).unwrap_or_default());
        buffer.extend_from_slice(&sum.to_le_bytes());
    }
    Ok(())
}

/// Why no entry begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// The bytes end before it does.
    Short,
    /// These bytes are no entry.
    Damaged,
}

/// Reads the entry that begins with `bytes`, and says how long it is.
pub(crate) fn get(bytes: &[u8], salt: u32) -> Result<(Entry<'_>, usize), NoEntry> {
    let mut reader = Reader::new(bytes);
    let fixed = reader.take(FIXED).ok_or(NoEntry::Short)?;
    let mut fields = Reader::new(fixed);
    let mut read = || {
        let magic: [u8; 2] = fields.array()?;
        let kind = Kind::from_number(fields.byte()?)?;
        let header = u32::from_le_bytes(fields.array()?);
        let payload = u32::from_le_bytes(fields.array()?);
        let lsn = u64::from_le_bytes(fields.array()?);
        let sum = u32::from_le_bytes(fields.array()?);
        let header = usize::try_from(header).ok()?;
        let payload = usize::try_from(payload).ok()?;
        (magic == MAGIC).then_some((kind, header, payload, lsn, sum))
    };
    let (kind, header_len, payload_len, lsn, sum) = read().ok_or(NoEntry::Damaged)?;
    let header = reader.take(header_len).ok_or(NoEntry::Short)?;
    if checksum(salt, fixed.get(..FIXED - 4).unwrap_or_default(), header) != sum {
        return Err(NoEntry::Damaged);
    }
    let mut len = FIXED + header_len;
    let mut payload = Some(&[][..]);
    if payload_len > 0 {
        let bytes = reader.take(payload_len).ok_or(NoEntry::Short)?;
        let sum = reader.array().map(u32::from_le_bytes);
        let sum = sum.ok_or(NoEntry::Short)?;
        payload = Some(bytes).filter(|bytes| crc32fast::hash(bytes) == sum);
        len += payload_len + 4;
    }
    let entry = Entry {
        kind,
        lsn,
        header,
        payload,
    };
    Ok((entry, len))
}

fn checksum(salt: u32, fixed: &[u8], header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(fixed);
    hasher.update(header);
    hasher.finalize()
}

/// How a stream stands after a change: the header of all entries but probes and cuts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) channel: Channel,
    pub(crate) epoch: Epoch,
    /// Which generation the epoch has seen.
    pub(crate) generation: u64,
    pub(crate) top: u64,
    pub(crate) first: u64,
    pub(crate) until: Duration,
    pub(crate) position_until: Duration,
    pub(crate) version: u64,
    pub(crate) version_epoch: Box<str>,
    pub(crate) durability: Durability,
    pub(crate) key: Option<(KeyHash, Duration)>,
}

const IS_SYNC: u8 = 1;
const HAS_VERSION: u8 = 1 << 1;
const HAS_BACKEND_KEY: u8 = 1 << 2;
const HAS_CLIENT_KEY: u8 = 1 << 3;

impl Change {
    /// Appends it.
    pub(crate) fn put(&self, into: &mut Vec<u8>) {
        let mut flags = 0;
        if self.durability == Durability::Sync {
            flags |= IS_SYNC;
        }
        let has_version = self.version > 0 || !self.version_epoch.is_empty();
        if has_version {
            flags |= HAS_VERSION;
        }
        match self.key {
            Some((KeyHash::Backend(_), _)) => flags |= HAS_BACKEND_KEY,
            Some((KeyHash::Client { .. }, _)) => flags |= HAS_CLIENT_KEY,
            None => {}
        }
        into.push(flags);
        put_bytes(into, self.channel.as_str().as_bytes());
        put_bytes(into, self.epoch.as_str().as_bytes());
        put_number(into, self.generation);
        put_number(into, self.top);
        put_number(into, self.first);
        put_number(into, millis(self.until));
        put_number(into, millis(self.position_until));
        if has_version {
            put_number(into, self.version);
            put_bytes(into, self.version_epoch.as_bytes());
        }
        if let Some((key, until)) = self.key {
            put_key(into, key);
            put_number(into, millis(until));
        }
    }

    /// Reads one.
    pub(crate) fn get(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        let has = |bit: u8| flags & bit != 0;
        let channel = reader.text()?.into();
        let epoch = Epoch::new(reader.text()?);
        let generation = reader.number()?;
        let (top, first) = (reader.number()?, reader.number()?);
        let until = Duration::from_millis(reader.number()?);
        let position_until = Duration::from_millis(reader.number()?);
        let (mut version, mut version_epoch) = (0, "");
        if has(HAS_VERSION) {
            version = reader.number()?;
            version_epoch = reader.text()?;
        }
        let mut key = None;
        if has(HAS_BACKEND_KEY) || has(HAS_CLIENT_KEY) {
            let hash = get_key(&mut reader, has(HAS_CLIENT_KEY))?;
            key = Some((hash, Duration::from_millis(reader.number()?)));
        }
        Some(Self {
            channel,
            epoch,
            generation,
            top,
            first,
            until,
            position_until,
            version,
            version_epoch: version_epoch.into(),
            durability: if has(IS_SYNC) {
                Durability::Sync
            } else {
                Durability::Interval
            },
            key,
        })
    }
}

/// Appends the hash of an idempotency key.
pub(crate) fn put_key(into: &mut Vec<u8>, key: KeyHash) {
    match key {
        KeyHash::Backend(key) => into.extend_from_slice(&key.to_le_bytes()),
        KeyHash::Client { owner, key } => {
            into.extend_from_slice(&owner.to_le_bytes());
            into.extend_from_slice(&key.to_le_bytes());
        }
    }
}

/// Reads the hash of an idempotency key.
pub(crate) fn get_key(reader: &mut Reader<'_>, is_of_client: bool) -> Option<KeyHash> {
    let first = u128::from_le_bytes(reader.array()?);
    if !is_of_client {
        return Some(KeyHash::Backend(first));
    }
    Some(KeyHash::Client {
        owner: first,
        key: u128::from_le_bytes(reader.array()?),
    })
}

/// A time as it is written.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change() -> Change {
        Change {
            channel: "chat:lobby".into(),
            epoch: Epoch::new("abcdefgh"),
            generation: 2,
            top: 300,
            first: 201,
            until: Duration::from_millis(1_800_000_000_123),
            position_until: Duration::from_millis(1_900_000_000_000),
            version: 5,
            version_epoch: "v".into(),
            durability: Durability::Sync,
            key: Some((
                KeyHash::Client { owner: 1, key: 2 },
                Duration::from_millis(7),
            )),
        }
    }

    #[test]
    fn a_change_comes_back() {
        let plain = Change {
            version: 0,
            version_epoch: "".into(),
            durability: Durability::Interval,
            key: None,
            ..change()
        };
        let backend = Change {
            key: Some((KeyHash::Backend(9), Duration::from_millis(7))),
            ..change()
        };
        for change in [change(), plain, backend] {
            let mut bytes = Vec::new();
            change.put(&mut bytes);
            assert_eq!(Change::get(&bytes), Some(change));
            for end in 0..bytes.len() {
                assert_eq!(Change::get(&bytes[..end]), None, "cut at {end}");
            }
        }
    }

    #[test]
    fn a_damaged_payload_leaves_the_header_and_a_damaged_header_is_no_entry() {
        let mut whole = Vec::new();
        put(
            &mut whole,
            1,
            Kind::Published,
            42,
            |it| it.extend(b"header"),
            |it| it.extend(b"payload"),
        )
        .expect("short enough");
        let (entry, len) = get(&whole, 1).expect("an entry");
        assert_eq!(
            (entry.lsn, entry.kind, len),
            (42, Kind::Published, whole.len())
        );
        assert_eq!(
            (entry.header, entry.payload),
            (&b"header"[..], Some(&b"payload"[..]))
        );
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            match get(&bytes, 1) {
                Ok((entry, _)) => {
                    assert!(at >= FIXED + 6, "byte {at}");
                    assert_eq!((entry.header, entry.payload), (&b"header"[..], None));
                }
                Err(_) => assert!(at < FIXED + 6, "byte {at}"),
            }
        }
        assert_eq!(
            get(&whole, 2).expect_err("of another store"),
            NoEntry::Damaged
        );
        for end in 0..whole.len() {
            assert_eq!(
                get(&whole[..end], 1).expect_err("cut"),
                NoEntry::Short,
                "{end}"
            );
        }
    }
}
