//! The idempotency keys of clients, which are bounded: a client must not fill the memory with them.

use std::collections::VecDeque;
use std::time::Duration;

use hashbrown::HashMap;

use veche_protocol::position::StreamPosition;

use super::Remembered;
use crate::memory::deadlines::Deadlines;

/// Keys of one owner in one channel. One more, and its oldest is forgotten.
pub(super) const MAX_KEYS_OF_OWNER: usize = 256;

/// Keys of all clients in the channels of one shard; some 100 bytes each. One more, and the oldest is forgotten.
pub(super) const MAX_KEYS: usize = 16_384;

/// The keys of clients, by the hash of channel and owner.
#[derive(Debug, Default)]
pub(super) struct ClientKeys {
    owners: HashMap<u128, Keys>,
    /// When the oldest key of each owner is to be looked at.
    reminders: Deadlines<u128>,
    count: usize,
}

/// The keys of one owner in one channel, the oldest first; never empty. They are few enough to be gone through.
type Keys = VecDeque<(u128, Remembered)>;

impl ClientKeys {
    pub(super) fn answer(&self, owner: u128, key: u128, now: Duration) -> Option<StreamPosition> {
        let keys = self.owners.get(&owner)?;
        // A key that was used anew after its time has two entries; the newer one counts.
        let (_, answer) = keys.iter().rev().find(|(known, _)| *known == key)?;
        (now < answer.until).then(|| answer.position.clone())
    }

    pub(super) fn remember(&mut self, owner: u128, key: u128, answer: Remembered) {
        let keys = self.owners.entry(owner).or_default();
        if keys.is_empty() {
            self.reminders.push(answer.until, owner);
        }
        if keys.len() >= MAX_KEYS_OF_OWNER {
            keys.pop_front();
            self.count -= 1;
        }
        keys.push_back((key, answer));
        self.count += 1;
        while self.count > MAX_KEYS && self.forget_oldest() {}
    }

    /// Forgets at most about `limit` keys whose time is over, and says how many entries it looked at.
    pub(super) fn sweep(&mut self, now: Duration, limit: usize) -> usize {
        let mut seen = 0;
        while seen < limit
            && let Some((_, owner)) = self.reminders.pop_due(now)
        {
            let Some(keys) = self.owners.get_mut(&owner) else {
                continue;
            };
            let before = keys.len();
            while keys.front().is_some_and(|(_, answer)| answer.until <= now) {
                keys.pop_front();
            }
            let forgotten = before - keys.len();
            self.count -= forgotten;
            seen += forgotten.max(1);
            self.remind(owner);
        }
        if self.owners.is_empty() {
            self.owners.shrink_to(64);
        }
        seen
    }

    /// Forgets the oldest key of all; false if there is none.
    fn forget_oldest(&mut self) -> bool {
        let Some((at, owner)) = self.reminders.pop() else {
            return false;
        };
        // An owner that has used up its own number has a reminder for a key that is gone: it is put back.
        if let Some(keys) = self.owners.get_mut(&owner)
            && keys.front().is_some_and(|(_, answer)| answer.until <= at)
        {
            keys.pop_front();
            self.count -= 1;
        }
        self.remind(owner);
        true
    }

    /// Puts back the reminder of an owner whose keys have become fewer, or forgets the owner.
    fn remind(&mut self, owner: u128) {
        let Some(keys) = self.owners.get_mut(&owner) else {
            return;
        };
        match keys.front() {
            Some((_, oldest)) => {
                self.reminders.push(oldest.until, owner);
                if keys.capacity() > 4 * keys.len() {
                    keys.shrink_to(2 * keys.len());
                }
            }
            None => drop(self.owners.remove(&owner)),
        }
    }

    /// How many keys are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let held: usize = self.owners.values().map(VecDeque::len).sum();
        assert_eq!(self.count, held);
        assert_eq!(self.reminders.len(), self.owners.len());
        self.count
    }
}
