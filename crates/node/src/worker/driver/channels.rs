//! How the channels of a conversation come into the hub and leave it.

use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_session::effect::{Attach, Delta};
use veche_session::question::{Answer, Ask};

use crate::connection::Open;
use crate::hub::{Deltas, GroupKey, Newcomer};
use crate::inbox::ConnectionKey;
use crate::interest::{Request, Waiter};
use crate::worker::Worker;

impl Worker {
    /// Wants a channel for a session that makes a subscription.
    pub(crate) fn enter(
        &mut self,
        key: ConnectionKey,
        ask: Ask,
        channel: &Channel,
    ) -> Option<Answer> {
        let connection = self.connections.get_mut(key.slot)?;
        if self
            .hub
            .enter(channel, key.slot, &mut connection.attachments)
        {
            return Some(Answer::Done(Ok(())));
        }
        let waiting = Waiter {
            worker: self.context.index(),
            connection: key,
            ask,
        };
        match self.context.node().interest().enter(channel, waiting) {
            Request::None => {}
            Request::Begin => match self.context.node().engine().broker.subscribe(channel) {
                Pending::Ready(Ok(())) => self
                    .context
                    .node()
                    .interest()
                    .began_at_once(channel, waiting),
                pending => {
                    self.context
                        .node()
                        .clone()
                        .began_later(channel.clone(), pending);
                    return None;
                }
            },
            Request::Wait | Request::End => return None,
        }
        self.hub.entered(channel, key.slot, &mut self.connections);
        Some(Answer::Done(Ok(())))
    }

    /// From now on the hub delivers a channel to the client.
    pub(super) fn attach(&mut self, slot: u32, open: &Open, attach: Attach) {
        let (deltas, base) = match attach.delta {
            Delta::Off => (Deltas::Off, None),
            Delta::Whole => (Deltas::Fresh, None),
            Delta::Since(base) => (Deltas::Fresh, Some(base)),
        };
        let newcomer = Newcomer {
            slot,
            key: GroupKey {
                format: open.format(),
                join_leave: attach.join_leave,
                positioned: attach.after.is_some(),
                filter: attach.filter,
                deltas,
                compact: attach.compact,
            },
            after: attach.after,
            base,
        };
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        self.hub
            .attach(&attach.channel, newcomer, &mut connection.attachments);
        self.context
            .counters()
            .subscriptions
            .set(self.hub.subscription_count());
    }

    /// A channel is not delivered to a client any more; nor to the node, if nobody else here wants it.
    pub(super) fn detach(&mut self, slot: u32, channel: &Channel) {
        let unwanted = self.hub.detach(channel, slot, &mut self.connections);
        self.context
            .counters()
            .subscriptions
            .set(self.hub.subscription_count());
        if let Some(channel) = unwanted {
            let request = self
                .context
                .node()
                .interest()
                .leave(&channel, self.context.index());
            self.context.node().clone().request(channel, request);
        }
    }

    /// What a session that failed did not leave itself: the next client in this slot must not get its channels.
    pub(super) fn detach_from_all(&mut self, slot: u32) {
        while let Some(connection) = self.connections.get(slot)
            && let Some(&attachment) = connection.attachments.first()
            && let Some(channel) = self.hub.name(attachment).cloned()
        {
            self.detach(slot, &channel);
        }
    }
}
