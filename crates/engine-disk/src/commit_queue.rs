//! What waits for a sync: deliveries and answers, in the order of their changes.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use veche_engine::error::EngineError;
use veche_protocol::channel::Channel;

use crate::call::Notice;
use crate::journal::Lsn;

/// The queue between those who publish and the thread that syncs.
///
/// It is bounded: publishing with `sync` is refused while [`MAX_BYTES`] of data wait. What else gets into it is an answer
/// that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct CommitQueue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    is_stopping: bool,
}

/// Something that is told when a change is safe.
pub(crate) struct Waiting {
    pub(crate) lsn: Lsn,
    pub(crate) channel: Channel,
    pub(crate) notice: Option<Notice>,
    pub(crate) answer: Option<Tell>,
    pub(crate) since: Instant,
}

/// Gives an answer: that it is done, or why that is not known.
pub(crate) type Tell = Box<dyn FnOnce(Result<(), EngineError>) + Send>;

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("lsn", &self.lsn)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// What the thread that syncs is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Something waits.
    Sync,
    /// The interval is over.
    Tick,
    /// The engine ends.
    Stop,
}

impl CommitQueue {
    /// Whether so much waits that nothing more is taken.
    pub(crate) fn is_full(&self) -> bool {
        self.state.lock().bytes >= MAX_BYTES
    }

    pub(crate) fn push(&self, waiting: Waiting) {
        let mut state = self.state.lock();
        state.bytes += waiting.notice.as_ref().map_or(0, Notice::len);
        // Channels of different shards may come in another order than their changes; those of one never do.
        let later = state
            .waiting
            .iter()
            .rev()
            .take_while(|it| it.lsn > waiting.lsn);
        let at = state.waiting.len() - later.count();
        state.waiting.insert(at, waiting);
        self.changed.notify_one();
    }

    /// Waits until there is something to do, at most until `deadline`.
    pub(crate) fn next(&self, deadline: Instant) -> Task {
        let mut state = self.state.lock();
        loop {
            if state.is_stopping {
                return Task::Stop;
            }
            if !state.waiting.is_empty() {
                return Task::Sync;
            }
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return Task::Tick;
            }
        }
    }

    /// Waits until so many wait, for a time at most: whoever was answered together comes again together, and one sync is
    /// enough for all.
    pub(crate) fn gather(&self, count: usize, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        while state.waiting.len() < count
            && !state.is_stopping
            && !self.changed.wait_until(&mut state, deadline).timed_out()
        {}
    }

    /// Waits for a while, unless the engine ends.
    pub(crate) fn pause(&self, time: Duration) {
        let deadline = Instant::now() + time;
        let mut state = self.state.lock();
        while !state.is_stopping && !self.changed.wait_until(&mut state, deadline).timed_out() {}
    }

    /// Takes what waited for changes up to `lsn`.
    pub(crate) fn take(&self, lsn: Lsn) -> Vec<Waiting> {
        let mut state = self.state.lock();
        let count = state.waiting.partition_point(|it| it.lsn <= lsn);
        let taken: Vec<_> = state.waiting.drain(..count).collect();
        let bytes = taken
            .iter()
            .filter_map(|it| it.notice.as_ref())
            .map(Notice::len);
        state.bytes -= bytes.sum::<usize>();
        taken
    }

    /// Answers what has waited since before `since`, and leaves its delivery in the queue.
    pub(crate) fn give_up(&self, since: Instant, error: &EngineError) {
        let overdue: Vec<_> = {
            let mut state = self.state.lock();
            let waiting = state.waiting.iter_mut();
            let overdue = waiting.take_while(|it| it.since < since);
            overdue.filter_map(|it| it.answer.take()).collect()
        };
        for answer in overdue {
            answer(Err(error.clone()));
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().is_stopping = true;
        self.changed.notify_all();
    }
}

/// Bytes of publications that wait for a sync; the last one may pass it.
pub(crate) const MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(lsn: Lsn) -> Waiting {
        Waiting {
            lsn,
            channel: "news".into(),
            notice: None,
            answer: None,
            since: Instant::now(),
        }
    }

    #[test]
    fn what_waits_is_taken_in_the_order_of_its_changes() {
        let queue = CommitQueue::default();
        for lsn in [2, 1, 4, 3, 4] {
            queue.push(waiting(lsn));
        }
        let taken = |lsn| queue.take(lsn).iter().map(|it| it.lsn).collect::<Vec<_>>();
        assert_eq!(taken(0), Vec::<Lsn>::new());
        assert_eq!(taken(3), [1, 2, 3]);
        assert_eq!(taken(9), [4, 4]);
    }

    #[test]
    fn a_group_is_gathered_until_it_is_there_or_the_engine_ends() {
        let queue = CommitQueue::default();
        let long = Duration::from_mins(10);
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=5).for_each(|lsn| queue.push(waiting(lsn))));
            queue.gather(5, long);
        });
        assert_eq!(queue.take(5).len(), 5);
        queue.gather(1, Duration::from_millis(1));
        queue.stop();
        queue.gather(1, long);
    }
}
