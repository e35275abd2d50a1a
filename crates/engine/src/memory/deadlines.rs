//! What to look at when.

use std::collections::BTreeSet;
use std::time::Duration;

/// Keys with moments to look at them again, the earliest first. Each key has one entry.
///
/// An entry is a reminder, not a verdict: whoever takes it looks whether its thing is due now, and puts it back
/// with a later moment if not. So a deadline that moves later all the time costs nothing until the entry is taken; only
/// one that moves earlier must be moved here, too.
///
/// The owner of a thing keeps the moment of its entry: it is needed to move or remove the entry.
#[derive(Debug)]
pub(super) struct Deadlines<K> {
    entries: BTreeSet<(Duration, K)>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self {
            entries: BTreeSet::new(),
        }
    }
}

impl<K: Ord> Deadlines<K> {
    /// Remembers to look at `key` at `at`. The key must not have an entry yet.
    pub(super) fn push(&mut self, at: Duration, key: K) {
        self.entries.insert((at, key));
    }

    /// Moves the entry of `key` from one moment to another.
    pub(super) fn reschedule(&mut self, from: Duration, to: Duration, key: K) {
        let entry = (from, key);
        self.entries.remove(&entry);
        self.entries.insert((to, entry.1));
    }

    /// Removes the entry of `key` at `at`.
    pub(super) fn remove(&mut self, at: Duration, key: K) {
        self.entries.remove(&(at, key));
    }

    /// Takes the earliest entry.
    pub(super) fn pop(&mut self) -> Option<(Duration, K)> {
        self.entries.pop_first()
    }

    /// Takes the earliest entry whose moment has come.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<(Duration, K)> {
        if self.entries.first()?.0 > now {
            return None;
        }
        self.pop()
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

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

    #[test]
    fn a_moved_entry_leaves_nothing_behind() {
        let seconds = Duration::from_secs;
        let mut deadlines = Deadlines::default();
        deadlines.push(seconds(9), "a");
        deadlines.push(seconds(5), "b");
        deadlines.reschedule(seconds(9), seconds(1), "a");
        deadlines.remove(seconds(5), "b");
        assert_eq!(deadlines.len(), 1);
        assert_eq!(deadlines.pop_due(seconds(9)), Some((seconds(1), "a")));
    }
}
