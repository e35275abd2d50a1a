//! Where an engine delivers.

use std::fmt;
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;

use crate::pending::Pending;

/// What the node gives an engine to deliver to.
///
/// No method blocks, and none calls the engine back, so an engine may hold its own locks meanwhile; nothing asks it to.
/// How an engine must order and pace its calls is in [the contract](crate#the-contract).
pub trait Sink: Send + Sync + fmt::Debug {
    /// Delivers a publication to the channel's subscribers on this node.
    fn publication(&self, channel: &Channel, delivery: Delivery);

    /// Tells the channel's subscribers on this node that somebody came.
    fn join(&self, channel: &Channel, info: Arc<ClientInfo>);

    /// Tells the channel's subscribers on this node that somebody left.
    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>);

    /// Publications of the channel may have been lost. The node compares the positions of its subscribers with the
    /// stream, and tells those who have lost something.
    fn gap(&self, channel: &Channel);

    /// The engine has subscribed again after it had lost its connection: anything may be missing in any channel. The
    /// node checks all channels, a slice at a time.
    fn resumed(&self);

    /// Whether the node takes more. Ready while it does; otherwise the answer comes as soon as the workers have caught
    /// up.
    ///
    /// An engine that delivers from a reader of its own waits for this before it reads on. One that delivers inside
    /// `publish` need not: the node has its publishers wait. The call costs one atomic load while there is room.
    fn room(&self) -> Pending<()>;
}

/// Bytes of publications that an engine may deliver between two waits for [`Sink::room`]; it may pass this by the last
/// publication.
pub const MAX_BETWEEN_WAITS: usize = 1 << 20;

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
