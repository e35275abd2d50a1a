//! Tables split by channel, each under a lock of its own.

use std::fmt;
use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use parking_lot::{Mutex, MutexGuard};

use veche_protocol::channel::Channel;

/// A fixed number of tables; a channel always belongs to the same one.
pub struct Shards<T> {
    hasher: DefaultHashBuilder,
    tables: Box<[Mutex<T>]>,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            tables: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl<T> Shards<T> {
    /// Locks the table of a channel. Where tables are locked inside each other, the order is the caller's concern.
    pub fn lock(&self, channel: &Channel) -> MutexGuard<'_, T> {
        let shards = u64::try_from(self.tables.len()).unwrap_or(1);
        let index = self.hasher.hash_one(channel) % shards;
        usize::try_from(index)
            .ok()
            .and_then(|index| self.tables.get(index))
            .expect("a remainder is less than its divisor")
            .lock()
    }

    /// All tables, one after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Mutex<T>> {
        self.tables.iter()
    }
}

impl<T> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards")
            .field("tables", &self.tables.len())
            .finish_non_exhaustive()
    }
}

/// Enough that threads seldom meet, few enough that a sweep over all is nothing.
const SHARDS: usize = 64;
