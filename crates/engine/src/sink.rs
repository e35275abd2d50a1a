//! Where an engine delivers.

use std::fmt;
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;

/// What the node gives an engine to deliver to.
///
/// Nothing here blocks. For one channel an engine never calls twice at once, and gives publications in the order of
/// their offsets. It may call while it holds its own locks: the node does not call back from here.
pub trait Sink: Send + Sync + fmt::Debug {
    /// A publication for the channel's subscribers on this node.
    fn publication(&self, channel: &Channel, delivery: Delivery);

    /// Somebody came into the channel.
    fn join(&self, channel: &Channel, info: Arc<ClientInfo>);

    /// Somebody left the channel.
    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>);

    /// Publications of the channel may have been lost.
    fn gap(&self, channel: &Channel);

    /// The engine lost its connection and has it again: anything may be missing in any channel.
    fn resumed(&self);
}

/// A publication on its way to subscribers.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The publication; its `offset` is 0 where nothing was kept.
    pub publication: Arc<Publication>,
    /// The stream's epoch; empty where nothing was kept.
    pub epoch: Epoch,
    /// The publication before it in the stream, where the publisher asked for deltas.
    pub previous: Option<Arc<Publication>>,
    /// Whether the publisher asked for deltas.
    pub delta: bool,
}
