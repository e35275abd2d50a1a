//! The writing: batches, one write per client, and what a socket does not take.

use std::io::{self, IoSlice, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use super::frames::frame_start;
use super::run::{Segment, close_and_park};
use super::{Batch, Casualty, Outboxes, Rest, Row};
use crate::link::Link;

/// A remainder up to this size is copied rather than kept.
pub(super) const COPY_UP_TO: usize = 4096;
/// Slices in one gathering write.
pub(super) const MAX_SLICES: usize = 64;
/// Writes between two looks at the clock.
const WRITES_PER_LOOK: usize = if cfg!(test) { 3 } else { 64 };

impl Outboxes {
    /// Writes what is owed, for about as long as `slice`. Returns whether nothing is left that could be written now.
    pub(crate) fn flush(&mut self, slice: Duration) -> bool {
        self.seal();
        let began = Instant::now();
        let mut writes = 0;
        while let Some(batch) = self.batches.front_mut() {
            if let Some(&slot) = batch.dirty.get(batch.next) {
                batch.next += 1;
                self.flush_row(slot);
                writes += 1;
                if writes % WRITES_PER_LOOK == 0 && began.elapsed() >= slice {
                    return false;
                }
            } else if let Some(batch) = self.batches.pop_front() {
                self.free_runs(&batch);
            }
        }
        true
    }

    /// What is owed so far becomes a batch; its runs take no more frames.
    fn seal(&mut self) {
        if self.dirty.is_empty() {
            return;
        }
        self.generation = self.generation.wrapping_add(1);
        self.private = None;
        for id in &self.active {
            if let Some(run) = self.runs.get_mut(id.0 as usize) {
                run.sealed = true;
                run.parked.clear();
            }
        }
        self.batches.push_back(Batch {
            dirty: std::mem::take(&mut self.dirty),
            runs: std::mem::take(&mut self.active),
            next: 0,
        });
    }

    fn free_runs(&mut self, batch: &Batch) {
        for &id in &batch.runs {
            if let Some(run) = self.runs.get_mut(id.0 as usize) {
                run.shared = None;
                run.sealed = false;
                run.bytes.clear();
                if run.bytes.capacity() > 64 << 10 {
                    run.bytes = Vec::new();
                }
                self.free.push(id);
            }
        }
    }

    fn flush_row(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.dirty = false;
        let Some(link) = &mut row.link else {
            row.owed = None;
            row.rest = None;
            return;
        };
        let has_backlog = row
            .rest
            .as_ref()
            .is_some_and(|rest| !rest.backlog.is_empty() || !rest.segments.is_empty());
        if has_backlog || row.blocked {
            self.flush_long(slot);
            return;
        }
        let Some(mut segment) = row.owed.take() else {
            if row.draining {
                self.casualties.push((slot, Casualty::Drained));
            }
            return;
        };
        let Some(run) = self.runs.get_mut(segment.run.0 as usize) else {
            return;
        };
        close_and_park(&mut segment, run, slot);
        let owed = run.slice(segment);
        let written = match link.write(owed) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => {
                self.casualties.push((slot, Casualty::Failed));
                return;
            }
        };
        self.written += written;
        if written < owed.len() {
            self.keep(slot, segment, written);
            self.block(slot);
        } else if row.draining {
            self.casualties.push((slot, Casualty::Drained));
        }
    }

    /// The way of the few: more than one segment, or a backlog.
    fn flush_long(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        let mut segments: SmallVec<[Segment; 8]> = row.owed.take().into_iter().collect();
        if let Some(rest) = &mut row.rest {
            segments.extend(rest.segments.drain(..));
        }
        for segment in &mut segments {
            if let Some(run) = self.runs.get_mut(segment.run.0 as usize) {
                close_and_park(segment, run, slot);
            }
        }
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        if row.blocked {
            for segment in segments {
                self.keep(slot, segment, 0);
            }
            self.block(slot);
            return;
        }
        match self.write_gathered(slot, &segments) {
            Ok(true) => {
                let draining = self.rows.get(slot as usize).is_some_and(|row| row.draining);
                if draining {
                    self.casualties.push((slot, Casualty::Drained));
                }
            }
            Ok(false) => self.block(slot),
            Err(_) => self.casualties.push((slot, Casualty::Failed)),
        }
    }

    /// Writes the backlog and `segments`; keeps what the socket does not take. Returns whether all was taken.
    fn write_gathered(&mut self, slot: u32, segments: &[Segment]) -> io::Result<bool> {
        if !self.write_backlog(slot)? {
            for &segment in segments {
                self.keep(slot, segment, 0);
            }
            return Ok(false);
        }
        let mut next = 0;
        while let Some(rest) = segments.get(next..).filter(|rest| !rest.is_empty()) {
            let slices: SmallVec<[IoSlice<'_>; MAX_SLICES]> = rest
                .iter()
                .take(MAX_SLICES)
                .filter_map(|segment| {
                    Some(IoSlice::new(
                        self.runs.get(segment.run.0 as usize)?.slice(*segment),
                    ))
                })
                .collect();
            let Some(link) = self
                .rows
                .get_mut(slot as usize)
                .and_then(|row| row.link.as_mut())
            else {
                return Ok(true);
            };
            let mut written = match link.write_vectored(&slices) {
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.written += written;
            let total: usize = slices.iter().map(|slice| slice.len()).sum();
            let count = slices.len();
            drop(slices);
            if written < total {
                for &segment in rest {
                    let len = segment.len();
                    self.keep(slot, segment, written.min(len));
                    written = written.saturating_sub(len);
                }
                return Ok(false);
            }
            next += count;
        }
        Ok(true)
    }

    /// Writes the backlog. Returns whether all of it was taken.
    fn write_backlog(&mut self, slot: u32) -> io::Result<bool> {
        let Some(Row {
            link: Some(link),
            rest: Some(rest),
            ..
        }) = self.rows.get_mut(slot as usize)
        else {
            return Ok(true);
        };
        while !rest.backlog.is_empty() {
            let (written, offered) = rest.write_some(link)?;
            self.written += written;
            rest.bytes -= written;
            self.backlog -= written;
            if written < offered {
                return Ok(false);
            }
        }
        if let Some(row) = self.rows.get_mut(slot as usize)
            && row
                .rest
                .as_ref()
                .is_some_and(|rest| rest.segments.is_empty())
        {
            row.rest = None;
        }
        Ok(true)
    }

    /// Keeps what is left of a segment after `written` bytes of it, copied or shared, whichever pins less.
    fn keep(&mut self, slot: u32, segment: Segment, written: usize) {
        let Some(run) = self.runs.get_mut(segment.run.0 as usize) else {
            return;
        };
        let whole = run.slice(segment);
        if written >= whole.len() {
            return;
        }
        let frame = frame_start(whole, written);
        let left = whole.len() - frame;
        let chunk = if left <= COPY_UP_TO || left < run.len() / 8 || !run.sealed {
            Bytes::copy_from_slice(whole.get(frame..).unwrap_or_default())
        } else {
            run.share(segment).slice(frame..)
        };
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        let rest = row.rest.get_or_insert_default();
        if rest.backlog.is_empty() {
            rest.written = written - frame;
        }
        rest.bytes += whole_len(&chunk, rest);
        self.backlog += whole_len(&chunk, rest);
        rest.backlog.push_back(chunk);
    }

    fn block(&mut self, slot: u32) {
        let limit = self.limit;
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.blocked = true;
        if row.rest.as_ref().is_some_and(|rest| rest.bytes > limit) && !row.draining {
            self.casualties.push((slot, Casualty::Slow));
        }
    }
}

impl Rest {
    /// Offers the socket as much of the backlog as one call takes. Returns what it took, and what it was offered.
    fn write_some(&mut self, link: &mut Link) -> io::Result<(usize, usize)> {
        let mut slices: SmallVec<[IoSlice<'_>; MAX_SLICES]> = SmallVec::new();
        for (index, chunk) in self.backlog.iter().take(MAX_SLICES).enumerate() {
            let from = if index == 0 { self.written } else { 0 };
            slices.push(IoSlice::new(chunk.get(from..).unwrap_or_default()));
        }
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let written = match link.write_vectored(&slices) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        drop(slices);
        let mut left = written + self.written;
        while let Some(chunk) = self.backlog.front().filter(|chunk| chunk.len() <= left) {
            left -= chunk.len();
            self.backlog.pop_front();
        }
        self.written = left;
        Ok((written, offered))
    }
}

/// What a chunk adds to what the client owes, given how much of the first chunk is written.
fn whole_len(chunk: &Bytes, rest: &Rest) -> usize {
    if rest.backlog.is_empty() {
        chunk.len() - rest.written
    } else {
        chunk.len()
    }
}
