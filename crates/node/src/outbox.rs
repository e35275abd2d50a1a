//! Bytes waiting for each client of a worker, and the one write per client and turn that takes them away.
//!
//! What a channel's subscribers get in one turn lies contiguous in a [`Run`]; an outbox holds `(run, start)`. A member
//! that owes the whole rest of a run has an *open* segment: further frames for the group cost nothing per member. As
//! soon as something else must follow for one member, its segment is closed and the member is *parked* at the run, to
//! be opened again by the run's next frame.
//!
//! Flushing (`flush`) is sliced. What is owed when a flush begins is sealed as a batch; what comes meanwhile goes to
//! new runs.
//!
//! What a client asked for itself (replies) does not count toward the limit past which it is slow:
//! whoever drives the client paces its commands instead, by [`Outboxes::owed`] and [`Outboxes::watch`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::framing::Framing;
use crate::link::Link;

mod backlog;
mod chunk;
mod flush;
mod frames;
mod own;
mod run;
mod urgent;

#[cfg(test)]
mod tests;

use backlog::Rest;
pub(crate) use run::RunId;
use run::{Run, Segment, close_and_park, len32};
pub(crate) use urgent::Urgent;

/// The outboxes of all clients of one worker, by slot.
#[derive(Debug)]
pub(crate) struct Outboxes {
    rows: Vec<Row>,
    runs: Vec<Run>,
    free: Vec<RunId>,
    /// Bytes of memory that the free runs keep for the next ones; at most [`MAX_KEPT`].
    kept: usize,
    /// Runs that may still grow.
    active: Vec<RunId>,
    /// Frames for one client alone that it did not ask for.
    private: Option<RunId>,
    /// Replies; they are not counted toward the limit.
    replies: Option<RunId>,
    /// Rows that owe something and are in no batch yet.
    dirty: Vec<u32>,
    batches: VecDeque<Batch>,
    /// The tables of a batch that is done, for the next one.
    spare: Batch,
    generation: u32,
    /// Bytes, replies aside, that one client may owe after a short write; past it the client is slow.
    limit: usize,
    /// Rows that owe something after a short write. Some may have written it since, or be listed twice.
    behind: Vec<u32>,
    /// When it is looked for clients that take nothing, while some are behind.
    next_look: Option<Duration>,
    /// Bytes of the backlogs that were copied out of their runs.
    copied: usize,
    /// Bytes of the runs that some backlog still shares, each run once.
    shared: Arc<AtomicUsize>,
    /// Bytes written since somebody asked.
    written: usize,
    /// Clients that can't go on.
    casualties: Vec<(u32, Casualty)>,
}

/// Why a client can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Casualty {
    /// It owes more than the limit, or has taken nothing for too long.
    Slow,
    /// Its socket failed.
    Failed,
    /// All that was owed has been written, and the end was asked for.
    Drained,
    /// Not more than [`EASED`] is owed any more, and somebody waits for that: it can go on.
    Eased,
}

/// What is to be reported of a client when less is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Report {
    #[default]
    Nothing,
    /// [`Casualty::Eased`].
    Eased,
    /// [`Casualty::Drained`].
    Drained,
}

/// What a flush of one client's outbox needs, dense and apart from all that is cold.
#[derive(Debug, Default)]
pub(crate) struct Row {
    link: Option<Link>,
    dirty: bool,
    /// The socket took less than it was given; the event loop tells when it takes more.
    blocked: bool,
    /// Whether it is listed in `behind`.
    is_behind: bool,
    report: Report,
    framing: Framing,
    owed: Option<Segment>,
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Batch {
    dirty: Vec<u32>,
    runs: Vec<RunId>,
    next: usize,
}

/// A run past this size takes no more frames; the group begins another.
const MAX_RUN: usize = if cfg!(test) { 8 << 10 } else { 4 << 20 };
/// Bytes of memory that free runs keep, so that the next ones have it. What a busy turn needed beyond goes back.
const MAX_KEPT: usize = 1 << 20;
/// Bytes that a client may owe while its next command is carried out. As much as the kernel holds unsent for it, and
/// as replies share a frame: a client that reads gets more before its socket has run dry.
pub(crate) const EASED: usize = 64 << 10;

impl Outboxes {
    /// Outboxes that hold at most `limit` unwritten bytes each, replies aside.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            rows: Vec::new(),
            runs: Vec::new(),
            free: Vec::new(),
            kept: 0,
            active: Vec::new(),
            private: None,
            replies: None,
            dirty: Vec::new(),
            batches: VecDeque::new(),
            spare: Batch::default(),
            generation: 0,
            limit,
            behind: Vec::new(),
            next_look: None,
            copied: 0,
            shared: Arc::default(),
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

    /// Says in what form the client's bytes are. Before it they are the head of an answer.
    pub(crate) fn set_framing(&mut self, slot: u32, framing: Framing) {
        if let Some(row) = self.rows.get_mut(slot as usize) {
            row.framing = framing;
        }
    }

    /// Drops what the client in `slot` owes, and hands back its link.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Link> {
        let row = std::mem::take(self.rows.get_mut(slot as usize)?);
        self.copied -= row.rest.map_or(0, |rest| rest.copied());
        row.link
    }

    /// The client's link.
    pub(crate) fn link(&mut self, slot: u32) -> Option<&mut Link> {
        self.rows.get_mut(slot as usize)?.link.as_mut()
    }

    /// Bytes of memory that hold what short writes left behind, of all clients together. What several of them share
    /// is counted once.
    pub(crate) fn backlog(&self) -> usize {
        self.copied + self.shared.load(Ordering::Relaxed)
    }

    /// Bytes that are queued for a client and not written.
    pub(crate) fn owed(&self, slot: u32) -> usize {
        let Some(row) = self.rows.get(slot as usize) else {
            return 0;
        };
        let rest = row.rest.as_deref();
        let more = rest.map_or(&[][..], |rest| &rest.segments);
        let segments = row.owed.iter().chain(more);
        let fresh: usize = segments
            .map(|segment| self.run(segment.run).slice(*segment).len())
            .sum();
        fresh + rest.map_or(0, |rest| rest.bytes)
    }

    /// Whether a short write has left something behind for a client.
    pub(crate) fn is_behind(&self, slot: u32) -> bool {
        let rest = self
            .rows
            .get(slot as usize)
            .and_then(|row| row.rest.as_ref());
        rest.is_some_and(|rest| rest.bytes > 0)
    }

    /// Changes whenever runs are sealed: a run of another generation takes no more frames.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Begins a run for a group.
    pub(crate) fn begin_run(&mut self) -> RunId {
        let id = match self.free.pop() {
            Some(id) => {
                self.kept -= self.run(id).memory();
                id
            }
            None => {
                self.runs.push(Run::default());
                let last = u32::try_from(self.runs.len() - 1);
                RunId(last.expect("runs are bounded by what one turn delivers"))
            }
        };
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
        row.report = Report::Drained;
        self.mark(slot);
    }

    /// Asks for [`Casualty::Eased`] as soon as the client owes no more than [`EASED`]. Now it owes more.
    pub(crate) fn watch(&mut self, slot: u32) {
        if let Some(row) = self.rows.get_mut(slot as usize)
            && row.report == Report::Nothing
        {
            row.report = Report::Eased;
        }
    }

    /// The socket takes bytes again.
    pub(crate) fn unblock(&mut self, slot: u32) {
        let Some(row) = self.rows.get_mut(slot as usize) else {
            return;
        };
        if row.blocked {
            row.blocked = false;
            self.mark(slot);
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

    /// The client's row is looked at by the next flush.
    fn mark(&mut self, slot: u32) {
        if let Some(row) = self.rows.get_mut(slot as usize)
            && !row.dirty
        {
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
