//! Publishes of clients that wait while the node is congested.

use std::collections::VecDeque;

use veche_protocol::channel::Channel;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::question::{Answer, Ask};

use crate::context::Context;
use crate::inbox::ConnectionKey;

/// What a client publishes.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) connection: ConnectionKey,
    pub(crate) ask: Ask,
    pub(crate) channel: Channel,
    pub(crate) publication: Box<Publication>,
    pub(crate) options: Box<PublishOptions>,
}

/// Publishes that wait because the node is congested, in order.
///
/// Each client has at most `client.concurrency` of them.
#[derive(Debug, Default)]
pub(crate) struct DeferredPublishes(VecDeque<Publish>);

impl DeferredPublishes {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Publishes, unless the node is congested: then behind those that wait already, so that a client's publications
    /// stay in order. The answer comes now or later.
    pub(crate) fn publish_in_turn(
        &mut self,
        publish: Publish,
        context: &Context,
    ) -> Option<Answer> {
        if context.node().is_congested() || !self.0.is_empty() {
            self.0.push_back(publish);
            return None;
        }
        publish.carry_out(context)
    }

    /// Publishes what has waited longest, unless the node is congested. Returns who published it, and the answer if
    /// there is one now.
    pub(crate) fn publish_next(
        &mut self,
        context: &Context,
    ) -> Option<(ConnectionKey, Ask, Option<Answer>)> {
        if self.0.is_empty() || context.node().is_congested() {
            return None;
        }
        let publish = self.0.pop_front()?;
        let (connection, ask) = (publish.connection, publish.ask);
        Some((connection, ask, publish.carry_out(context)))
    }

    /// Drops what a client has published and the node has not, because its conversation ends. The client has no
    /// confirmation of it, and nobody publishes after having been disconnected.
    pub(crate) fn drop_of(&mut self, slot: u32) {
        self.0.retain(|publish| publish.connection.slot != slot);
    }
}

impl Publish {
    /// Publishes now.
    fn carry_out(self, context: &Context) -> Option<Answer> {
        let broker = &context.node().engine().broker;
        let published = broker.publish(&self.channel, *self.publication, &self.options);
        context.pend_engine(self.connection, self.ask, published, |published| {
            Answer::Published(published.map(|published| published.position))
        })
    }
}
