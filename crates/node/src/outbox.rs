//! Bytes waiting for each client of a worker, and the one write per client and turn that takes them away.
//!
//! What a channel's subscribers get in one turn lies contiguous in a [`Run`]; an outbox holds `(run, start)`. A member
//! that owes the whole rest of a run has an *open* segment: further frames for the group cost nothing per member. As
//! soon as something else must follow for one member, its segment is closed and the member is *parked* at the run, to
//! be opened again by the run's next frame.
//!
//! Flushing is sliced. What is owed when a flush begins is sealed as a batch; what comes meanwhile goes to new runs.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::link::Link;

#[cfg(test)]
mod tests;

/// Names a run within a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunId(u32);

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
struct Row {
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

#[derive(Clone, Copy, Debug)]
struct Segment {
    run: RunId,
    start: u32,
    /// `None` while it goes on to the run's end, wherever that will be.
    end: Option<u32>,
}

/// Frames of one group, or for single clients, of one turn.
#[derive(Debug, Default)]
struct Run {
    bytes: Vec<u8>,
    /// Takes the place of `bytes` once somebody must keep a piece.
    shared: Option<Bytes>,
    parked: Vec<u32>,
    sealed: bool,
}

#[derive(Debug)]
struct Batch {
    dirty: Vec<u32>,
    runs: Vec<RunId>,
    next: usize,
}

/// A run past this size takes no more frames; the group begins another.
const MAX_RUN: usize = if cfg!(test) { 8 << 10 } else { 4 << 20 };
/// A remainder up to this size is copied rather than kept.
const COPY_UP_TO: usize = 4096;
/// Slices in one gathering write.
const MAX_SLICES: usize = 64;
/// Writes between two looks at the clock.
const WRITES_PER_LOOK: usize = if cfg!(test) { 3 } else { 64 };

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
            casualties: Vec::new(),
        }
    }

    /// Gives the client in `slot` an empty outbox.
    pub(crate) fn insert(&mut self, slot: u32, link: Link) {
        let index = slot as usize;
        if self.rows.len() <= index {
            self.rows.resize_with(index + 1, Row::default);
        }
        if let Some(row) = self.rows.get_mut(index) {
            *row = Row {
                link: Some(link),
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

    /// Whether something waits to be written and could be.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.batches.is_empty()
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
        let Some(link) = &mut row.link else { return };
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

impl Segment {
    fn len(self) -> usize {
        self.end.unwrap_or(self.start).saturating_sub(self.start) as usize
    }
}

impl Run {
    fn len(&self) -> usize {
        self.shared.as_ref().map_or(self.bytes.len(), Bytes::len)
    }

    fn slice(&self, segment: Segment) -> &[u8] {
        let all: &[u8] = self.shared.as_deref().unwrap_or(&self.bytes);
        let end = segment.end.map_or(all.len(), |end| end as usize);
        all.get(segment.start as usize..end).unwrap_or_default()
    }

    /// A piece that outlives the run, without copying.
    fn share(&mut self, segment: Segment) -> Bytes {
        let bytes = &mut self.bytes;
        let all = self
            .shared
            .get_or_insert_with(|| Bytes::from(std::mem::take(bytes)));
        let end = segment.end.map_or(all.len(), |end| end as usize);
        all.slice(segment.start as usize..end)
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

/// Ends an open segment where its run ends now. A run that still grows gets the client parked.
fn close_and_park(segment: &mut Segment, run: &mut Run, slot: u32) {
    if segment.end.is_none() {
        segment.end = Some(u32::try_from(run.len()).unwrap_or(u32::MAX));
        if !run.sealed {
            run.parked.push(slot);
        }
    }
}

fn len32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a run ends at MAX_RUN and one frame")
}

/// Where the frame begins that holds byte `at`; `frames` are whole WebSocket frames of a server.
fn frame_start(frames: &[u8], at: usize) -> usize {
    let mut start = 0;
    while let Some(len) = frames.get(start..).and_then(frame_len) {
        if start + len > at {
            break;
        }
        start += len;
    }
    start.min(at)
}

/// Where the frame ends of which `at` bytes from the chunk's start are written; `at` itself if no frame is under way.
fn frame_end(frames: &[u8], at: usize) -> usize {
    let start = frame_start(frames, at);
    if start == at {
        return at;
    }
    let len = frames.get(start..).and_then(frame_len).unwrap_or(0);
    (start + len).min(frames.len())
}

/// Length of the unmasked frame that begins here, header included (RFC 6455, section 5.2).
fn frame_len(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            usize::try_from(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
                .ok()?
                .checked_add(10)
        }
        [_, 126, a, b, ..] => Some(usize::from(u16::from_be_bytes([*a, *b])) + 4),
        [_, len, ..] if *len < 126 => Some(usize::from(*len) + 2),
        _ => None,
    }
}
