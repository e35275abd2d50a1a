//! The thread that writes to the store: checkpoints, and what goes because of its age or for want of room.

use std::time::{Duration, Instant};

use veche_protocol::channel::Channel;

use crate::disk::{Disk, Stop};
use crate::journal::entry::millis;
use crate::shard::Access;
use crate::store::{Size, StoreError};

/// Between two looks at what is over.
const SWEEP: Duration = Duration::from_secs(1);
/// How long a change stays in the journal alone, where the journal does not grow.
const CHECKPOINT_AGE: Duration = Duration::from_secs(60);
/// Channels that a sweep handles in one transaction.
const SLICE: usize = 1024;
/// Transactions of one sweep.
const SLICES: usize = 64;
/// Chunks that are dropped in one transaction.
const CHUNKS: usize = 256;
/// What is given back to the system in one transaction, and how often in one sweep.
const GIVE_BACK: (u64, usize) = (4 << 20, 8);
/// Free bytes that stay for what comes next.
const SPARE: u64 = 1 << 20;

impl Disk {
    /// Writes to the store what is to be written, until the engine ends.
    pub(crate) fn run_store(&self) {
        let mut written = Instant::now();
        let mut failed: Option<Instant> = None;
        loop {
            let wanted = self.checkpoints.wait(SWEEP);
            match wanted.stop {
                Some(Stop::AtOnce) => return,
                Some(Stop::InOrder) => {
                    self.checkpoint();
                    return;
                }
                None => {}
            }
            if failed.is_some_and(|at| at.elapsed() < SWEEP) {
                // A store that fails is not asked all the time.
                std::thread::sleep(SWEEP / 10);
                continue;
            }
            let is_old = written.elapsed() >= CHECKPOINT_AGE && self.journal.len() > 0;
            if wanted.checkpoint || is_old || failed.is_some() {
                failed = (!self.checkpoint()).then(Instant::now);
                written = Instant::now();
            }
            if failed.is_none()
                && let Err(error) = self.sweep()
            {
                self.store_failed(&error);
                failed = Some(Instant::now());
            }
        }
    }

    /// Forgets what is over or too much, and gives back the space.
    pub(crate) fn sweep(&self) -> Result<(), StoreError> {
        self.keys.sweep(self.now().time);
        self.sweep_due()?;
        if self.limits.max_size > 0 {
            self.keep_below(self.limits.max_size)?;
        }
        let (bytes, times) = GIVE_BACK;
        for _ in 0..times {
            let size = self.store.size()?;
            if size.free <= SPARE.max(size.used / 8) || !self.store.give_back(bytes)? {
                break;
            }
        }
        *self.last_size.lock() = self.store.size()?;
        Ok(())
    }

    /// Forgets what is over, of channels nobody asks about too.
    fn sweep_due(&self) -> Result<(), StoreError> {
        for _ in 0..SLICES {
            let due = self.store.due(millis(self.now().time), SLICE)?;
            if due.is_empty() {
                break;
            }
            if !self.write_anew(&due, Vec::new()) {
                break;
            }
        }
        Ok(())
    }

    /// Writes channels as they are now. Rows that can't be read go. Returns whether it succeeded.
    fn write_anew(&self, channels: &[Channel], orphans: Vec<u64>) -> bool {
        for channel in channels {
            self.bring_in(channel);
        }
        self.store_channels(channels, orphans)
    }

    /// Has the channel in memory, until it was written to the store again.
    fn bring_in(&self, channel: &Channel) {
        {
            let mut shard = self.shards.lock(channel);
            match shard.access(channel, false) {
                Access::Ready => {
                    shard.change(channel, |stream| stream.is_dirty = true);
                    return;
                }
                // It will be there at the next sweep.
                Access::Loading => return,
                Access::Cold => shard.begin_loading(channel),
            }
        }
        self.load_stream(channel, true);
    }

    /// Drops the oldest publications of the store, whatever channel they are of, until it is small enough; and where there
    /// are none, the positions that would be forgotten first.
    fn keep_below(&self, max_size: u64) -> Result<(), StoreError> {
        for _ in 0..SLICES {
            let Size { used, .. } = self.store.size()?;
            let over = (used + self.journal.len()).saturating_sub(max_size);
            if over == 0 {
                break;
            }
            let chunks = self.store.oldest_chunks(CHUNKS)?;
            if chunks.is_empty() {
                let channels = self.store.first_to_go(SLICE)?;
                channels.iter().for_each(|channel| self.forget(channel));
                if channels.is_empty() || !self.store_channels(&channels, Vec::new()) {
                    break;
                }
                continue;
            }
            // A little more than is needed, so that the next publication does not begin it again.
            let enough = over + max_size / 64;
            let mut dropped = 0;
            let (mut channels, mut orphans) = (Vec::new(), Vec::new());
            for chunk in chunks {
                if dropped >= enough {
                    break;
                }
                dropped += chunk.bytes;
                self.counters.dropped_chunks.add(1);
                let Some(channel) = chunk.channel else {
                    orphans.push(chunk.id);
                    continue;
                };
                self.bring_in(&channel);
                self.shards.lock(&channel).change(&channel, |stream| {
                    if !stream.stored.is_stale {
                        stream.forget_before(chunk.end.unwrap_or(stream.stored.top + 1));
                        stream.is_dirty = true;
                    }
                });
                channels.push(channel);
            }
            channels.sort_unstable();
            channels.dedup();
            if !self.store_channels(&channels, orphans) {
                break;
            }
        }
        Ok(())
    }

    /// Has a channel's time be over.
    fn forget(&self, channel: &Channel) {
        self.bring_in(channel);
        let mut shard = self.shards.lock(channel);
        if !shard.is_waiting(channel) {
            shard.change(channel, |stream| {
                stream.clear();
                stream.position_until = Duration::ZERO;
                stream.is_dirty = true;
            });
        }
    }
}
