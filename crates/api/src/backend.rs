//! The trait that connects the API to a server.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::reply::PresenceStats;

use crate::listing::{Connection, ConnectionFilter, Listing, PageRequest};
use crate::pattern::Pattern;

/// An answer that will come, or the reason why not. Its `code` and `message` are told to the caller, its `why` is
/// logged.
pub type BackendFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, CommandError>> + Send + 'a>>;

/// The operations of a server that the API calls.
///
/// Channel names are never empty, and otherwise as the caller wrote them: namespaces, options and formats are decided
/// here. So a method that names a channel refuses unknown namespaces with 102, and features that are off with 108.
///
/// # Cancel safety
/// Answers are dropped when the caller goes away. What has begun by then may still happen.
pub trait Backend: Send + Sync + fmt::Debug {
    /// Publishes, and answers with the position; offset 0 and no epoch where nothing was kept.
    ///
    /// The options come without retention, which is the namespace's; with `skip_history` there is none. Data that the
    /// namespace's format does not allow is refused with 107; data that the caller left out comes empty, and only
    /// namespaces for bytes allow that.
    fn publish<'a>(
        &'a self,
        channel: &'a str,
        publication: Publication,
        options: PublishOptions,
        skip_history: bool,
    ) -> BackendFuture<'a, StreamPosition>;

    /// The clients in a channel, in any order.
    fn presence<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, Vec<ClientInfo>>;

    /// How many are in a channel.
    fn presence_stats<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, PresenceStats>;

    /// The history of a channel. The backend sets the query's `meta_ttl`. Another epoch is error 112.
    fn history<'a>(&'a self, channel: &'a str, query: Query) -> BackendFuture<'a, Page>;

    /// Removes the history of a channel.
    fn remove_history<'a>(&'a self, channel: &'a str) -> BackendFuture<'a, ()>;

    /// The channels of all nodes that have subscribers, with their numbers; all of them without a pattern.
    fn channels<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
    ) -> BackendFuture<'a, BTreeMap<String, u32>>;

    /// A page of these channels, in the order of their names. A cursor that is none is 107.
    fn channels_in_pages<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(String, u32)>>;

    /// A page of the connections of all nodes, in an order that does not change. A cursor that is none, or of a node
    /// that is gone, is 107.
    fn connections(
        &self,
        filter: ConnectionFilter,
        page: PageRequest,
    ) -> BackendFuture<'_, Listing<Connection>>;

    /// A page of the users that are connected, in the order of their ids, and how many connections each has. A cursor
    /// that is none is 107.
    fn users<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(UserId, u32)>>;

    /// The nodes that are running.
    fn info(&self) -> BackendFuture<'_, Vec<NodeInfo>>;

    /// Ends connections.
    fn disconnect(&self, addressees: Addressees, disconnect: Disconnect) -> BackendFuture<'_, ()>;

    /// Ends subscriptions with code 2000; `None` means all of them.
    fn unsubscribe<'a>(
        &'a self,
        addressees: Addressees,
        channel: Option<&'a str>,
    ) -> BackendFuture<'a, ()>;

    /// Begins server-side subscriptions, or replaces them.
    fn subscribe<'a>(
        &'a self,
        addressees: Addressees,
        channel: &'a str,
        options: SubscriptionOptions,
        recover_since: Option<StreamPosition>,
    ) -> BackendFuture<'a, ()>;

    /// Changes when connections end.
    fn refresh(&self, addressees: Addressees, refresh: Refresh) -> BackendFuture<'_, ()>;

    /// Calls an extension of the server. There are none by default: 104.
    fn rpc<'a>(
        &'a self,
        method: &'a str,
        params: Option<Payload>,
    ) -> BackendFuture<'a, Option<Payload>> {
        let _ = params;
        let why = format!("there is no method {method:?}");
        Box::pin(async { Err(CommandError::because(ErrorCode::METHOD_NOT_FOUND, why)) })
    }

    /// Whether the server is going down: new calls are answered with 503.
    fn is_closing(&self) -> bool {
        false
    }

    /// Observes each finished command, and for a broadcast also the error of each channel, as `broadcast_publish`.
    /// For metrics.
    fn observe(&self, command: Observed) {
        let _ = command;
    }
}

/// The addressees of an order: all connections of a user, or some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// The user; the empty id is an anonymous user.
    pub user: UserId,
    /// Only this connection of the user's.
    pub client: Option<ClientId>,
    /// Only the connection with this emulated or unidirectional session; empty for any.
    pub session: String,
    /// Not these connections.
    pub except: Vec<ClientId>,
}

/// How connections' time changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// Whether it is over now.
    pub expired: bool,
    /// When it is over, in seconds of Unix time; `None` for never.
    pub expire_at: Option<i64>,
    /// The new information about the user for other clients; `None` keeps it.
    pub info: Option<Payload>,
}

/// One running node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInfo {
    /// Names this run of the node.
    pub uid: String,
    /// The node's name.
    pub name: String,
    /// The server's version.
    pub version: String,
    /// Connections.
    pub num_clients: u32,
    /// Distinct users.
    pub num_users: u32,
    /// Channels with subscribers.
    pub num_channels: u32,
    /// Subscriptions.
    pub num_subs: u32,
    /// Since the start.
    pub uptime: Duration,
    /// Counters of the last interval, if they are gathered.
    pub metrics: Option<NodeMetrics>,
}

/// The counters of a node in an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeMetrics {
    /// Length of the interval.
    pub interval: Duration,
    /// Values by name.
    pub items: BTreeMap<String, f64>,
}

/// A command that is done.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// The method's name, as in the URL.
    pub method: &'static str,
    /// How long it took.
    pub took: Duration,
    /// Why it was not carried out.
    pub error: Option<ErrorCode>,
}
