//! Channel traffic: publishing, history, and which channels this node wants.

use std::fmt;
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::pending::Pending;

/// Carries publications between publishers and nodes, and keeps history.
///
/// The rules for order, cancellation, delivery and errors are the crate's: see [the contract](crate#the-contract).
pub trait Broker: Lifecycle + Send + Sync + fmt::Debug {
    /// Begins delivery of the channel to this node.
    ///
    /// When the answer is there, every later publication comes through the sink, and `history` shows every earlier
    /// one. The node has at most one subscribe or unsubscribe of a channel under way at a time.
    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>>;

    /// Ends delivery of the channel to this node. What still comes is dropped by the sink; if the call fails, delivery
    /// may go on, and a later subscribe succeeds all the same.
    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>>;

    /// Publishes. The broker sets `offset`, `epoch` and `time_ms` (the latter if it is 0).
    ///
    /// A publish that is the same as an earlier one (idempotency key, version) is not delivered again, and the
    /// answer says so.
    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>>;

    /// Tells the channel's subscribers that somebody came. Not kept.
    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>>;

    /// Tells the channel's subscribers that somebody left. Not kept.
    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>>;

    /// Reads the channel's stream.
    ///
    /// # Errors
    /// [`EngineError::UnrecoverablePosition`] when `since` names another epoch.
    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>>;

    /// Forgets the channel's publications; epoch and offset go on.
    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>>;
}

/// Where a publication went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// The channel's position after it; offset 0 and an empty epoch where nothing was kept.
    pub position: StreamPosition,
    /// Whether it was a repetition and therefore not delivered.
    pub suppressed: bool,
}
