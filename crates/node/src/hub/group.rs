//! Groups: subscribers of a channel that get the same bytes, and what reaches them.

use std::sync::Arc;

use veche_protocol::delta::MAX_PATCHED;
use veche_protocol::filter::Filter;
use veche_protocol::publication::{Publication, TYPE_TAG};

use crate::encoder::Encoder;
use crate::fanout::{Data, Event, EventBody};
use crate::format::Format;
use crate::outbox::{Outboxes, RunId};

/// What the members of a group have in common: they get the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupKey {
    pub(crate) format: Format,
    pub(crate) join_leave: bool,
    /// Told when the channel has a gap.
    pub(crate) positioned: bool,
    pub(crate) filter: Option<Arc<Filter>>,
    pub(crate) deltas: Deltas,
    /// The channel's number stands for its name.
    pub(crate) compact: bool,
}

/// Whether a group takes deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deltas {
    /// It does not.
    Off,
    /// It does, but its members have nothing in common to cut one against: they wait for a whole publication.
    Fresh,
    /// All its members got the same publications, from one that came whole.
    Steady,
}

/// Who gets the same bytes.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) members: Vec<u32>,
    pub(super) run: Option<(RunId, u32)>,
    /// What each member of a steady group got last, if the next may be cut against it.
    pub(super) base: Option<Arc<Publication>>,
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
    /// Whether the next whole publication makes it steady. A subscriber that does not watch its position might miss the
    /// base without noticing, so it receives everything whole.
    pub(super) fn awaits_base(&self) -> bool {
        self.deltas == Deltas::Fresh && self.positioned
    }

    /// The group to which members go that have a base.
    pub(super) fn steady(&self) -> Self {
        Self {
            deltas: Deltas::Steady,
            ..self.clone()
        }
    }

    /// The bytes of an event for a subscriber who has `base`.
    pub(super) fn frames<'a>(
        &self,
        event: &'a Event,
        base: Option<&Arc<Publication>>,
        encoder: &mut Encoder,
    ) -> &'a [u8] {
        let data = match (self.deltas, base) {
            (Deltas::Off, _) => Data::Plain,
            (_, None) => Data::Whole,
            (_, Some(base)) => Data::Since(base),
        };
        event.frames_with(self.format, self.compact, data, encoder)
    }

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
        let frames = self.key.frames(event, self.base.as_ref(), encoder);
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
        if self.key.deltas == Deltas::Steady
            && let EventBody::Publication(delivery) = &event.body
        {
            self.base = base(&delivery.publication);
        }
        self.members.len()
    }
}

/// A publication as what the next is cut against: one that has no place in the stream is not remembered by everybody,
/// and one that is too large would only be kept in memory.
pub(super) fn base(publication: &Arc<Publication>) -> Option<Arc<Publication>> {
    let helps = publication.offset > 0 && publication.data.len() <= MAX_PATCHED;
    helps.then(|| publication.clone())
}

/// Whether two publications are spelled alike, so that the same delta fits both.
pub(super) fn is_same_base(one: &Arc<Publication>, other: &Arc<Publication>) -> bool {
    Arc::ptr_eq(one, other) || (one.data == other.data && one.tag(TYPE_TAG) == other.tag(TYPE_TAG))
}
