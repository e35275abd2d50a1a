//! Who is in a channel.

use std::fmt;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::reply::PresenceStats;

use crate::broker::BrokerError;
use crate::pending::Pending;

/// Remembers who is in a channel, for a while at a time.
pub trait PresenceManager: Send + Sync + fmt::Debug {
    /// Adds a client, or keeps it for another `ttl`.
    fn add(
        &self,
        channel: &Channel,
        info: &ClientInfo,
        ttl: Duration,
    ) -> Pending<Result<(), BrokerError>>;

    /// Removes a client.
    fn remove(
        &self,
        channel: &Channel,
        client: ClientId,
        user: &UserId,
    ) -> Pending<Result<(), BrokerError>>;

    /// Lists the clients.
    fn presence(&self, channel: &Channel) -> Pending<Result<Vec<ClientInfo>, BrokerError>>;

    /// Counts the clients.
    fn stats(&self, channel: &Channel) -> Pending<Result<PresenceStats, BrokerError>>;
}

/// How long a client is present without being added again: a little over two of its refreshes.
pub const PRESENCE_TTL: Duration = Duration::from_secs(60);
