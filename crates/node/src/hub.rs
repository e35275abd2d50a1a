//! One worker's table of channels and who gets what from them.
//!
//! A channel's subscribers stand in groups, one per distinct [`GroupKey`]. The group decides once per event; its
//! members are a dense array of small rows. All attached subscribers of a channel are at the same offset, which is
//! kept here once; who was attached ahead of it stands in `joining` until the channel has caught up.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::HashMap;
use slab::Slab;
use smallvec::SmallVec;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Publication;

use crate::encoder::Encoder;
use crate::fanout::{Event, EventBody};
use crate::outbox::Outboxes;

mod channel;
mod group;
mod membership;
mod positions;

#[cfg(test)]
mod tests;

pub(crate) use channel::Entry;
use channel::Joining;
use group::Step;
pub(crate) use group::{Deltas, GroupKey};

/// Where a connection stands in a channel, kept with the connection so that leaving costs no search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attachment {
    pub(crate) channel: u32,
    standing: Standing,
}

/// Stands for a channel of a worker, for as long as somebody here wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelKey(u32);

impl Attachment {
    /// Whether this is a subscription to a channel, and made.
    pub(crate) fn is_to(&self, ChannelKey(channel): ChannelKey) -> bool {
        self.channel == channel && self.standing != Standing::Making
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Making,
    Joining,
    Member { group: u32, index: u32 },
}

/// The attachments of one connection.
pub(crate) type Attachments = SmallVec<[Attachment; 1]>;

/// Finds the attachments of the connection in a slot, wherever connections are kept.
pub(crate) trait AttachmentsBySlot {
    fn attachments(&mut self, slot: u32) -> Option<&mut Attachments>;
}

#[derive(Debug, Default)]
pub(crate) struct Hub {
    names: HashMap<Channel, u32>,
    /// The names again, in the order in which they are listed.
    in_order: BTreeSet<Channel>,
    channels: Slab<Entry>,
    subscriptions: usize,
}

/// Who is to be attached to a channel.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) slot: u32,
    /// Fresh, if it takes deltas.
    pub(crate) key: GroupKey,
    /// Where it stands, if its position is watched.
    pub(crate) after: Option<StreamPosition>,
    /// What a delta can be cut against for it.
    pub(crate) base: Option<Arc<Publication>>,
}

/// What a delivery leaves to be done by sessions.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// These are making a subscription, and get the publication themselves.
    pub(crate) making: Vec<u32>,
    /// These lost publications of the channel.
    pub(crate) gap: Vec<u32>,
    /// Frames appended.
    pub(crate) delivered: usize,
}

impl Hub {
    /// Attached subscriptions.
    pub(crate) fn subscription_count(&self) -> usize {
        self.subscriptions
    }

    /// Channels in the order of their names, and how many are attached to each; possibly none.
    pub(crate) fn channels_in<'a>(
        &'a self,
        names: (Bound<&'a str>, Bound<&'a str>),
    ) -> impl Iterator<Item = (&'a Channel, usize)> {
        let count = |name| {
            let entry = self.entry(self.key(name)?)?;
            Some(entry.attached())
        };
        let names = self.in_order.range::<str, _>(names);
        names.map(move |name| (name, count(name).unwrap_or(0)))
    }

    /// Stands for a channel for as long as it is here.
    pub(crate) fn key(&self, channel: &Channel) -> Option<ChannelKey> {
        self.names.get(channel).copied().map(ChannelKey)
    }

    /// Who is attached to a channel, in no order, and how many these are.
    pub(crate) fn subscribers(&self, channel: ChannelKey) -> (usize, impl Iterator<Item = u32>) {
        let entry = self.entry(channel);
        let count = entry.map_or(0, Entry::attached);
        let slots = entry.into_iter().flat_map(|entry| {
            let members = entry.groups.iter().flat_map(|group| &group.members);
            members
                .copied()
                .chain(entry.joining().map(|joining| joining.slot))
        });
        (count, slots)
    }

    fn entry(&self, ChannelKey(id): ChannelKey) -> Option<&Entry> {
        self.channels.get(id as usize)
    }

    /// The session in `slot` begins to make a subscription. Returns whether the node has the channel already.
    pub(crate) fn enter(
        &mut self,
        channel: &Channel,
        slot: u32,
        attachments: &mut Attachments,
    ) -> bool {
        let id = match self.names.get(channel) {
            Some(&id) => id,
            None => {
                let entry = Entry {
                    name: channel.clone(),
                    groups: SmallVec::new(),
                    position: None,
                    entered: false,
                    few: None,
                };
                let id =
                    u32::try_from(self.channels.insert(entry)).expect("fewer channels than 2^32");
                self.names.insert(channel.clone(), id);
                self.in_order.insert(channel.clone());
                id
            }
        };
        let Some(entry) = self.channels.get_mut(id as usize) else {
            return false;
        };
        let making = &mut entry.few.get_or_insert_default().making;
        if making.capacity() == 0 {
            // Most often one comes at a time.
            *making = Vec::with_capacity(1);
        }
        making.push(slot);
        attachments.push(Attachment {
            channel: id,
            standing: Standing::Making,
        });
        entry.entered
    }

    /// The node has the channel from its engine, for the sake of the client in `slot`.
    ///
    /// If that client has left meanwhile, the news is old: the node may be leaving the channel again.
    pub(crate) fn entered(
        &mut self,
        channel: &Channel,
        slot: u32,
        connections: &mut impl AttachmentsBySlot,
    ) {
        if let Some(&id) = self.names.get(channel)
            && let Some(entry) = self.channels.get_mut(id as usize)
            && let Some(attachments) = connections.attachments(slot)
            && attachments
                .iter()
                .any(|attachment| attachment.channel == id)
        {
            entry.entered = true;
        }
    }

    /// From now on the channel is delivered to a client which was making its subscription.
    pub(crate) fn attach(
        &mut self,
        channel: &Channel,
        newcomer: Newcomer,
        attachments: &mut Attachments,
    ) {
        let Newcomer {
            slot,
            key,
            after,
            base,
        } = newcomer;
        let Some(&id) = self.names.get(channel) else {
            return;
        };
        let Some(entry) = self.channels.get_mut(id as usize) else {
            return;
        };
        let Some(attachment) = attachments
            .iter_mut()
            .find(|attachment| attachment.channel == id)
        else {
            return;
        };
        if attachment.standing != Standing::Making {
            return;
        }
        entry.leave_making(slot);
        self.subscriptions += 1;
        if let Some(after) = after {
            // With others that are making theirs the position must not run ahead: they may have read less of the stream.
            let alone = entry.attached() == 0 && entry.few.is_none();
            let position = entry.position.get_or_insert_with(StreamPosition::default);
            if alone {
                *position = after;
            } else if after != *position {
                let joining = Joining {
                    slot,
                    after,
                    key,
                    base,
                };
                entry.few.get_or_insert_default().joining.push(joining);
                attachment.standing = Standing::Joining;
                return;
            }
        }
        attachment.standing = entry.join(slot, key, base);
    }

    /// The channel is not delivered to the client in `slot` any more. Returns the channel if nobody here wants it.
    pub(crate) fn detach(
        &mut self,
        channel: &Channel,
        slot: u32,
        connections: &mut impl AttachmentsBySlot,
    ) -> Option<Channel> {
        let &id = self.names.get(channel)?;
        let attachments = connections.attachments(slot)?;
        let at = attachments
            .iter()
            .position(|attachment| attachment.channel == id)?;
        let attachment = attachments.swap_remove(at);
        let entry = self.channels.get_mut(id as usize)?;
        match attachment.standing {
            Standing::Making => entry.leave_making(slot),
            Standing::Joining => {
                self.subscriptions -= 1;
                if let Some(few) = &mut entry.few {
                    few.joining.retain(|joining| joining.slot != slot);
                }
            }
            Standing::Member { group, index } => {
                self.subscriptions -= 1;
                entry.leave_group(id, group, index, connections);
            }
        }
        entry.tidy();
        if entry.is_wanted() {
            return None;
        }
        let entry = self.channels.remove(id as usize);
        self.names.remove(&entry.name);
        self.in_order.remove(&entry.name);
        Some(entry.name)
    }

    /// Appends the event's frames to the outboxes of all attached.
    pub(crate) fn deliver(
        &mut self,
        event: &Event,
        outboxes: &mut Outboxes,
        encoder: &mut Encoder,
        connections: &mut impl AttachmentsBySlot,
        aftermath: &mut Aftermath,
    ) {
        let Some(&id) = self.names.get(&event.channel) else {
            return;
        };
        let Some(entry) = self.channels.get_mut(id as usize) else {
            return;
        };
        let mut step = Step::Next;
        if let EventBody::Publication(delivery) = &event.body {
            if let Some(few) = &entry.few {
                aftermath.making.extend_from_slice(&few.making);
            }
            step = entry.advance(delivery, aftermath);
        }
        let mut has_fresh = false;
        for group in &mut entry.groups {
            if step.reaches(&group.key) && !group.members.is_empty() && group.key.wants(event) {
                aftermath.delivered += group.append(event, outboxes, encoder);
                has_fresh |= group.key.awaits_base();
            }
        }
        match &event.body {
            EventBody::Publication(delivery) if delivery.publication.offset > 0 => {
                if step == Step::Old {
                    return;
                }
                if has_fresh {
                    entry.settle(id, event, &delivery.publication, step, connections);
                }
                for newcomer in entry.promote(id, event, delivery, connections, aftermath) {
                    let Joining {
                        slot, key, base, ..
                    } = newcomer;
                    outboxes.append(slot, key.frames(event, base.as_ref(), encoder));
                    aftermath.delivered += 1;
                }
            }
            // What has no place in the stream waits for no position: in a channel without history none ever comes.
            _ => {
                let joining = entry.few.iter_mut().flat_map(|few| &mut few.joining);
                for joining in joining.filter(|it| it.key.wants(event)) {
                    outboxes.append(joining.slot, joining.key.frames(event, None, encoder));
                    aftermath.delivered += 1;
                    if let EventBody::Publication(_) = event.body {
                        joining.base = None;
                    }
                }
            }
        }
    }

    /// Publications of the channel may have been lost before they came here: whoever watches its position is told.
    pub(crate) fn gap(&mut self, channel: &Channel, aftermath: &mut Aftermath) {
        let Some(entry) = self
            .names
            .get(channel)
            .and_then(|&id| self.channels.get(id as usize))
        else {
            return;
        };
        entry.positioned(aftermath);
        if let Some(few) = &entry.few {
            let joining = entry.joining().map(|joining| joining.slot);
            aftermath.gap.extend(few.making.iter().copied());
            aftermath.gap.extend(joining);
        }
    }

    /// The name of the channel of an attachment.
    pub(crate) fn name(&self, attachment: Attachment) -> Option<&Channel> {
        Some(&self.channels.get(attachment.channel as usize)?.name)
    }

    /// All channels here.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<Channel> {
        self.names.keys().cloned().collect()
    }
}
