//! The thread that syncs the journal, and tells and answers what waited for it.

use std::time::{Duration, Instant};

use veche_engine::error::EngineError;
use veche_engine::memory::shards::Shards;

use crate::commit_queue::Task;
use crate::disk::Disk;
use crate::journal::entry::Kind;
use crate::trouble::Part;

/// How long a call waits for a sync.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts to sync a disk that does not do it.
const RETRY: Duration = Duration::from_millis(200);
/// How often it is tried whether a disk takes anything again.
const PROBE: Duration = Duration::from_secs(1);
/// The part of a sync's time for which a group is gathered, and the longest such time.
const GATHER: u32 = 4;
const MAX_GATHER: Duration = Duration::from_millis(2);

/// How the last group went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Group {
    /// Deliveries and answers that it let go.
    count: usize,
    /// How long the sync took.
    time: Duration,
}

impl Disk {
    /// Syncs whenever something waits, and once an interval, until the engine ends.
    pub(crate) fn run_commits(&self) {
        let mut last = Instant::now();
        let mut probed = last;
        let mut group = Group::default();
        loop {
            let interval = self.limits.interval.min(PROBE);
            let task = self.commits.next(last + interval);
            if task == Task::Tick {
                last = Instant::now();
                if self.trouble.is_in(Part::Journal) && probed.elapsed() >= PROBE {
                    probed = last;
                    self.probe();
                }
            }
            if task == Task::Sync && group.count > 1 {
                let time = (group.time / GATHER).min(MAX_GATHER);
                self.commits.gather(group.count, time);
            }
            let is_due = task != Task::Tick || self.journal.last() > self.journal.synced();
            if is_due {
                match self.commit() {
                    Some(committed) => group = committed,
                    None if task != Task::Stop => self.commits.pause(RETRY),
                    None => {}
                }
            }
            if task == Task::Stop {
                return;
            }
        }
    }

    /// Syncs, and lets go what waited; `None` where the disk does not do it.
    pub(crate) fn commit(&self) -> Option<Group> {
        let began = Instant::now();
        // After a sync that failed only the store makes safe what was appended before.
        let synced = if self.trouble.is_in(Part::Sync) {
            Ok(self.journal.synced())
        } else {
            self.journal.sync()
        };
        let mut group = Group::default();
        match synced {
            Ok(lsn) => {
                group.time = began.elapsed();
                self.counters.syncs.add(1);
                let micros = u64::try_from(began.elapsed().as_micros());
                self.counters.sync_micros.add(micros.unwrap_or(u64::MAX));
                group.count = self.let_go(lsn);
            }
            Err(error) => {
                self.trouble.begin(Part::Sync, &error.to_string());
            }
        }
        if !self.trouble.is_in(Part::Sync) {
            return Some(group);
        }
        self.checkpoints.ask();
        let why = "the disk has not confirmed it";
        if let Some(since) = Instant::now().checked_sub(PATIENCE) {
            let error = EngineError::Uncertain(why.into());
            self.commits.give_up(since, &error);
        }
        None
    }

    /// Tells and answers what waited for changes up to `lsn`. Returns how many there were.
    fn let_go(&self, lsn: u64) -> usize {
        let taken = self.commits.take(lsn);
        let count = taken.len();
        for waiting in taken {
            let mut shard = Shards::lock(&self.shards, &waiting.channel);
            if let Some(notice) = waiting.notice {
                notice.tell(&*self.sink, &waiting.channel);
            }
            shard.end_wait(&waiting.channel);
            drop(shard);
            if let Some(answer) = waiting.answer {
                answer(Ok(()));
            }
        }
        count
    }

    /// Tries whether the disk takes something again, so that health is right where nobody publishes.
    fn probe(&self) {
        let probed = (self.journal).append(Kind::Probe, |_| {}, |into| into.extend([0; 4096]));
        if probed.is_ok() {
            self.trouble.end(Part::Journal);
        } else {
            self.checkpoints.ask();
        }
    }
}
