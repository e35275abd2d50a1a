//! Claims: what the application states about a client in a signed token.

use crate::identity::UserId;
use crate::payload::Payload;

/// The claims of a connection token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionClaims {
    /// The user; empty is anonymous.
    pub user: UserId,
    /// When the connection ends, in seconds of Unix time; `None` for never.
    ///
    /// That is `expire_at` if the token has it (0 and less mean never), else `exp`.
    pub expire_at: Option<i64>,
    /// Information about the user for other clients.
    pub info: Option<Payload>,
    /// For proxies only, never sent to clients.
    pub meta: Option<Payload>,
    /// Server-side subscriptions, by channel, from `channels` and `subs`.
    pub subs: Vec<(String, SubscriptionOptions)>,
}

/// The claims of a subscription token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionClaims {
    /// The user it is for.
    pub user: UserId,
    /// The channel it is for.
    pub channel: String,
    /// The connection it is for; empty for any.
    pub client: String,
    /// When the subscription ends, in seconds of Unix time; `None` for never.
    pub expire_at: Option<i64>,
    /// How to subscribe.
    pub options: SubscriptionOptions,
}

/// How the application wants a subscription made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionOptions {
    /// Information about the client for the other clients in this channel.
    pub info: Option<Payload>,
    /// Sent to the client with the reply.
    pub data: Option<Payload>,
    /// When the subscription ends, in seconds of Unix time; `None` for never.
    pub expire_at: Option<i64>,
    /// Sends the latest publication in cache mode, even if the client did not ask to recover and the channel's options
    /// do not say so. Only a connect proxy sets it.
    pub cache_recover: bool,
    /// Channel options that this subscription has otherwise; `None` keeps the channel's.
    pub overrides: Overrides,
}

/// Channel options that one subscription has otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Takes part in presence.
    pub presence: Option<bool>,
    /// Sends its joins and leaves to others.
    pub join_leave: Option<bool>,
    /// Receives the joins and leaves of others.
    pub force_push_join_leave: Option<bool>,
    /// Recovers.
    pub force_recovery: Option<bool>,
    /// Has its position watched.
    pub force_positioning: Option<bool>,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It has expired or is not valid yet; the text says by how much. The client gets a new token.
    Expired(String),
    /// It is invalid; the text names the claim or rule that failed.
    Invalid(String),
    /// Its content cannot be used, or it cannot be checked now; trying again may help.
    Failed(String),
}

impl TokenError {
    /// Which claim or rule failed, in words.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Expired(why) | Self::Invalid(why) | Self::Failed(why) => why,
        }
    }
}
