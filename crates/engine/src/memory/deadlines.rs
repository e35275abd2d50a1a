//! What to look at when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Names with moments to look at them again, the earliest first.
///
/// An entry is a reminder, not a verdict: whoever takes it looks whether its thing is due now, and puts it back
/// with a later moment if not. So a deadline that moves on all the time costs one entry, not one per move.
#[derive(Debug)]
pub(super) struct Deadlines<K> {
    heap: BinaryHeap<Entry<K>>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }
}

impl<K> Deadlines<K> {
    /// Remembers to look at `key` at `at`.
    pub(super) fn push(&mut self, at: Duration, key: K) {
        self.heap.push(Entry { at, key });
    }

    /// Takes the earliest entry whose moment has come.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<(Duration, K)> {
        if self.heap.peek()?.at > now {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.key))
    }

    /// Gives memory back after a rush.
    pub(super) fn shrink(&mut self) {
        if self.heap.capacity() > 4 * self.heap.len().max(64) {
            self.heap.shrink_to(2 * self.heap.len());
        }
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }
}

#[derive(Debug)]
struct Entry<K> {
    at: Duration,
    key: K,
}

impl<K> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first; the greatest is to be the earliest.
        other.at.cmp(&self.at)
    }
}

impl<K> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<K> Eq for Entry<K> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_nothing_before_its_time() {
        let seconds = Duration::from_secs;
        let mut deadlines = Deadlines::default();
        deadlines.push(seconds(3), "c");
        deadlines.push(seconds(1), "a");
        deadlines.push(seconds(2), "b");
        assert_eq!(deadlines.pop_due(seconds(0)), None);
        assert_eq!(deadlines.pop_due(seconds(2)), Some((seconds(1), "a")));
        assert_eq!(deadlines.pop_due(seconds(2)), Some((seconds(2), "b")));
        assert_eq!(deadlines.pop_due(seconds(2)), None);
        assert_eq!(deadlines.len(), 1);
    }
}
