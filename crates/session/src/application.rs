//! What the application is asked about a client, and what it may answer.
//!
//! A session asks only where the rules say so; [`crate::authorities`] has the order in which the application, tokens and
//! rules decide. Who asks is added by the driver. The names are those of Centrifugo's proxies, and what a token's claims
//! can bring too has the same type here.

use std::collections::BTreeMap;
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::claims::{ConnectionClaims, SubscriptionOptions};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::CommandError;
use veche_protocol::payload::Payload;

mod denial;

pub(crate) use denial::unusable;

/// The name of a proxy in the configuration; `default` where it has no other.
pub type ProxyName = Arc<str>;

/// A question to the application. Each is answered once, by the [`Response`] of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A client without a token connects: who is it?
    Connect(Box<ConnectRequest>),
    /// The time of a connection has run out: does it go on?
    Refresh,
    /// A client wants to subscribe: may it, and how?
    Subscribe(Box<SubscribeRequest>),
    /// A client wants to publish: may it, and what is published?
    Publish(Box<PublishRequest>),
    /// The time of a subscription has run out: does it go on?
    SubRefresh(Box<SubRefreshRequest>),
    /// A client calls a method.
    Rpc(Box<RpcRequest>),
}

impl Request {
    /// Whether this is the kind of answer that the question has.
    #[must_use]
    pub fn is_answered_by(&self, response: &Response) -> bool {
        matches!(
            (self, response),
            (Self::Connect(_), Response::Connect(_))
                | (Self::Refresh, Response::Refresh(_))
                | (Self::Subscribe(_), Response::Subscribe(_))
                | (Self::Publish(_), Response::Publish(_))
                | (Self::SubRefresh(_), Response::SubRefresh(_))
                | (Self::Rpc(_), Response::Rpc(_))
        )
    }
}

/// The application's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// To [`Request::Connect`]; `None` where the application knows nothing of the client.
    Connect(Verdict<Option<Box<ConnectResult>>>),
    /// To [`Request::Refresh`].
    Refresh(Verdict<Box<RefreshResult>>),
    /// To [`Request::Subscribe`].
    Subscribe(Verdict<Box<SubscriptionOptions>>),
    /// To [`Request::Publish`].
    Publish(Verdict<Box<PublishResult>>),
    /// To [`Request::SubRefresh`].
    SubRefresh(Verdict<Box<RefreshResult>>),
    /// To [`Request::Rpc`]: the data of the reply.
    Rpc(Verdict<Option<Payload>>),
}

/// What the application grants, or how it refuses.
pub type Verdict<T> = Result<T, Denial>;

/// How the application refuses. Codes that are not the application's are never sent: the client gets error 100 then,
/// and the operator is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Denial {
    /// By an error in the reply; its code is from 400 to 1999.
    Error(Box<CommandError>),
    /// By the end of the connection; its code is from 4000 to 4999.
    Disconnect(Disconnect),
    /// The application gave no answer that can be used: it failed, or was not reached in time. The operator was told.
    Failed,
}

/// A `connect` without a token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectRequest {
    /// What the client says it is.
    pub name: String,
    /// The version of that.
    pub version: String,
    /// Channels that the client asks for.
    pub channels: Vec<String>,
    /// Data of the command.
    pub data: Option<Payload>,
}

/// Who a client is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectResult {
    /// What a connection token could have said, too.
    pub claims: ConnectionClaims,
    /// Sent to the client with the reply.
    pub data: Option<Payload>,
}

/// A `subscribe` without a token.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscribeRequest {
    /// The proxy to ask.
    pub proxy: ProxyName,
    /// The channel.
    pub channel: Channel,
    /// Data of the command.
    pub data: Option<Payload>,
}

/// A `publish`.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishRequest {
    /// The proxy to ask.
    pub proxy: ProxyName,
    /// The channel.
    pub channel: Channel,
    /// What the client wants to publish.
    pub data: Payload,
}

/// What is published, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishResult {
    /// Takes the place of the client's data.
    pub data: Option<Payload>,
    /// Keeps the publication out of the history.
    pub skip_history: bool,
    /// Added to the client's tags; these count where both have a name.
    pub tags: BTreeMap<Box<str>, Box<str>>,
    /// Takes the place of the client's key; empty for none. The key is the application's own, at most
    /// [`veche_protocol::idempotency::IdempotencyKey::MAX_LEN`] bytes.
    pub idempotency_key: String,
    /// Makes a delta, also where the namespace makes none.
    pub delta: bool,
    /// Publications of lower versions are dropped; 0 for no version.
    pub version: u64,
    /// Versions are compared within an epoch of theirs.
    pub version_epoch: String,
}

/// The time of a subscription has run out.
#[derive(Clone, Debug, PartialEq)]
pub struct SubRefreshRequest {
    /// The proxy to ask.
    pub proxy: ProxyName,
    /// The channel.
    pub channel: Channel,
}

/// How a connection or a subscription goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RefreshResult {
    /// It does not go on.
    pub expired: bool,
    /// When it ends now, in seconds of Unix time; `None` for never.
    pub expire_at: Option<i64>,
    /// What others are told from now on; `None` keeps it.
    pub info: Option<Payload>,
    /// Takes the place of the connection's meta; `None` keeps it. Nothing for a subscription.
    pub meta: Option<Payload>,
}

/// A call of a method.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcRequest {
    /// The proxy to ask.
    pub proxy: ProxyName,
    /// The method.
    pub method: String,
    /// Arguments.
    pub data: Option<Payload>,
}
