//! What the application says about a client in a signed token.

use crate::identity::UserId;
use crate::payload::Payload;

/// What a connection token says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionClaims {
    /// The user; empty is anonymous.
    pub user: UserId,
    /// When the connection ends, in seconds of Unix time; `None` for never.
    ///
    /// That is `expire_at` if the token has it (0 and less mean never), else `exp`.
    pub expire_at: Option<i64>,
    /// What others are told about the user.
    pub info: Option<Payload>,
    /// For proxies only, never sent to clients.
    pub meta: Option<Payload>,
    /// Server-side subscriptions, by channel, from `channels` and `subs`.
    pub subs: Vec<(String, SubscriptionOptions)>,
}

/// What a subscription token says.
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
    /// What others are told about the client in this channel.
    pub info: Option<Payload>,
    /// Sent to the client with the reply.
    pub data: Option<Payload>,
    /// When the subscription ends, in seconds of Unix time; `None` for never.
    pub expire_at: Option<i64>,
    /// Channel options that this subscription has otherwise; `None` keeps the channel's.
    pub overrides: Overrides,
}

/// Channel options that one subscription has otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Takes part in presence.
    pub presence: Option<bool>,
    /// Tells others when it joins and leaves.
    pub join_leave: Option<bool>,
    /// Is told of others' joins and leaves.
    pub force_push_join_leave: Option<bool>,
    /// Recovers.
    pub force_recovery: Option<bool>,
    /// Has its position watched.
    pub force_positioning: Option<bool>,
}

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Its time ran out (or has not come), by how much is said: the client gets a new one.
    Expired(String),
    /// It is not one of ours; says which claim or rule failed.
    Invalid(String),
    /// What it says can't be used, or can't be checked now; trying again may help.
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
