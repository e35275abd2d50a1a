//! The engine's state, which its callers and its threads share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use veche_engine::error::EngineError;
use veche_engine::memory::clock::{Clock, Now};
use veche_engine::memory::shards::Shards;
use veche_engine::sink::Sink;
use veche_protocol::channel::Channel;

use crate::commit_queue::CommitQueue;
use crate::counters::{Counters, Stats};
use crate::durability::Policy;
use crate::journal::Journal;
use crate::keys::Keys;
use crate::load_queue::{Load, LoadQueue};
use crate::shard::Shard;
use crate::store::{Size, Store};
use crate::stream::{Generations, Stream};
use crate::trouble::Trouble;

/// Everything that callers and threads share.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) generations: Generations,
    pub(crate) shards: Shards<Shard>,
    pub(crate) keys: Keys,
    pub(crate) journal: Journal,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) commits: CommitQueue,
    pub(crate) loads: LoadQueue,
    pub(crate) checkpoints: Signal,
    pub(crate) trouble: Trouble,
    pub(crate) counters: Counters,
    /// Held while something is written to the store.
    pub(crate) writing: Mutex<()>,
    /// Channels whose rows in the store are damaged, and are to go.
    pub(crate) lost: Mutex<Vec<Channel>>,
    pub(crate) last_size: Mutex<Size>,
    pub(crate) next_stream: AtomicU64,
    pub(crate) is_closed: AtomicBool,
}

/// How much the engine takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Between two syncs.
    pub(crate) interval: Duration,
    /// Of the store and the journal, in bytes; 0 is no limit.
    pub(crate) max_size: u64,
    /// Of one shard in memory, in bytes.
    pub(crate) shard_budget: usize,
}

/// Bytes of the journal that begin a checkpoint. A start reads so much, or a little more.
pub(crate) const CHECKPOINT_BYTES: u64 = 16 << 20;
/// Bytes of the journal beyond which nothing more is kept until a checkpoint was made.
pub(crate) const MAX_JOURNAL_BYTES: u64 = 4 * CHECKPOINT_BYTES;

/// Bytes of a shard beyond its budget that begin a checkpoint, so that they can leave memory.
const PINNED: usize = 32 << 10;

impl Disk {
    /// The time as deadlines are made of it: since the Unix epoch, so that it goes on while nothing runs.
    pub(crate) fn now(&self) -> Moment {
        Moment::of(self.clock.now())
    }

    /// Has the channel read.
    pub(crate) fn load(&self, shard: &mut Shard, channel: &Channel) {
        shard.begin_loading(channel);
        self.loads.push(Load::Stream(channel.clone()));
    }

    /// A number for a stream that the store does not have.
    pub(crate) fn next_stream(&self) -> u64 {
        self.next_stream.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a stream for a channel that has none. It is told to the journal by its first publication.
    pub(crate) fn new_stream(&self, now: Moment) -> Stream {
        let generation = self.generations.newest();
        Stream::new(self.next_stream(), generation, now.time)
    }

    /// Keeps the cache within its bounds.
    pub(crate) fn trim(&self, shard: &mut Shard) {
        let budget = self.limits.shard_budget;
        if shard.weight() > budget {
            shard.evict(budget);
            // What is left is what the store does not have.
            if shard.weight() > budget + PINNED {
                self.checkpoints.ask();
            }
        }
    }

    /// Whether calls are still taken.
    ///
    /// # Errors
    /// They are not.
    pub(crate) fn is_open(&self) -> Result<(), EngineError> {
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(EngineError::Unavailable("it is closed".into()));
        }
        Ok(())
    }

    /// How the engine stands.
    pub(crate) fn stats(&self) -> Stats {
        let size = *self.last_size.lock();
        let seconds = |micros: u64| Duration::from_micros(micros).as_secs_f64();
        let weights = self.shards.iter().map(|shard| shard.lock().weight());
        let counters = &self.counters;
        Stats {
            used_bytes: size.used,
            free_bytes: size.free,
            journal_bytes: self.journal.len(),
            cache_bytes: u64::try_from(weights.sum::<usize>()).unwrap_or(u64::MAX),
            kept: counters.kept.value(),
            refused: counters.refused.value(),
            syncs: (
                counters.syncs.value(),
                seconds(counters.sync_micros.value()),
            ),
            writes: (
                counters.writes.value(),
                seconds(counters.write_micros.value()),
            ),
            loads: counters.loads.value(),
            dropped_chunks: counters.dropped_chunks.value(),
            damaged: counters.damaged.value(),
        }
    }
}

/// A moment of the engine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Since the Unix epoch.
    pub(crate) time: Duration,
    pub(crate) unix_ms: i64,
}

impl Moment {
    pub(crate) fn of(now: Now) -> Self {
        Self {
            time: Duration::from_millis(u64::try_from(now.unix_ms).unwrap_or_default()),
            unix_ms: now.unix_ms,
        }
    }
}

/// Wakes the thread that writes to the store.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<Wanted>,
    changed: Condvar,
}

/// What is wanted of the thread that writes to the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// All that the journal has is to be written.
    pub(crate) checkpoint: bool,
    /// The engine ends: in order, with all that is left, or at once.
    pub(crate) stop: Option<Stop>,
}

/// How the engine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// With all that is left.
    InOrder,
    /// As it is: the journal has everything.
    AtOnce,
}

impl Signal {
    /// Wants a checkpoint.
    pub(crate) fn ask(&self) {
        self.state.lock().checkpoint = true;
        self.changed.notify_all();
    }

    pub(crate) fn stop(&self, how: Stop) {
        let mut state = self.state.lock();
        state.stop.get_or_insert(how);
        self.changed.notify_all();
    }

    /// Waits until something is wanted, for a time at most.
    pub(crate) fn wait(&self, time: Duration) -> Wanted {
        let mut state = self.state.lock();
        if *state == Wanted::default() {
            self.changed.wait_for(&mut state, time);
        }
        let wanted = *state;
        state.checkpoint = false;
        wanted
    }
}
