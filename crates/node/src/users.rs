//! How many connections each user has, over all workers, and how many users there are.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use hashbrown::HashMap;
use parking_lot::Mutex;
use veche_protocol::identity::UserId;

/// Counts the connections of users, over all workers.
///
/// A user is kept as a hash of 64 bits under a random key: 16 bytes, and as much again for the room of the table. Two
/// users of the same hash would be counted as one; among a million users the odds of that are one to forty million.
#[derive(Debug)]
pub(crate) struct Users {
    shards: [Mutex<Shard>; SHARDS],
    random: RandomState,
    distinct: AtomicUsize,
}

/// The connections of some users, by their hashes.
type Shard = HashMap<u64, u32, Hashed>;

/// Locks that connections of different users share.
const SHARDS: usize = 16;

impl Default for Users {
    fn default() -> Self {
        Self {
            shards: Default::default(),
            random: RandomState::new(),
            distinct: AtomicUsize::new(0),
        }
    }
}

impl Users {
    /// A connection of this user has come.
    pub(crate) fn came(&self, user: &UserId) {
        self.occupy_place(user, usize::MAX);
    }

    /// A connection of this user, which has come, has left.
    pub(crate) fn left(&self, user: &UserId) {
        let (shard, hash) = self.place(user);
        let mut shard = shard.lock();
        let Some(count) = shard.get_mut(&hash) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            shard.remove(&hash);
            if shard.len() < shard.capacity() / SPARSE {
                shard.shrink_to_fit();
            }
            self.distinct.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Counts a connection of this user that has come, unless there are `limit` already. Returns how many there were.
    ///
    /// The same lock is held for the look and for the taking: of two connections that come at once on two workers, only
    /// one gets the last place.
    pub(crate) fn occupy_place(&self, user: &UserId, limit: usize) -> usize {
        let (shard, hash) = self.place(user);
        let mut shard = shard.lock();
        let taken = shard.get(&hash).copied().unwrap_or(0);
        let others = usize::try_from(taken).unwrap_or(usize::MAX);
        if others < limit {
            shard.insert(hash, taken + 1);
            if taken == 0 {
                self.distinct.fetch_add(1, Ordering::Relaxed);
            }
        }
        others
    }

    /// Users that have a connection.
    pub(crate) fn distinct(&self) -> usize {
        self.distinct.load(Ordering::Relaxed)
    }

    fn place(&self, user: &UserId) -> (&Mutex<Shard>, u64) {
        let hash = self.random.hash_one(user.as_str());
        // The table uses the lowest and the highest bits; these are between them.
        let index = usize::try_from((hash >> 32) % SHARDS as u64).unwrap_or(0);
        let shard = self.shards.get(index);
        (shard.expect("a remainder is below the divisor"), hash)
    }
}

/// A table shrinks when so many of its places are free for each that is taken.
const SPARSE: usize = 4;

/// Takes a number for its own hash: it is one.
#[derive(Clone, Copy, Debug, Default)]
struct Hashed(u64);

impl BuildHasher for Hashed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl std::hash::Hasher for Hashed {
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only numbers of 64 bits are hashed");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The connections of a user: no place is free among none.
    fn connections(users: &Users, user: &UserId) -> usize {
        users.occupy_place(user, 0)
    }

    #[test]
    fn places_are_taken_up_to_the_limit() {
        let users = Users::default();
        let anna: UserId = "anna".into();
        let taken: Vec<usize> = (0..4).map(|_| users.occupy_place(&anna, 2)).collect();
        assert_eq!(taken, [0, 1, 2, 2]);
        assert_eq!((users.distinct(), connections(&users, &anna)), (1, 2));
        users.left(&anna);
        assert_eq!(users.occupy_place(&anna, 2), 1);
    }

    #[test]
    fn connections_and_distinct_users_are_counted() {
        let users = Users::default();
        let (anna, bob): (UserId, UserId) = ("anna".into(), "bob".into());
        for user in [&anna, &bob, &anna] {
            users.came(user);
        }
        assert_eq!(users.distinct(), 2);
        assert_eq!(
            (connections(&users, &anna), connections(&users, &bob)),
            (2, 1)
        );
        users.left(&anna);
        assert_eq!((users.distinct(), connections(&users, &anna)), (2, 1));
        users.left(&anna);
        assert_eq!((users.distinct(), connections(&users, &anna)), (1, 0));
        users.left(&anna);
        assert_eq!((users.distinct(), connections(&users, &anna)), (1, 0));
    }

    #[test]
    fn nothing_is_kept_of_users_that_are_gone() {
        let users = Users::default();
        let names: Vec<UserId> = (0..10_000)
            .map(|it| format!("u{it}").as_str().into())
            .collect();
        for name in &names {
            users.came(name);
        }
        assert_eq!(users.distinct(), names.len());
        for name in &names {
            users.left(name);
        }
        assert_eq!(users.distinct(), 0);
        let room: usize = users
            .shards
            .iter()
            .map(|shard| shard.lock().capacity())
            .sum();
        assert!(room < names.len() / 10, "there is room for {room} users");
    }
}
