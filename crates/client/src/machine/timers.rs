//! What is to be done when.

use std::collections::{BTreeMap, BTreeSet};

/// Deadlines on the monotonic clock, at most one for each name.
#[derive(Debug)]
pub(super) struct Timers<T> {
    in_order: BTreeSet<(u64, T)>,
    by_name: BTreeMap<T, u64>,
}

impl<T: Copy + Ord> Timers<T> {
    pub(super) fn new() -> Self {
        Self {
            in_order: BTreeSet::new(),
            by_name: BTreeMap::new(),
        }
    }

    /// Sets a timer, in place of what it was set to.
    pub(super) fn set(&mut self, name: T, at_ms: u64) {
        self.clear(name);
        self.by_name.insert(name, at_ms);
        self.in_order.insert((at_ms, name));
    }

    pub(super) fn clear(&mut self, name: T) {
        if let Some(at_ms) = self.by_name.remove(&name) {
            self.in_order.remove(&(at_ms, name));
        }
    }

    pub(super) fn get(&self, name: T) -> Option<u64> {
        self.by_name.get(&name).copied()
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<u64> {
        self.in_order.first().map(|(at_ms, _)| *at_ms)
    }

    /// Takes one that is due.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Option<T> {
        let (at_ms, name) = *self.in_order.first()?;
        if at_ms > now_ms {
            return None;
        }
        self.clear(name);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_taken_in_their_order_and_once() {
        let mut timers = Timers::new();
        timers.set('a', 5);
        timers.set('b', 3);
        timers.set('a', 2);
        timers.set('c', 9);
        timers.clear('c');
        assert_eq!(timers.next(), Some(2));
        assert_eq!(timers.take_due(1), None);
        let taken: Vec<_> = std::iter::from_fn(|| timers.take_due(9)).collect();
        assert_eq!(taken, ['a', 'b']);
        assert_eq!(timers.next(), None);
    }
}
