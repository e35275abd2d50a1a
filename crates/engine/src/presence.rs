//! Who is in a channel.

use std::fmt;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::reply::PresenceStats;

use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::pending::Pending;

/// Remembers who is in a channel, for a while at a time.
///
/// A client is removed after it was added, never before, because calls for one channel take effect in the order in
/// which they are made: see [the contract](crate#the-contract).
pub trait PresenceManager: Lifecycle + Send + Sync + fmt::Debug {
    /// Adds a client, or keeps it for another `ttl`.
    fn add(
        &self,
        channel: &Channel,
        info: &ClientInfo,
        ttl: Duration,
    ) -> Pending<Result<(), EngineError>>;

    /// Removes a client.
    fn remove(
        &self,
        channel: &Channel,
        client: ClientId,
        user: &UserId,
    ) -> Pending<Result<(), EngineError>>;

    /// Lists the clients.
    fn presence(&self, channel: &Channel) -> Pending<Result<Vec<ClientInfo>, EngineError>>;

    /// Counts the clients.
    fn stats(&self, channel: &Channel) -> Pending<Result<PresenceStats, EngineError>>;
}
