//! Where the subscribers of a channel stand that watch their position, and how they are told that it is lost.

use veche_engine::sink::Delivery;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;

use super::group::Step;
use super::{Aftermath, Entry, Hub};
use crate::fanout::Event;

impl Hub {
    /// Indices of channels, used or not: all are below this.
    pub(crate) fn indices(&self) -> usize {
        self.channels.capacity()
    }

    /// Whether there is no channel.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// The channel at an index, with the positions that are watched there: most often one, up to which it was delivered.
    pub(crate) fn watched_at(
        &self,
        index: usize,
    ) -> impl Iterator<Item = (&Channel, &StreamPosition)> {
        let entry = self.channels.get(index).into_iter();
        entry.flat_map(|entry| entry.watched().map(|position| (&entry.name, position)))
    }

    /// The index of a channel.
    pub(crate) fn index_of(&self, channel: &Channel) -> Option<usize> {
        let index = self.names.get(channel)?;
        usize::try_from(*index).ok()
    }

    /// The channel at an index, if somebody is making a subscription to it.
    pub(crate) fn making_at(&self, index: usize) -> Option<&Channel> {
        let entry = self.channels.get(index)?;
        let is_made = entry.few.as_ref().is_some_and(|few| !few.making.is_empty());
        is_made.then_some(&entry.name)
    }

    /// Whether somebody watches the channel and stands at this position.
    pub(crate) fn is_watched_at(&self, channel: &Channel, position: &StreamPosition) -> bool {
        let entry = self.names.get(channel);
        entry
            .and_then(|&id| self.channels.get(id as usize))
            .is_some_and(|entry| entry.watched().any(|watched| watched == position))
    }

    /// What was published in the channel after a position did not come: who stands there is told. Who is still making
    /// a subscription reads the stream itself, and who has joined ahead of the others may have read what they lost.
    pub(crate) fn lose(
        &mut self,
        channel: &Channel,
        stood: &StreamPosition,
        aftermath: &mut Aftermath,
    ) {
        if let Some(&id) = self.names.get(channel)
            && let Some(entry) = self.channels.get(id as usize)
        {
            if entry.position.as_ref() == Some(stood) {
                entry.positioned(aftermath);
            }
            let joining = entry.joining().filter(|joining| joining.after == *stood);
            aftermath.gap.extend(joining.map(|joining| joining.slot));
        }
    }

    /// A publication comes too late: whoever watches its position, and does not have it yet, is told instead.
    pub(crate) fn lag(&mut self, event: &Event, aftermath: &mut Aftermath) {
        let (Some((offset, _)), Some(&id)) = (event.placed(), self.names.get(&event.channel))
        else {
            return;
        };
        let Some(entry) = self.channels.get(id as usize) else {
            return;
        };
        if entry.position.as_ref().is_none_or(|at| at.offset < offset) {
            entry.positioned(aftermath);
        }
        let few = entry.few.as_deref().map(|few| few.joining.as_slice());
        let behind = few.unwrap_or_default().iter();
        aftermath.gap.extend(
            behind
                .filter(|joining| joining.after.offset < offset)
                .map(|joining| joining.slot),
        );
    }
}

/// What a publication with a place in the stream is to who stands at a position.
///
/// A channel that has no stream yet has no epoch either. Who stands there learns the epoch by the first publication, and
/// only by that: with any other, publications before it did not come. A known epoch never becomes another one.
///
/// Source: client protocol; the epoch travels with the publication whose offset is 1.
pub(super) fn step_from(position: &StreamPosition, delivery: &Delivery) -> Step {
    let offset = delivery.publication.offset;
    let is_first = position.epoch.is_empty() && position.offset == 0 && offset == 1;
    let is_same = is_first || position.epoch == delivery.epoch;
    if is_same && offset <= position.offset {
        Step::Old
    } else if is_same && offset - 1 == position.offset {
        Step::Next
    } else {
        Step::Gap
    }
}

impl Entry {
    /// Where those stand who watch their position: all members of groups at one place, and whoever has joined ahead of
    /// them. Who joined at one place one after the other is there once.
    fn watched(&self) -> impl Iterator<Item = &StreamPosition> {
        let mut groups = self.groups.iter();
        let is_watched = groups.any(|group| group.key.positioned && !group.members.is_empty());
        let members = self.position.as_ref().filter(|_| is_watched);
        let mut before = None;
        let joining = self.joining().map(|joining| &joining.after);
        let joining = joining.filter(move |after| before.replace(*after) != Some(*after));
        members.into_iter().chain(joining)
    }
}
