//! How the client's task learns what a reader has taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// What a reader has taken, for the client's task to take note of.
#[derive(Debug)]
pub(super) struct Reading {
    events: AtomicUsize,
    bytes: AtomicUsize,
    /// From so much on the task is woken.
    report_from: (usize, usize),
    wake: Arc<Notify>,
}

impl Reading {
    pub(super) fn new(report_from: (usize, usize), wake: Arc<Notify>) -> Self {
        Self {
            events: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            report_from,
            wake,
        }
    }

    pub(super) fn take(&self, weight: usize) {
        // Only sums travel through these; the events themselves go through a channel.
        let events = self.events.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(weight, Ordering::Relaxed) + weight;
        if events >= self.report_from.0 || bytes >= self.report_from.1 {
            self.wake.notify_one();
        }
    }

    /// Wakes the client's task.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// What was taken since the last call.
    pub(super) fn report(&self) -> (usize, usize) {
        let events = self.events.swap(0, Ordering::Relaxed);
        (events, self.bytes.swap(0, Ordering::Relaxed))
    }
}
