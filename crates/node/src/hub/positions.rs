//! Where the subscribers of a channel stand that watch their position, and how they are told that it is lost.

use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;

use super::{Aftermath, Entry, Hub};
use crate::fanout::Event;

impl Hub {
    /// Places for channels, used or not.
    pub(crate) fn places(&self) -> usize {
        self.channels.capacity()
    }

    /// Whether there is no channel.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// The channel at a place, with the position up to which it was delivered; `None` unless somebody watches it.
    pub(crate) fn watched_at(&self, place: usize) -> Option<(&Channel, &StreamPosition)> {
        let entry = self.channels.get(place)?;
        Some((&entry.name, entry.watched()?))
    }

    /// The position up to which a channel was delivered; `None` unless somebody watches it.
    pub(crate) fn watched(&self, channel: &Channel) -> Option<&StreamPosition> {
        let &id = self.names.get(channel)?;
        self.channels.get(id as usize)?.watched()
    }

    /// What was published in the channel did not come: whoever watches its position is told. Who is still making a
    /// subscription reads the stream itself.
    pub(crate) fn lose(&mut self, channel: &Channel, aftermath: &mut Aftermath) {
        if let Some(&id) = self.names.get(channel)
            && let Some(entry) = self.channels.get(id as usize)
        {
            entry.positioned(aftermath);
            aftermath
                .gap
                .extend(entry.joining().map(|joining| joining.slot));
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

impl Entry {
    /// All who are attached and watch their position are here, or will be when they are promoted.
    fn watched(&self) -> Option<&StreamPosition> {
        let mut groups = self.groups.iter();
        if groups.any(|group| group.key.positioned && !group.members.is_empty()) {
            return self.position.as_ref();
        }
        let joining = self.few.as_ref()?.joining.first()?;
        Some(&joining.after)
    }
}
