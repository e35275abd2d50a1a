//! What short writes leave behind for a client: its chunks, how much of them counts, and who is too far behind.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use super::chunk::Chunk;
use super::frames::{gap, message_end, message_start};
use super::run::Segment;
use super::urgent::Urgents;
use super::{Casualty, Outboxes, Report};
use crate::framing::Framing;
use crate::link::Link;

/// What few clients have.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Owed after `owed`: one, where a client is sent its own publication and the reply to it.
    pub(super) segments: SmallVec<[Segment; 2]>,
    /// What earlier flushes could not write. Each chunk begins at a frame.
    pub(super) backlog: VecDeque<Chunk>,
    /// How much of the first chunk is written.
    pub(super) written: usize,
    /// Bytes of the backlog that are not written.
    pub(super) bytes: usize,
    /// Of these, all that the client did not ask for itself.
    pub(super) counted: usize,
    /// Control frames, which go before the backlog.
    pub(super) urgent: Urgents,
    /// Looks at it in a row between which the socket took nothing.
    idle: u8,
}

/// What became of one write of a backlog.
#[derive(Debug)]
pub(super) struct Took {
    pub(super) written: usize,
    pub(super) offered: usize,
    /// Bytes of copies that are not needed any more.
    pub(super) copied: usize,
}

/// Slices in one gathering write.
pub(super) const MAX_SLICES: usize = 64;
/// Looks at those that are behind until one that took nothing meanwhile is slow.
pub(crate) const LOOKS: u8 = 6;

impl Outboxes {
    /// Drops what the client owes, but for the frame that is under way.
    pub(crate) fn discard(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.owed = None;
        let Some(rest) = &mut row.rest else { return };
        self.copied -= rest.copied();
        rest.discard(row.framing);
        self.copied += rest.copied();
    }

    /// Whether some client may owe something after a short write.
    pub(crate) fn is_anyone_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// When [`Self::look_for_stalled`] is to be called next, if anybody is behind.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        self.next_look
    }

    /// Reports those as slow that have taken nothing for `stall_timeout`. It is looked for them from time to time while
    /// somebody is behind; call it at [`Self::next_look`], or earlier.
    pub(crate) fn look_for_stalled(&mut self, now: Duration, stall_timeout: Duration) {
        if self.next_look.is_some_and(|next| now < next) {
            return;
        }
        if self.next_look.take().is_some() {
            self.find_stalled();
        }
        if self.is_anyone_behind() {
            self.next_look = Some(now + stall_timeout / u32::from(LOOKS));
        }
    }

    /// Looks at all that are behind. Who took nothing since [`LOOKS`] looks is reported as slow.
    pub(crate) fn find_stalled(&mut self) {
        let mut behind = std::mem::take(&mut self.behind);
        behind.sort_unstable();
        behind.dedup();
        behind.retain(|slot| {
            let Some(row) = self.rows.get_mut(*slot as usize) else {
                return false;
            };
            let Some(rest) = row.rest.as_mut().filter(|rest| rest.bytes > 0) else {
                row.is_behind = false;
                return false;
            };
            rest.idle = rest.idle.saturating_add(1);
            if rest.idle > LOOKS && row.report != Report::Drained {
                self.casualties.push((*slot, Casualty::Slow));
            }
            true
        });
        self.behind = behind;
    }

    /// The clients that are behind, those first that owe most.
    pub(crate) fn largest_backlogs(&self) -> Vec<u32> {
        let owes = |slot: &u32| {
            let row = self.rows.get(*slot as usize);
            let rest = row.and_then(|row| row.rest.as_ref());
            rest.map_or(0, |rest| rest.bytes)
        };
        let mut slots: Vec<u32> = self
            .behind
            .iter()
            .copied()
            .filter(|it| owes(it) > 0)
            .collect();
        slots.sort_unstable_by_key(|slot| (std::cmp::Reverse(owes(slot)), *slot));
        slots.dedup();
        slots
    }
}

impl Rest {
    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.backlog.is_empty() && self.segments.is_empty() && self.urgent.is_empty()
    }

    /// Adds a chunk of which `written` bytes are written; that is none if others wait before it.
    pub(super) fn push(&mut self, chunk: Chunk, written: usize) {
        if self.backlog.is_empty() {
            self.written = written;
        }
        let left = chunk.bytes.len() - written;
        self.bytes += left;
        if !chunk.is_reply {
            self.counted += left;
        }
        self.backlog.push_back(chunk);
    }

    /// Puts whole frames in as early as they may go: behind the frame that is under way. Returns how many bytes of
    /// copies are done with.
    pub(super) fn put_in(&mut self, chunk: Chunk, framing: Framing) -> usize {
        self.bytes += chunk.bytes.len();
        if !chunk.is_reply {
            self.counted += chunk.bytes.len();
        }
        let Some(front) = self.backlog.pop_front() else {
            self.backlog.push_front(chunk);
            return 0;
        };
        let start = message_start(framing, &front.bytes, self.written);
        let end = gap(framing, &front.bytes, self.written);
        self.written -= start;
        let later = front.slice(end, front.bytes.len());
        let under_way = front.slice(start, end);
        let pieces = [later, chunk, under_way];
        for piece in pieces {
            if !piece.bytes.is_empty() {
                self.backlog.push_front(piece);
            }
        }
        if front.is_copied { start } else { 0 }
    }

    /// Offers the socket as much of the backlog as one call takes.
    pub(super) fn write_some(&mut self, link: &mut Link) -> io::Result<Took> {
        let mut slices: SmallVec<[IoSlice<'_>; MAX_SLICES]> = SmallVec::new();
        for (index, chunk) in self.backlog.iter().take(MAX_SLICES).enumerate() {
            let from = if index == 0 { self.written } else { 0 };
            slices.push(IoSlice::new(chunk.bytes.get(from..).unwrap_or_default()));
        }
        let offered = slices.iter().map(|slice| slice.len()).sum();
        let written = match link.write_vectored(&slices) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        drop(slices);
        if written > 0 {
            self.idle = 0;
        }
        let copied = self.advance(written);
        Ok(Took {
            written,
            offered,
            copied,
        })
    }

    /// So many bytes more are written. Returns how many bytes of copies are done with.
    fn advance(&mut self, written: usize) -> usize {
        self.bytes -= written;
        let (mut left, mut copied) = (written, 0);
        while let Some(front) = self.backlog.front() {
            let here = left.min(front.bytes.len() - self.written);
            if !front.is_reply {
                self.counted -= here;
            }
            left -= here;
            self.written += here;
            if self.written < front.bytes.len() {
                break;
            }
            copied += front.copied();
            self.backlog.pop_front();
            self.written = 0;
        }
        copied
    }

    fn discard(&mut self, framing: Framing) {
        self.segments.clear();
        self.urgent = Urgents::default();
        let front = self.backlog.pop_front();
        self.backlog.clear();
        let at = std::mem::take(&mut self.written);
        (self.bytes, self.counted) = (0, 0);
        let Some(front) = front else { return };
        let start = message_start(framing, &front.bytes, at);
        let end = message_end(framing, &front.bytes, at);
        if start < at {
            let mut under_way = front.slice(start, end);
            // A run is not kept in memory for the sake of a small part of it.
            if !front.is_copied && end - start < front.bytes.len() / 2 {
                under_way.bytes = Bytes::copy_from_slice(&under_way.bytes);
                under_way.is_copied = true;
            }
            self.push(under_way, at - start);
        }
    }

    /// Bytes of the chunks that have memory of their own.
    pub(super) fn copied(&self) -> usize {
        self.backlog.iter().map(Chunk::copied).sum()
    }
}
