//! Bytes waiting for each client of a worker, and the one write per client and turn that takes them away.
//!
//! What a channel's subscribers get in one turn lies contiguous in a [`Run`]; an outbox holds `(run, start)`. A member
//! that owes the whole rest of a run has an *open* segment: further frames for the group cost nothing per member. As
//! soon as something else must follow for one member, its segment is closed and the member is *parked* at the run, to
//! be opened again by the run's next frame.
//!
//! Flushing (`flush`) is sliced. What is owed when a flush begins is sealed as a batch; what comes meanwhile goes to
//! new runs.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::link::Link;

mod flush;
mod frames;
mod run;

#[cfg(test)]
mod tests;

use frames::frame_end;
pub(crate) use run::RunId;
use run::{Run, Segment, close_and_park, len32};

/// The outboxes of all clients of one worker, by slot.
#[derive(Debug)]
pub(crate) struct Outboxes {
    rows: Vec<Row>,
    runs: Vec<Run>,
    free: Vec<RunId>,
    /// Runs that may still grow.
    active: Vec<RunId>,
    /// Frames for one client alone.
    private: Option<RunId>,
    /// Rows that owe something and are in no batch yet.
    dirty: Vec<u32>,
    batches: VecDeque<Batch>,
    generation: u32,
    /// Bytes that one client may owe after a short write; past it the client is slow.
    limit: usize,
    backlog: usize,
    /// Bytes written since somebody asked.
    written: usize,
    /// Clients that can't go on.
    casualties: Vec<(u32, Casualty)>,
}

/// Why a client can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Casualty {
    /// It owes more than the limit.
    Slow,
    /// Its socket failed.
    Failed,
    /// All that was owed has been written, and the end was asked for.
    Drained,
}

/// What a flush of one client's outbox needs, dense and apart from all that is cold.
#[derive(Debug, Default)]
pub(crate) struct Row {
    link: Option<Link>,
    dirty: bool,
    /// The socket took less than it was given; the event loop tells when it takes more.
    blocked: bool,
    /// Report when nothing is owed any more.
    draining: bool,
    owed: Option<Segment>,
    rest: Option<Box<Rest>>,
}

/// What few clients have.
#[derive(Debug, Default)]
struct Rest {
    /// Owed after `owed`.
    segments: Vec<Segment>,
    /// What earlier flushes could not write. Each chunk begins at a frame.
    backlog: VecDeque<Bytes>,
    /// How much of the first chunk is written.
    written: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Batch {
    dirty: Vec<u32>,
    runs: Vec<RunId>,
    next: usize,
}

/// A run past this size takes no more frames; the group begins another.
const MAX_RUN: usize = if cfg!(test) { 8 << 10 } else { 4 << 20 };

impl Outboxes {
    /// Outboxes that hold at most `limit` unwritten bytes each.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            rows: Vec::new(),
            runs: Vec::new(),
            free: Vec::new(),
            active: Vec::new(),
            private: None,
            dirty: Vec::new(),
            batches: VecDeque::new(),
            generation: 0,
            limit,
            backlog: 0,
            written: 0,
            casualties: Vec::new(),
        }
    }

    /// Gives the client in `slot` an empty outbox. Without a link nothing stays in it.
    pub(crate) fn insert(&mut self, slot: u32, link: impl Into<Option<Link>>) {
        let index = slot as usize;
        if self.rows.len() <= index {
            self.rows.resize_with(index + 1, Row::default);
        }
        if let Some(row) = self.rows.get_mut(index) {
            *row = Row {
                link: link.into(),
                ..Row::default()
            };
        }
    }

    /// Drops what the client in `slot` owes, and hands back its link.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Link> {
        let row = std::mem::take(self.rows.get_mut(slot as usize)?);
        self.backlog -= row.rest.map_or(0, |rest| rest.bytes);
        row.link
    }

    /// The client's link.
    pub(crate) fn link(&mut self, slot: u32) -> Option<&mut Link> {
        self.rows.get_mut(slot as usize)?.link.as_mut()
    }

    /// Bytes that short writes left behind, of all clients together.
    pub(crate) fn backlog(&self) -> usize {
        self.backlog
    }

    /// The client that owes most after short writes.
    pub(crate) fn largest_backlog(&self) -> Option<u32> {
        let owes = |row: &Row| row.rest.as_ref().map_or(0, |rest| rest.bytes);
        let (slot, row) = self
            .rows
            .iter()
            .enumerate()
            .max_by_key(|(_, row)| owes(row))?;
        (owes(row) > 0).then(|| u32::try_from(slot).ok()).flatten()
    }

    /// Changes whenever runs are sealed: a run of another generation takes no more frames.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Queues whole frames for one client.
    pub(crate) fn append(&mut self, slot: u32, frames: &[u8]) {
        let run = match self.private {
            Some(run) if self.run(run).bytes.len() < MAX_RUN => run,
            _ => {
                let run = self.begin_run();
                self.private = Some(run);
                run
            }
        };
        let start = self.run_len(run);
        self.run_mut(run).bytes.extend_from_slice(frames);
        let end = self.run_len(run);
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        if let Some(last) = row.last_mut()
            && last.run == run
            && last.end == Some(start)
        {
            last.end = Some(end);
            return;
        }
        self.owe(
            slot,
            Segment {
                run,
                start,
                end: Some(end),
            },
        );
    }

    /// Begins a run for a group.
    pub(crate) fn begin_run(&mut self) -> RunId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.runs.push(Run::default());
            RunId(
                u32::try_from(self.runs.len() - 1)
                    .expect("runs are bounded by what one turn delivers"),
            )
        });
        self.active.push(id);
        id
    }

    /// Whether a run that was begun in `generation` takes more frames.
    pub(crate) fn can_grow(&self, run: RunId, generation: u32) -> bool {
        generation == self.generation && self.run(run).bytes.len() < MAX_RUN
    }

    /// Lets the client owe whatever comes into the run from now on.
    pub(crate) fn open(&mut self, slot: u32, run: RunId) {
        let start = self.run_len(run);
        self.owe(
            slot,
            Segment {
                run,
                start,
                end: None,
            },
        );
    }

    /// Adds whole frames to a run, for all that are open or parked.
    pub(crate) fn extend(&mut self, run: RunId, frames: &[u8]) {
        let mut parked = std::mem::take(&mut self.run_mut(run).parked);
        for slot in parked.drain(..) {
            self.open(slot, run);
        }
        let run = self.run_mut(run);
        run.parked = parked;
        run.bytes.extend_from_slice(frames);
    }

    /// Asks for [`Casualty::Drained`] as soon as the client owes nothing.
    pub(crate) fn drain(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.draining = true;
        if !row.dirty {
            row.dirty = true;
            self.dirty.push(slot);
        }
    }

    /// Drops what the client owes, but for the frame that is under way.
    pub(crate) fn discard(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        row.owed = None;
        let Some(rest) = &mut row.rest else { return };
        rest.segments.clear();
        self.backlog -= rest.bytes;
        let keep = rest
            .backlog
            .front()
            .map(|chunk| (frame_end(chunk, rest.written), chunk.clone()));
        rest.backlog.clear();
        rest.bytes = 0;
        match keep {
            Some((end, chunk)) if end > rest.written => {
                rest.bytes = end - rest.written;
                rest.backlog.push_back(chunk.slice(..end));
            }
            _ => rest.written = 0,
        }
        self.backlog += rest.bytes;
    }

    /// The socket takes bytes again.
    pub(crate) fn unblock(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        if row.blocked {
            row.blocked = false;
            if !row.dirty {
                row.dirty = true;
                self.dirty.push(slot);
            }
        }
    }

    /// Whether something waits to be written and could be.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.batches.is_empty()
    }

    /// Bytes written since this was last asked.
    pub(crate) fn take_written(&mut self) -> usize {
        std::mem::take(&mut self.written)
    }

    /// Takes the clients that can't go on.
    pub(crate) fn take_casualties(&mut self) -> Vec<(u32, Casualty)> {
        std::mem::take(&mut self.casualties)
    }

    fn owe(&mut self, slot: u32, segment: Segment) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        if let Some(last) = row.last_mut()
            && last.end.is_none()
            && let Some(run) = self.runs.get_mut(last.run.0 as usize)
        {
            close_and_park(last, run, slot);
        }
        match row.owed {
            None => row.owed = Some(segment),
            Some(_) => row.rest.get_or_insert_default().segments.push(segment),
        }
        if !row.dirty {
            row.dirty = true;
            self.dirty.push(slot);
        }
    }

    fn run(&self, id: RunId) -> &Run {
        self.runs
            .get(id.0 as usize)
            .expect("a run id comes from begin_run")
    }

    fn run_mut(&mut self, id: RunId) -> &mut Run {
        self.runs
            .get_mut(id.0 as usize)
            .expect("a run id comes from begin_run")
    }

    fn run_len(&self, id: RunId) -> u32 {
        len32(&self.run(id).bytes)
    }
}

impl Row {
    fn last_mut(&mut self) -> Option<&mut Segment> {
        match &mut self.rest {
            Some(rest) if !rest.segments.is_empty() => rest.segments.last_mut(),
            _ => self.owed.as_mut(),
        }
    }
}
