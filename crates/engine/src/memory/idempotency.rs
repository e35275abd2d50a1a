//! Which publish was made already.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::{Equivalent, HashMap};

use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;

/// How long a key is remembered.
pub(super) const IDEMPOTENCY_TTL: Duration = Duration::from_mins(5);

/// Answers given under a key in the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Idempotency {
    answers: HashMap<Key, Answer>,
    /// All keys live equally long, so the first to go is always in front.
    order: VecDeque<(Duration, Key)>,
}

impl Idempotency {
    /// The answer that was given under this key.
    pub(super) fn answer(
        &self,
        channel: &Channel,
        key: &str,
        now: Duration,
    ) -> Option<StreamPosition> {
        let answer = self.answers.get(&KeyRef { channel, key })?;
        (now < answer.until).then(|| answer.position.clone())
    }

    /// Remembers the answer to a publish that is not a repetition.
    pub(super) fn remember(
        &mut self,
        channel: &Channel,
        key: &str,
        position: StreamPosition,
        now: Duration,
    ) {
        let key = Key {
            channel: channel.clone(),
            key: Arc::from(key),
        };
        let until = now.saturating_add(IDEMPOTENCY_TTL);
        self.order.push_back((until, key.clone()));
        self.answers.insert(key, Answer { position, until });
    }

    /// Forgets at most `limit` keys whose time is over, and says how many it looked at.
    pub(super) fn sweep(&mut self, now: Duration, limit: usize) -> usize {
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

    /// How many keys are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    channel: Channel,
    key: Arc<str>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KeyRef {
            channel: &self.channel,
            key: &self.key,
        }
        .hash(state);
    }
}

/// A key to look up without making one.
#[derive(Hash)]
struct KeyRef<'a> {
    channel: &'a Channel,
    key: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, other: &Key) -> bool {
        *self.key == *other.key && *self.channel == other.channel
    }
}

#[derive(Debug)]
struct Answer {
    position: StreamPosition,
    until: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_used_anew_after_its_time_outlives_the_sweep_of_its_first_use() {
        let channel = Channel::new("news");
        let mut keys = Idempotency::default();
        let first = Duration::ZERO;
        let second = first + IDEMPOTENCY_TTL;
        keys.remember(&channel, "k", StreamPosition::new(1, "e".into()), first);
        assert_eq!(keys.answer(&channel, "k", second), None);
        keys.remember(&channel, "k", StreamPosition::new(2, "e".into()), second);
        assert_eq!(keys.sweep(second, 10), 1);
        let answer = keys.answer(&channel, "k", second).map(|it| it.offset);
        assert_eq!(answer, Some(2));
        assert_eq!(keys.sweep(second + IDEMPOTENCY_TTL, 10), 1);
        assert_eq!(keys.len(), 0);
    }
}
