//! What the engine counts, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the engine.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) kept: Counter,
    pub(crate) refused: Counter,
    pub(crate) syncs: Counter,
    pub(crate) sync_micros: Counter,
    pub(crate) writes: Counter,
    pub(crate) write_micros: Counter,
    pub(crate) loads: Counter,
    pub(crate) dropped_chunks: Counter,
    pub(crate) damaged: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How the engine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Bytes in use in the store.
    pub used_bytes: u64,
    /// Bytes of the store that are free, and not given back to the system yet.
    pub free_bytes: u64,
    /// Bytes of the journal that the store does not have yet.
    pub journal_bytes: u64,
    /// Bytes of streams in memory, about.
    pub cache_bytes: u64,
    /// Publications that were kept.
    pub kept: u64,
    /// Publishes that were refused, because the disk did not take them.
    pub refused: u64,
    /// Syncs of the journal, and the seconds that they took.
    pub syncs: (u64, f64),
    /// Writes to the store, and the seconds that they took.
    pub writes: (u64, f64),
    /// Reads of the store for calls.
    pub loads: u64,
    /// Chunks of publications that were dropped, because the store was at its largest size.
    pub dropped_chunks: u64,
    /// Damaged places that were found.
    pub damaged: u64,
}
