//! Which publish was made already.
//!
//! Times are durations since some fixed moment: the start of the process, or the Unix epoch where an engine outlives it.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use veche_protocol::channel::Channel;
use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::position::StreamPosition;

use self::clients::ClientKeys;

mod clients;

/// How long a key is remembered.
pub const IDEMPOTENCY_TTL: Duration = Duration::from_mins(5);

/// Answers given under a key in the last five minutes.
#[derive(Debug, Default)]
pub struct Idempotency {
    backend: BackendKeys,
    clients: ClientKeys,
}

/// What is kept of a key and its channel: a hash, so that a long key costs no more than a short one.
///
/// The hash is SHA-256 cut to 128 bits. Whoever chooses a key must not be able to make it equal to another one, so a
/// hash for tables would not do; and one without a secret gives the same in each process, as an engine that is shared
/// by several nodes needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHash {
    /// A key of the backend.
    Backend(u128),
    /// A key of a client.
    Client {
        /// Of channel and owner.
        owner: u128,
        /// Of channel, owner and key.
        key: u128,
    },
}

impl KeyHash {
    /// The hash of a key in a channel.
    #[must_use]
    pub fn new(channel: &Channel, key: &IdempotencyKey) -> Self {
        let mut hasher = Sha256::new();
        absorb(&mut hasher, channel.as_str());
        match key.owner() {
            KeyOwner::Backend => hasher.update([0]),
            KeyOwner::User(user) => {
                hasher.update([1]);
                absorb(&mut hasher, user.as_str());
            }
            KeyOwner::Client(client) => {
                hasher.update([2]);
                absorb(&mut hasher, client.encode(&mut [0; 36]));
            }
        }
        let owner = hasher.clone();
        absorb(&mut hasher, key.as_str());
        let key_hash = cut(hasher);
        match key.owner() {
            KeyOwner::Backend => Self::Backend(key_hash),
            KeyOwner::User(_) | KeyOwner::Client(_) => Self::Client {
                owner: cut(owner),
                key: key_hash,
            },
        }
    }
}

/// Adds a text and its length, so that no other sequence of texts gives the same bytes.
fn absorb(hasher: &mut Sha256, text: &str) {
    hasher.update(text.len().to_le_bytes());
    hasher.update(text);
}

fn cut(hasher: Sha256) -> u128 {
    let hash = hasher.finalize();
    let half = hash.first_chunk().expect("SHA-256 has 32 bytes");
    u128::from_le_bytes(*half)
}

impl Idempotency {
    /// The answer that was given under this key.
    #[must_use]
    pub fn answer(&self, key: KeyHash, now: Duration) -> Option<StreamPosition> {
        match key {
            KeyHash::Backend(key) => self.backend.answer(key, now),
            KeyHash::Client { owner, key } => self.clients.answer(owner, key, now),
        }
    }

    /// Remembers the answer to a publish that is not a repetition.
    pub fn remember(&mut self, key: KeyHash, position: StreamPosition, now: Duration) {
        self.remember_until(key, position, now.saturating_add(IDEMPOTENCY_TTL));
    }

    /// Remembers an answer for the rest of its time: one that an engine has read from its store. Of several, the one
    /// that goes first must come first.
    pub fn remember_until(&mut self, key: KeyHash, position: StreamPosition, until: Duration) {
        match key {
            KeyHash::Backend(key) => self.backend.remember(key, Remembered { position, until }),
            KeyHash::Client { owner, key } => {
                self.clients
                    .remember(owner, key, Remembered { position, until });
            }
        }
    }

    /// Forgets at most `limit` keys whose time is over, and says how many entries it looked at.
    pub fn sweep(&mut self, now: Duration, limit: usize) -> usize {
        let seen = self.backend.sweep(now, limit);
        seen + self.clients.sweep(now, limit.saturating_sub(seen))
    }

    /// How many keys are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.backend.answers.len() + self.clients.len()
    }
}

/// What is remembered under a key.
#[derive(Debug)]
struct Remembered {
    position: StreamPosition,
    until: Duration,
}

/// The backend's keys: as many as it used in five minutes.
#[derive(Debug, Default)]
struct BackendKeys {
    answers: HashMap<u128, Remembered>,
    /// All keys live equally long, so the first to go is always in front.
    order: VecDeque<(Duration, u128)>,
}

impl BackendKeys {
    fn answer(&self, key: u128, now: Duration) -> Option<StreamPosition> {
        let answer = self.answers.get(&key)?;
        (now < answer.until).then(|| answer.position.clone())
    }

    fn remember(&mut self, key: u128, answer: Remembered) {
        self.order.push_back((answer.until, key));
        self.answers.insert(key, answer);
    }

    fn sweep(&mut self, now: Duration, limit: usize) -> usize {
        let mut seen = 0;
        while seen < limit && self.order.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, key)) = self.order.pop_front() else {
                break;
            };
            // A key that expired and was used anew before it was swept has a second, later entry.
            if self
                .answers
                .get(&key)
                .is_some_and(|answer| answer.until <= now)
            {
                self.answers.remove(&key);
            }
            seen += 1;
        }
        if self.order.is_empty() {
            self.order.shrink_to(64);
            self.answers.shrink_to(64);
        }
        seen
    }
}

#[cfg(test)]
mod tests;
