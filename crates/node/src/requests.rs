//! The channels that the node has at its engine: begun for the first session that wants one, ended after the last.

use std::sync::Arc;

use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_session::question::{Answer, Ask};

use crate::inbox::ConnectionKey;
use crate::interest::{Request, Waiting};
use crate::node::Node;
use crate::worker::{Slots, Worker};

impl Worker {
    /// Wants a channel for a session that makes a subscription.
    pub(crate) fn enter(
        &mut self,
        key: ConnectionKey,
        ask: Ask,
        channel: &Channel,
    ) -> Option<Answer> {
        let connection = self.connections.get_mut(key.slot as usize)?;
        if self
            .hub
            .enter(channel, key.slot, &mut connection.attachments)
        {
            return Some(Answer::Done(Ok(())));
        }
        let waiting = Waiting {
            worker: self.index,
            connection: key,
            ask,
        };
        match self.node.interest().enter(channel, waiting) {
            Request::None => {}
            Request::Begin => match self.node.engine().broker.subscribe(channel) {
                Pending::Ready(Ok(())) => self.node.interest().began_at_once(channel, waiting),
                pending => {
                    self.node.clone().began_later(channel.clone(), pending);
                    return None;
                }
            },
            Request::Wait | Request::End => return None,
        }
        let mut connections = Slots(&mut self.connections);
        self.hub.entered(channel, key.slot, &mut connections);
        Some(Answer::Done(Ok(())))
    }

    /// A channel is not delivered to a client any more; nor to the node, if nobody else here wants it.
    pub(crate) fn detach(&mut self, slot: u32, channel: &Channel) {
        let unwanted = self
            .hub
            .detach(channel, slot, &mut Slots(&mut self.connections));
        self.counters
            .subscriptions
            .set(self.hub.subscription_count());
        if let Some(channel) = unwanted {
            let request = self.node.interest().leave(&channel, self.index);
            self.node.clone().request(channel, request);
        }
    }
}

impl Node {
    /// Carries out what [`crate::interest::Interest`] wants of the engine.
    pub(crate) fn request(self: Arc<Self>, channel: Channel, mut request: Request) {
        loop {
            let pending = match request {
                Request::None | Request::Wait => return,
                Request::Begin => match self.engine().broker.subscribe(&channel) {
                    Pending::Ready(result) => {
                        request = self
                            .interest()
                            .began(&channel, result.map_err(|error| self.failure(error)));
                        continue;
                    }
                    pending @ Pending::Later(_) => pending,
                },
                Request::End => match self.engine().broker.unsubscribe(&channel) {
                    // If the engine can't end it, it goes on delivering what nobody takes.
                    Pending::Ready(_) => {
                        request = self.interest().ended(&channel);
                        continue;
                    }
                    Pending::Later(future) => {
                        let node = self.clone();
                        self.tasks().spawn(async move {
                            // As above.
                            let _ = future.await;
                            let request = node.interest().ended(&channel);
                            node.request(channel, request);
                        });
                        return;
                    }
                },
            };
            self.began_later(channel, pending);
            return;
        }
    }

    /// Waits for the engine's answer to a request to begin.
    pub(crate) fn began_later(
        self: Arc<Self>,
        channel: Channel,
        pending: Pending<Result<(), EngineError>>,
    ) {
        let node = self.clone();
        self.tasks().spawn(async move {
            let result = pending.wait().await.map_err(|error| node.failure(error));
            let request = node.interest().began(&channel, result);
            node.request(channel, request);
        });
    }
}
