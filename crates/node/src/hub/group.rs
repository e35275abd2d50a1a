//! Groups: subscribers of a channel that get the same bytes, and what reaches them.

use std::sync::Arc;

use veche_protocol::filter::Filter;

use crate::fanout::{Encoder, Event, EventBody, Format};
use crate::outbox::{Outboxes, RunId};

/// What the members of a group have in common: they get the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupKey {
    pub(crate) format: Format,
    pub(crate) join_leave: bool,
    /// Told when the channel has a gap.
    pub(crate) positioned: bool,
    pub(crate) filter: Option<Arc<Filter>>,
}

/// Who gets the same bytes.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) members: Vec<u32>,
    pub(super) run: Option<(RunId, u32)>,
}

/// What a delivery is to the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was delivered already.
    Old,
    /// It follows what was delivered, or has no place in the stream.
    Next,
    /// What came between is lost.
    Gap,
}

impl Step {
    pub(super) fn reaches(self, key: &GroupKey) -> bool {
        match self {
            Self::Old => false,
            Self::Next => true,
            Self::Gap => !key.positioned,
        }
    }
}

impl GroupKey {
    pub(super) fn wants(&self, event: &Event) -> bool {
        match &event.body {
            EventBody::Publication(delivery) => self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.wants(&delivery.publication)),
            EventBody::Join(_) | EventBody::Leave(_) => self.join_leave,
        }
    }
}

impl Group {
    pub(super) fn append(
        &mut self,
        event: &Event,
        outboxes: &mut Outboxes,
        encoder: &mut Encoder,
    ) -> usize {
        let frames = event.frames(self.key.format, encoder);
        let run = match self.run {
            Some((run, generation)) if outboxes.can_grow(run, generation) => run,
            _ => {
                let run = outboxes.begin_run();
                for &slot in &self.members {
                    outboxes.open(slot, run);
                }
                self.run = Some((run, outboxes.generation()));
                run
            }
        };
        outboxes.extend(run, frames);
        self.members.len()
    }
}
