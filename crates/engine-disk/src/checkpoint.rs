//! Writing to the store what the journal has, and what is over.

use std::time::Instant;

use veche_protocol::channel::Channel;

use crate::disk::{Disk, Moment};
use crate::journal::entry::millis;
use crate::shard::Shard;
use crate::store::{Batch, StoreError, StreamWrite};
use crate::stream::Stream;
use crate::trouble::Part;

impl Disk {
    /// Writes all that the journal has, and begins a new one. Returns whether it succeeded.
    pub(crate) fn checkpoint(&self) -> bool {
        let _turn = self.writing.lock();
        let rotated = self.journal.rotate();
        let (number, lsn) = match rotated {
            Ok(rotated) => rotated,
            Err(error) => {
                self.trouble.begin(Part::Journal, &error.to_string());
                return false;
            }
        };
        let now = self.now();
        let mut batch = Batch {
            lost: std::mem::take(&mut *self.lost.lock()),
            keys: self.keys.take_fresh(now.time),
            keys_over_ms: millis(now.time),
            journal: Some((number, lsn)),
            ..Batch::default()
        };
        for shard in self.shards.iter() {
            let mut shard = shard.lock();
            for channel in shard.take_dirty() {
                batch.streams.extend(take(&mut shard, channel, now));
            }
        }
        let is_written = self.write(batch, now);
        if is_written {
            self.journal.stored(number, lsn);
            self.trouble.end(Part::Sync);
        }
        is_written
    }

    /// Writes some channels only, so that what is over goes without writing what is busy. Returns whether it succeeded.
    pub(crate) fn store_channels(&self, channels: &[Channel], orphans: Vec<u64>) -> bool {
        let _turn = self.writing.lock();
        let now = self.now();
        let mut batch = Batch {
            lost: std::mem::take(&mut *self.lost.lock()),
            orphans,
            ..Batch::default()
        };
        for channel in channels {
            let mut shard = self.shards.lock(channel);
            batch.streams.extend(take(&mut shard, channel.clone(), now));
        }
        if batch.streams.is_empty() && batch.orphans.is_empty() && batch.lost.is_empty() {
            return true;
        }
        self.write(batch, now)
    }

    fn write(&self, mut batch: Batch, now: Moment) -> bool {
        let began = Instant::now();
        let written = self.store.write(&mut batch);
        let is_written = match written {
            Ok(()) => {
                self.counters.writes.add(1);
                let micros = u64::try_from(began.elapsed().as_micros());
                self.counters.write_micros.add(micros.unwrap_or(u64::MAX));
                self.trouble.end(Part::Store);
                true
            }
            Err(error) => {
                self.store_failed(&error);
                if let Some(keys) = &batch.keys {
                    self.keys.put_back(keys);
                }
                self.lost.lock().append(&mut batch.lost);
                false
            }
        };
        for stream in batch.streams {
            let mut shard = self.shards.lock(&stream.channel);
            if is_written {
                finish(&mut shard, stream, now);
            } else {
                shard.change(&stream.channel, |it| {
                    it.is_storing = false;
                    it.is_dirty = true;
                });
            }
            self.trim(&mut shard);
        }
        is_written
    }

    /// The store did not do what it was asked.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.trouble.begin(Part::Store, &error.to_string());
    }
}

/// What is to be written of a channel.
fn take(shard: &mut Shard, channel: Channel, now: Moment) -> Option<StreamWrite> {
    shard.change(&channel, |stream| {
        let is_gone = stream.expire(now.time);
        stream.is_dirty = false;
        stream.is_storing = true;
        to_write(stream, channel.clone(), is_gone, now)
    })
}

fn to_write(stream: &Stream, channel: Channel, is_gone: bool, now: Moment) -> StreamWrite {
    let stored = &stream.stored;
    let deadline = millis(stream.deadline()).max(1);
    let due = stored.due_ms;
    let is_due_new = !stored.has_row || deadline < due || due <= millis(now.time);
    let due = if is_due_new { deadline } else { due };
    let from = stream.first.max(stored.top + 1);
    let publications = stream.recent_from(from).cloned().collect();
    let mut row = stream.row();
    row.due_ms = due;
    StreamWrite {
        channel,
        is_gone,
        has_row: stored.has_row,
        is_due_new,
        is_stale: stored.is_stale,
        trims: stored.has_row && !stored.is_stale && stream.first > stored.first,
        publications,
        row,
    }
}

/// The store has it.
fn finish(shard: &mut Shard, written: StreamWrite, now: Moment) {
    let is_over = shard.change(&written.channel, |stream| {
        stream.is_storing = false;
        if stream.id != written.row.id {
            return false;
        }
        let is_same_life = stream.epoch == written.row.epoch;
        let stored = &mut stream.stored;
        stored.has_row = !written.is_gone;
        stored.due_ms = if written.is_gone {
            0
        } else {
            written.row.due_ms
        };
        stored.is_stale = !is_same_life && !written.is_gone;
        if is_same_life {
            stored.top = written.row.top;
            stored.first = written.row.first;
            stored.tail = written.row.tail;
            stored.position_until = written.row.position_until;
        }
        written.is_gone && is_same_life && !stream.is_dirty && stream.position_until <= now.time
    });
    if is_over == Some(true) {
        shard.remove(&written.channel);
    }
}
