//! Runs: frames of one group, or for single clients, of one turn; and the pieces of them that clients owe.

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

    pub(super) fn slice(&self, segment: Segment) -> &[u8] {
        let all: &[u8] = self.shared.as_deref().unwrap_or(&self.bytes);
        let end = segment.end.map_or(all.len(), |end| end as usize);
        all.get(segment.start as usize..end).unwrap_or_default()
    }

    /// A piece that outlives the run, without copying.
    pub(super) fn share(&mut self, segment: Segment) -> Bytes {
        let bytes = &mut self.bytes;
        let all = self
            .shared
            .get_or_insert_with(|| Bytes::from(std::mem::take(bytes)));
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
