//! Channel traffic: publishing, history, and which channels this node wants.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::pending::Pending;

/// Carries publications between publishers and nodes, and keeps history.
pub trait Broker: Send + Sync + fmt::Debug {
    /// Begins delivery of the channel to this node.
    ///
    /// When the answer is there, every later publication comes through the sink. The node never has two requests for
    /// one channel under way.
    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), BrokerError>>;

    /// Ends delivery of the channel to this node.
    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), BrokerError>>;

    /// Publishes. The broker sets `offset`, `epoch` and `time_ms` (the latter if it is 0).
    ///
    /// A publish that is the same as an earlier one (idempotency key, version) is not delivered again, and the
    /// answer says so.
    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, BrokerError>>;

    /// Tells the channel's subscribers that somebody came. Not kept.
    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), BrokerError>>;

    /// Tells the channel's subscribers that somebody left. Not kept.
    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), BrokerError>>;

    /// Reads the channel's stream.
    ///
    /// # Errors
    /// [`BrokerError::UnrecoverablePosition`] when `since` names another epoch.
    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, BrokerError>>;

    /// Forgets the channel's publications; epoch and offset go on.
    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), BrokerError>>;
}

/// Where a publication went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// The channel's position after it; offset 0 and an empty epoch where nothing was kept.
    pub position: StreamPosition,
    /// Whether it was a repetition and therefore not delivered.
    pub suppressed: bool,
}

/// What the operator hears when a broker fails. Never shown to clients.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// The position asked for belongs to another epoch.
    #[error("the stream has another epoch")]
    UnrecoverablePosition,
    /// The broker is up, but slow. Repeat only what bears an idempotency key.
    #[error("no answer from the broker within {0:?}")]
    Timeout(Duration),
    /// The driver connects again by itself; callers wait or refuse.
    #[error("lost the connection to the broker")]
    ConnectionLost,
}
