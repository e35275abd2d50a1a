//! The writing: batches, one write per client, and what a socket does not take.

use std::io::{self, IoSlice, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use super::backlog::MAX_SLICES;
use super::chunk::Chunk;
use super::frames::message_start;
use super::run::{Segment, close_and_park};
use super::{Batch, Casualty, EASED, MAX_KEPT, Outboxes, Report, Row};

/// A remainder up to this size is copied rather than kept.
pub(super) const COPY_UP_TO: usize = 4096;
/// Batches of more rows or runs do not leave their tables to the next one.
const KEPT_ROWS: usize = 4096;
/// A free run keeps no more memory than this for the next frames.
const KEPT_RUN: usize = 64 << 10;
/// Writes between two looks at the clock.
const WRITES_PER_LOOK: usize = if cfg!(test) { 3 } else { 64 };

impl Outboxes {
    /// Writes what is owed, for about as long as `slice` after the first few writes. Returns whether nothing is left that could be written now.
    pub(crate) fn flush(&mut self, slice: Duration) -> bool {
        self.seal();
        let mut began = None;
        let mut writes = 0;
        while let Some(batch) = self.batches.front_mut() {
            if let Some(&slot) = batch.dirty.get(batch.next) {
                batch.next += 1;
                self.flush_row(slot);
                writes += 1;
                if writes % WRITES_PER_LOOK == 0
                    && began.get_or_insert_with(Instant::now).elapsed() >= slice
                {
                    return false;
                }
            } else if let Some(batch) = self.batches.pop_front() {
                self.free_runs(&batch);
                self.keep_tables(batch);
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
        self.replies = None;
        for id in &self.active {
            if let Some(run) = self.runs.get_mut(id.0 as usize) {
                run.sealed = true;
                run.parked.clear();
            }
        }
        let mut batch = std::mem::take(&mut self.spare);
        std::mem::swap(&mut batch.dirty, &mut self.dirty);
        std::mem::swap(&mut batch.runs, &mut self.active);
        self.batches.push_back(batch);
    }

    /// The next batch has no tables to grow, if these are not so large that they would be kept for nothing.
    fn keep_tables(&mut self, mut batch: Batch) {
        batch.dirty.clear();
        batch.runs.clear();
        batch.next = 0;
        if batch.dirty.capacity().max(batch.runs.capacity()) <= KEPT_ROWS {
            self.spare = batch;
        }
    }

    fn free_runs(&mut self, batch: &Batch) {
        for &id in &batch.runs {
            if let Some(run) = self.runs.get_mut(id.0 as usize) {
                run.shared = None;
                run.sealed = false;
                run.is_reply = false;
                run.bytes.clear();
                if run.memory() > KEPT_RUN || self.kept + run.memory() > MAX_KEPT {
                    run.bytes = Vec::new();
                    run.parked = Vec::new();
                }
                self.kept += run.memory();
                self.free.push(id);
            }
        }
    }

    /// Writes what a client owes in one call, if that is one segment and nothing is left from before. All else is cold, so
    /// that this way keeps the registers for itself.
    fn flush_row(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.dirty = false;
        let Some(link) = &mut row.link else {
            row.owed = None;
            row.rest = None;
            self.report(slot);
            return;
        };
        let has_backlog = row.rest.as_ref().is_some_and(|rest| !rest.is_empty());
        if has_backlog || row.blocked {
            self.flush_long(slot);
            return;
        }
        let Some(mut segment) = row.owed.take() else {
            if row.report != Report::Nothing {
                self.report(slot);
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
        } else if row.report != Report::Nothing {
            self.report(slot);
        }
    }

    /// The client owes nothing: whoever waits for that is told.
    #[cold]
    fn report(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        match row.report {
            Report::Nothing => {}
            Report::Eased => {
                row.report = Report::Nothing;
                self.casualties.push((slot, Casualty::Eased));
            }
            Report::Drained => self.casualties.push((slot, Casualty::Drained)),
        }
    }

    /// The way of the few: more than one segment, or a backlog.
    #[cold]
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
        self.place_urgent(slot);
        match self.write_gathered(slot, &segments) {
            Ok(true) => self.report(slot),
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
            let took = rest.write_some(link)?;
            self.written += took.written;
            self.copied -= took.copied;
            if took.written < took.offered {
                return Ok(false);
            }
        }
        if let Some(row) = self.rows.get_mut(slot as usize)
            && row.rest.as_ref().is_some_and(|rest| rest.is_empty())
        {
            row.rest = None;
        }
        Ok(true)
    }

    /// Keeps what is left of a segment after `written` bytes of it, copied or shared, whichever pins less.
    #[cold]
    fn keep(&mut self, slot: u32, segment: Segment, written: usize) {
        let Some(run) = self.runs.get_mut(segment.run.0 as usize) else {
            return;
        };
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        let whole = run.slice(segment);
        if written >= whole.len() {
            return;
        }
        let start = message_start(row.framing, whole, written);
        let left = whole.len() - start;
        let is_copied = left <= COPY_UP_TO || left < run.len() / 8 || !run.sealed;
        let bytes = if is_copied {
            Bytes::copy_from_slice(whole.get(start..).unwrap_or_default())
        } else {
            run.share(segment, &self.shared).slice(start..)
        };
        let chunk = Chunk {
            bytes,
            is_reply: run.is_reply,
            is_copied,
        };
        self.copied += chunk.copied();
        let rest = row.rest.get_or_insert_default();
        rest.push(chunk, written - start);
    }

    #[cold]
    fn block(&mut self, slot: u32) {
        let limit = self.limit;
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.blocked = true;
        let Some(rest) = &row.rest else { return };
        if !std::mem::replace(&mut row.is_behind, true) {
            self.behind.push(slot);
        }
        if rest.counted > limit && row.report != Report::Drained {
            self.casualties.push((slot, Casualty::Slow));
        } else if rest.bytes <= EASED && row.report == Report::Eased {
            self.report(slot);
        }
    }
}
