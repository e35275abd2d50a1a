//! Publishes of clients, and how they wait while the node is congested.

use veche_protocol::channel::Channel;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::question::{Answer, Ask};

use crate::inbox::ConnectionKey;
use crate::worker::Worker;

/// A publish that waits because the node is congested.
#[derive(Debug)]
pub(crate) struct Deferred {
    pub(crate) connection: ConnectionKey,
    pub(crate) ask: Ask,
    pub(crate) channel: Channel,
    pub(crate) publication: Box<Publication>,
    pub(crate) options: Box<PublishOptions>,
}

impl Worker {
    /// Publishes, unless the node is congested: then behind those that wait already, so that a client's publications
    /// stay in order.
    pub(crate) fn publish_in_turn(&mut self, publish: Deferred) -> Option<Answer> {
        if self.node.is_congested() || !self.deferred.is_empty() {
            self.deferred.push_back(publish);
            return None;
        }
        self.publish(publish)
    }

    /// Publishes what waited for the node to be less congested, one after the other.
    ///
    /// What waits stays in the queue until its turn: an answer lets a client go on, and what it publishes then comes
    /// behind what it has published before.
    pub(crate) fn retry_deferred(&mut self) {
        while !self.node.is_congested()
            && let Some(publish) = self.deferred.pop_front()
        {
            let (connection, ask) = (publish.connection, publish.ask);
            if let Some(answer) = self.publish(publish) {
                self.with_session(connection.slot, |session, turn, effects| {
                    session.handle_answer(ask, answer, turn, effects);
                });
            }
        }
    }

    /// Drops what a client has published and the node has not, because its conversation ends. The client has no
    /// confirmation of it, and nobody publishes after having been disconnected.
    pub(crate) fn drop_deferred(&mut self, slot: u32) {
        self.deferred
            .retain(|publish| publish.connection.slot != slot);
    }

    /// Publishes now.
    fn publish(&self, publish: Deferred) -> Option<Answer> {
        let Deferred {
            connection,
            ask,
            channel,
            publication,
            options,
        } = publish;
        let broker = &self.node.engine().broker;
        let published = broker.publish(&channel, *publication, &options);
        self.pend_engine(connection, ask, published, |published| {
            Answer::Published(published.map(|published| published.position))
        })
    }
}
