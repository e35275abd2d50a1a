//! What a worker counts: plain cells with one writer, read at the scrape.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

impl Cell {
    pub(crate) fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(count),
            Ordering::Relaxed,
        );
    }

    pub(crate) fn set(&self, value: usize) {
        self.0
            .store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one worker counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sockets open now, in whatever stage.
    pub sockets: Cell,
    /// Clients connected now (after `connect`).
    pub clients: Cell,
    /// Subscriptions attached now.
    pub subscriptions: Cell,
    /// Clients that have connected.
    pub connections_accepted: Cell,
    /// Messages that clients have sent, and their bytes.
    pub messages_received: Cell,
    /// Bytes of those messages.
    pub bytes_received: Cell,
    /// Publications delivered to clients.
    pub publications_sent: Cell,
    /// Joins delivered to clients.
    pub joins_sent: Cell,
    /// Leaves delivered to clients.
    pub leaves_sent: Cell,
    /// Replies and other pushes sent to clients.
    pub replies_sent: Cell,
    /// Bytes that short writes left behind, now.
    pub backlog: Cell,
    /// Sessions that ended by a fault of ours while they handled input.
    pub panics: Cell,
    /// Commands carried out, by name.
    pub commands: Tally<&'static str>,
    /// Errors replied, by code.
    pub reply_errors: Tally<u32>,
    /// Disconnects by the server, by code.
    pub disconnects: Tally<u32>,
    /// Unsubscribes by the server, by code.
    pub unsubscribes: Tally<u32>,
    /// Recoveries tried, by whether they succeeded.
    pub recoveries: Tally<bool>,
}

/// Numbers by a label that has few values.
#[derive(Debug)]
pub struct Tally<K>(Mutex<Vec<(K, u64)>>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<K: Copy + PartialEq> Tally<K> {
    pub(crate) fn add(&self, label: K) {
        let mut rows = self.0.lock();
        match rows.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => rows.push((label, 1)),
        }
    }

    /// The numbers.
    #[must_use]
    pub fn values(&self) -> Vec<(K, u64)> {
        self.0.lock().clone()
    }
}
