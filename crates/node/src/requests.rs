//! The channels that the node has at its engine: begun for the first session that wants one, ended after the last.

use std::sync::Arc;

use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;

use crate::interest::Request;
use crate::node::Node;

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
