//! Several nodes in one process: they share the engine in memory, and a controller joins them. For tests.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;

use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;

use crate::control::{ControlSink, Controller, Message, NodeId, Recipient};
use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::pending::Pending;
use crate::sink::{Delivery, Sink};

/// The nodes of one process.
#[derive(Debug, Default)]
pub struct Fleet {
    nodes: RwLock<BTreeMap<NodeId, Arc<dyn ControlSink>>>,
    /// In the order in which they came; a sink stays, since a node that has ended takes nothing.
    sinks: RwLock<Vec<Arc<dyn Sink>>>,
}

impl Fleet {
    /// Without nodes yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A controller for one more node.
    #[must_use]
    pub fn controller(self: &Arc<Self>) -> FleetController {
        FleetController {
            fleet: self.clone(),
            node: OnceLock::new(),
        }
    }

    /// From now on `sink` gets what the fleet does as a sink, too.
    pub fn add_sink(&self, sink: Arc<dyn Sink>) {
        self.sinks.write().push(sink);
    }
}

/// The sink of the shared broker: each node gets everything, and takes what it wants.
impl Sink for Fleet {
    fn publication(&self, channel: &Channel, delivery: Delivery) {
        for sink in &*self.sinks.read() {
            sink.publication(channel, delivery.clone());
        }
    }

    fn join(&self, channel: &Channel, info: Arc<ClientInfo>) {
        for sink in &*self.sinks.read() {
            sink.join(channel, info.clone());
        }
    }

    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>) {
        for sink in &*self.sinks.read() {
            sink.leave(channel, info.clone());
        }
    }

    fn gap(&self, channel: &Channel) {
        for sink in &*self.sinks.read() {
            sink.gap(channel);
        }
    }

    fn resumed(&self) {
        for sink in &*self.sinks.read() {
            sink.resumed();
        }
    }

    fn room(&self) -> Pending<()> {
        let waits: Vec<_> = (self.sinks.read().iter())
            .filter_map(|sink| match sink.room() {
                Pending::Ready(()) => None,
                Pending::Later(wait) => Some(wait),
            })
            .collect();
        if waits.is_empty() {
            return Pending::Ready(());
        }
        Pending::Later(Box::pin(async move {
            for wait in waits {
                wait.await;
            }
        }))
    }
}

/// One node's way to the others of its fleet. Messages arrive inside `send`.
#[derive(Debug)]
pub struct FleetController {
    fleet: Arc<Fleet>,
    node: OnceLock<NodeId>,
}

impl Lifecycle for FleetController {
    fn close(&self) -> Pending<()> {
        if let Some(node) = self.node.get() {
            self.fleet.nodes.write().remove(node);
        }
        Pending::Ready(())
    }
}

impl Controller for FleetController {
    fn join(&self, node: NodeId, sink: Arc<dyn ControlSink>) -> Pending<Result<(), EngineError>> {
        let node = self.node.get_or_init(|| node).clone();
        self.fleet.nodes.write().insert(node, sink);
        Pending::Ready(Ok(()))
    }

    fn send(&self, to: Recipient, message: Message) -> Pending<Result<(), EngineError>> {
        let from = (self.node.get()).filter(|node| self.fleet.nodes.read().contains_key(node));
        let Some(from) = from else {
            let why = "the node is not in the fleet";
            return Pending::Ready(Err(EngineError::Unavailable(why.into())));
        };
        // Not under the lock: a sink may answer at once.
        let sinks: Vec<_> = (self.fleet.nodes.read().iter())
            .filter(|(node, _)| match &to {
                Recipient::All => *node != from,
                Recipient::Node(to) => *node == to,
            })
            .map(|(_, sink)| sink.clone())
            .collect();
        for sink in sinks {
            sink.message(from, message.clone());
        }
        Pending::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
