//! Where the engine delivers: to the inboxes of the workers that want the channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use veche_engine::pending::Pending;
use veche_engine::sink::{Delivery, Sink};
use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;

use crate::fanout::{Event, EventBody};
use crate::inbox::{Congestion, Inbox, Item};
use crate::interest::Interest;

/// What has come from the engine.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) publications: AtomicU64,
    pub(crate) joins: AtomicU64,
    pub(crate) leaves: AtomicU64,
}

/// The node's sink.
#[derive(Debug)]
pub(crate) struct NodeSink {
    pub(crate) received: Arc<Received>,
    pub(crate) interest: Arc<Interest>,
    pub(crate) inboxes: Vec<Arc<Inbox>>,
    pub(crate) congestion: Arc<Congestion>,
}

impl NodeSink {
    fn deliver(&self, channel: &Channel, body: EventBody) {
        // The engine may hold a lock: a worker whose inbox is full reports that itself.
        self.interest
            .deliver(channel, |id| Event::new(channel.clone(), id, body));
    }
}

impl Sink for NodeSink {
    fn publication(&self, channel: &Channel, delivery: Delivery) {
        self.received.publications.fetch_add(1, Ordering::Relaxed);
        self.deliver(channel, EventBody::Publication(delivery));
    }

    fn join(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.received.joins.fetch_add(1, Ordering::Relaxed);
        self.deliver(channel, EventBody::Join(info));
    }

    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.received.leaves.fetch_add(1, Ordering::Relaxed);
        self.deliver(channel, EventBody::Leave(info));
    }

    fn gap(&self, channel: &Channel) {
        self.interest.doubt(channel);
    }

    fn resumed(&self) {
        for inbox in &self.inboxes {
            inbox.push(Item::DoubtEverywhere);
        }
    }

    fn room(&self) -> Pending<()> {
        if !self.congestion.is_congested() {
            return Pending::Ready(());
        }
        let congestion = self.congestion.clone();
        Pending::Later(Box::pin(async move { congestion.eased().await }))
    }
}
