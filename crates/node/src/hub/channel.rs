//! One channel of a worker: its groups, the position they share, and those who are not in a group yet.

use std::sync::Arc;

use smallvec::SmallVec;
use veche_engine::sink::Delivery;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Publication;

use super::group::{self, Deltas, Group, GroupKey, Step};
use super::positions::step_from;
use super::{Aftermath, AttachmentsBySlot, Standing};
use crate::fanout::Event;

/// A channel that somebody here wants.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) name: Channel,
    pub(super) groups: SmallVec<[Group; 1]>,
    /// The last publication delivered here; unknown until the first, or until somebody attached with a position.
    pub(super) position: Option<StreamPosition>,
    /// The node has the channel from its engine.
    pub(super) entered: bool,
    pub(super) few: Option<Box<Few>>,
}

/// What most channels don't have at a given moment.
#[derive(Debug, Default)]
pub(super) struct Few {
    /// Sessions that are making a subscription, and get deliveries themselves.
    pub(super) making: Vec<u32>,
    pub(super) joining: Vec<Joining>,
}

#[derive(Debug)]
pub(super) struct Joining {
    pub(super) slot: u32,
    pub(super) after: StreamPosition,
    pub(super) key: GroupKey,
    pub(super) base: Option<Arc<Publication>>,
}

impl Entry {
    pub(super) fn attached(&self) -> usize {
        let members: usize = self.groups.iter().map(|group| group.members.len()).sum();
        members + self.joining().count()
    }

    pub(super) fn joining(&self) -> impl Iterator<Item = &Joining> {
        self.few.iter().flat_map(|few| &few.joining)
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.few.is_some() || self.groups.iter().any(|group| !group.members.is_empty())
    }

    pub(super) fn tidy(&mut self) {
        if self
            .few
            .as_ref()
            .is_some_and(|few| few.making.is_empty() && few.joining.is_empty())
        {
            self.few = None;
        }
        while self
            .groups
            .last()
            .is_some_and(|group| group.members.is_empty())
        {
            self.groups.pop();
        }
    }

    pub(super) fn leave_making(&mut self, slot: u32) {
        if let Some(few) = &mut self.few
            && let Some(at) = few.making.iter().position(|&making| making == slot)
        {
            few.making.swap_remove(at);
        }
        if self
            .few
            .as_ref()
            .is_some_and(|few| few.making.is_empty() && few.joining.is_empty())
        {
            self.few = None;
        }
    }

    /// Advances the channel's position by a delivery.
    ///
    /// After a gap the subscribers that watch their position are told, and receive nothing more: they subscribe again from
    /// where they are.
    pub(super) fn advance(&mut self, delivery: &Delivery, aftermath: &mut Aftermath) -> Step {
        let offset = delivery.publication.offset;
        if offset == 0 {
            return Step::Next;
        }
        let mut step = Step::Next;
        if let Some(position) = &self.position {
            step = step_from(position, delivery);
            match step {
                Step::Old => return step,
                Step::Gap => self.positioned(aftermath),
                Step::Next => {}
            }
        }
        self.position = Some(StreamPosition::new(offset, delivery.epoch.clone()));
        step
    }

    /// Moves those who are joining into their groups when this delivery brings the channel to their position. Returns
    /// those that still have to receive it. One whose position does not fit to the delivery has lost something.
    pub(super) fn promote(
        &mut self,
        id: u32,
        event: &Event,
        delivery: &Delivery,
        connections: &mut impl AttachmentsBySlot,
        aftermath: &mut Aftermath,
    ) -> SmallVec<[Joining; 4]> {
        let mut reached = SmallVec::new();
        let Some(mut few) = self.few.take() else {
            return reached;
        };
        let offset = delivery.publication.offset;
        let mut at = 0;
        while let Some(Joining { slot, after, .. }) = few.joining.get(at) {
            let step = step_from(after, delivery);
            let is_before = step == Step::Next;
            if is_before || (step == Step::Old && after.offset == offset) {
                let newcomer = few.joining.swap_remove(at);
                let slot = newcomer.slot;
                let gets_it = is_before && newcomer.key.wants(event);
                let base = if newcomer.key.deltas == Deltas::Off {
                    None
                } else if gets_it {
                    group::base(&delivery.publication)
                } else {
                    newcomer.base.clone()
                };
                let standing = self.join(slot, newcomer.key.clone(), base);
                put(id, slot, standing, connections);
                if gets_it {
                    reached.push(newcomer);
                }
                continue;
            }
            if step == Step::Gap {
                aftermath.gap.push(*slot);
            }
            at += 1;
        }
        self.few = (!few.making.is_empty() || !few.joining.is_empty()).then_some(few);
        reached
    }

    pub(super) fn positioned(&self, aftermath: &mut Aftermath) {
        for group in self.groups.iter().filter(|group| group.key.positioned) {
            aftermath.gap.extend_from_slice(&group.members);
        }
    }
}

/// Records where a client stands in a channel.
pub(super) fn put(
    id: u32,
    slot: u32,
    standing: Standing,
    connections: &mut impl AttachmentsBySlot,
) {
    if let Some(attachments) = connections.attachments(slot)
        && let Some(attachment) = attachments
            .iter_mut()
            .find(|attachment| attachment.channel == id)
    {
        attachment.standing = standing;
    }
}
