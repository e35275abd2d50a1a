//! Runs: frames of one group, or for single clients, of one turn; and the pieces of them that clients owe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Names a run within a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunId(pub(super) u32);

/// A piece of a run that a client owes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) run: RunId,
    pub(super) start: u32,
    /// `None` while it goes on to the run's end, wherever that will be.
    pub(super) end: Option<u32>,
}

/// Frames of one group, or for single clients, of one turn.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) bytes: Vec<u8>,
    /// Takes the place of `bytes` once somebody must keep a piece.
    pub(super) shared: Option<Bytes>,
    pub(super) parked: Vec<u32>,
    pub(super) sealed: bool,
    /// Its frames were asked for by their clients, and do not count toward the limit.
    pub(super) is_reply: bool,
}

/// The bytes of a run that some backlog shares. They are counted in `total` until the last piece of them is dropped.
#[derive(Debug)]
struct Shared {
    bytes: Vec<u8>,
    total: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.total
            .fetch_sub(self.bytes.capacity(), Ordering::Relaxed);
    }
}

impl Segment {
    pub(super) fn len(self) -> usize {
        self.end.unwrap_or(self.start).saturating_sub(self.start) as usize
    }
}

impl Run {
    pub(super) fn len(&self) -> usize {
        self.shared.as_ref().map_or(self.bytes.len(), Bytes::len)
    }

    /// Bytes of memory that the run has, used or not.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.parked.capacity() * size_of::<u32>()
    }

    pub(super) fn slice(&self, segment: Segment) -> &[u8] {
        let all: &[u8] = self.shared.as_deref().unwrap_or(&self.bytes);
        let end = segment.end.map_or(all.len(), |end| end as usize);
        all.get(segment.start as usize..end).unwrap_or_default()
    }

    /// A piece that outlives the run, without copying. The run's bytes are added to `total` while pieces live.
    pub(super) fn share(&mut self, segment: Segment, total: &Arc<AtomicUsize>) -> Bytes {
        let bytes = &mut self.bytes;
        let all = self.shared.get_or_insert_with(|| {
            let bytes = std::mem::take(bytes);
            total.fetch_add(bytes.capacity(), Ordering::Relaxed);
            Bytes::from_owner(Shared {
                bytes,
                total: total.clone(),
            })
        });
        let end = segment.end.map_or(all.len(), |end| end as usize);
        all.slice(segment.start as usize..end)
    }
}

/// Ends an open segment where its run ends now. A run that still grows gets the client parked.
pub(super) fn close_and_park(segment: &mut Segment, run: &mut Run, slot: u32) {
    if segment.end.is_none() {
        segment.end = Some(u32::try_from(run.len()).unwrap_or(u32::MAX));
        if !run.sealed {
            run.parked.push(slot);
        }
    }
}

pub(super) fn len32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a run ends at MAX_RUN and one frame")
}
