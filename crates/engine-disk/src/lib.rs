//! The engine on disk: channel traffic of one node, whose history survives a restart.
//!
//! It behaves as the engine in memory does, and keeps what that one forgets: streams, positions, versions and
//! idempotency keys. Presence stays in memory.
//!
//! # How it works
//! A change is appended to the [journal](mod@journal) before it takes effect, by one write to the system. So the end of
//! the process, in whatever way, takes nothing back. The journal is synced once an interval, or for each group of
//! publications that wait for it ([`durability`]).
//!
//! The newest publications of a channel are in memory. When the journal has grown to 16 MiB, or is a minute old, a
//! checkpoint writes what it has to the [store](mod@store), an SQLite database, in one transaction, and removes it. What
//! is in the store can leave memory; it is read when it is asked for.
//!
//! # Threads
//! Calls do what they can on the thread that makes them. One thread reads the store for channels that are not in memory,
//! one syncs the journal and lets go what waited for it, one writes to the store.
//!
//! # Bounds
//! Memory: the cache ([`DiskOptions::cache_size`](open::DiskOptions)), and beyond it what only the journal has, 64 MiB of
//! it at most: then publishing is refused until a checkpoint was made. Calls that wait for the store: 65 536; publications
//! that wait for a sync: 16 MiB.

pub mod broker;
pub mod care;
pub mod counters;
pub mod durability;
pub mod files;
pub mod lock;
pub mod open;

mod call;
mod checkpoint;
mod coding;
mod commit;
mod commit_queue;
mod disk;
mod journal;
mod keys;
mod load_queue;
mod loader;
mod publish;
mod record;
mod retention;
mod shard;
mod store;
mod stream;
mod trouble;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
