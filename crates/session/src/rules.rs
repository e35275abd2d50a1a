//! The rules in force: an immutable snapshot of what the configuration says about clients and channels.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::publication::Retention;

use crate::application::ProxyName;

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// About clients.
    pub client: ClientRules,
    /// About channels.
    pub channel: ChannelRules,
    /// About calls of the application.
    pub rpc: RpcRules,
}

/// Rules about clients (configuration section `client`).
#[derive(Clone, Debug)]
pub struct ClientRules {
    /// The server's name and version, as `connect` is answered.
    pub version: Arc<str>,
    /// Allows everything, and nothing expires; tokens are still checked.
    pub insecure: bool,
    /// Clients may connect without a token.
    pub allow_anonymous_connect_without_token: bool,
    /// The application is asked who a client without a token is (`client.proxy.connect.enabled`).
    pub connect_proxy: bool,
    /// The application is asked whether a connection goes on whose time has run out (`client.proxy.refresh.enabled`):
    /// its client is not told the time, and brings no tokens.
    pub refresh_proxy: bool,
    /// Tokens without a user are refused with 3507.
    pub disallow_anonymous_connection_tokens: bool,
    /// Names of the headers in `connect` that are kept for the application, in any case.
    pub emulated_headers: Arc<[Box<str>]>,
    /// Clients of the plain dialect may log in by name alone.
    pub allow_name_login: bool,
    /// Clients are told why they are refused, not by code alone. For development.
    pub explain_errors: bool,
    /// Between pings; `None` for no pings.
    pub ping_interval: Option<Duration>,
    /// From a ping to its pong; shorter than the interval. `None` waits for no pong.
    pub pong_timeout: Option<Duration>,
    /// From the upgrade to `connect`.
    pub stale_close_delay: Duration,
    /// From the expiry of a connection to its end.
    pub expired_close_delay: Duration,
    /// From the expiry of a subscription to its end.
    pub expired_sub_close_delay: Duration,
    /// The interval between refreshes of presence and checks for expired subscriptions; zero for the default, 27 s. How
    /// long presence lasts without a refresh is decided by the node.
    pub presence_update_interval: Duration,
    /// The interval in which each watched channel is compared with its stream once; zero for never.
    pub position_check_delay: Duration,
    /// For subscribers whose position is watched, older publications count as lost; zero for no limit.
    pub position_max_time_lag: Duration,
    /// Subscriptions of one connection.
    pub channel_limit: usize,
    /// Connections of one user on this node; 0 for no limit.
    pub user_connection_limit: usize,
    /// Users are subscribed to channels of their own.
    pub personal_channel: Option<PersonalChannel>,
    /// Commands of one connection in progress; at least 1.
    pub concurrency: usize,
    /// `connect` is answered with the server's time.
    pub connect_include_server_time: bool,
    /// Publications in one answer to `history`.
    pub history_max_publication_limit: usize,
    /// Publications recovered with one subscription.
    pub recovery_max_publication_limit: usize,
}

/// Rules about calls (configuration section `rpc`). Methods have namespaces as channels do.
#[derive(Clone, Debug)]
pub struct RpcRules {
    /// The method that the server itself answers, with nothing.
    pub ping: Option<Box<str>>,
    /// Ends the namespace.
    pub namespace_boundary: String,
    /// The proxy that answers methods without namespace.
    pub without_namespace: Option<ProxyName>,
    /// The proxies that answer methods, by namespace.
    pub namespaces: HashMap<Box<str>, ProxyName>,
}

/// Channels of users' own (`client.subscribe_to_user_personal_channel`).
#[derive(Clone, Debug)]
pub struct PersonalChannel {
    /// The part of the name before the user: the namespace and the boundary of users.
    pub prefix: String,
    /// A new connection closes the user's other connections; the namespace keeps presence.
    pub single_connection: bool,
}

/// Rules about channels (configuration section `channel`).
#[derive(Clone, Debug)]
pub struct ChannelRules {
    /// Bytes of a name that a client may subscribe to.
    pub max_length: usize,
    /// Channels that begin with it need a subscription token. Empty: none do.
    pub private_prefix: String,
    /// Ends the namespace.
    pub namespace_boundary: String,
    /// Begins the users of a user-limited channel.
    pub user_boundary: String,
    /// Separates those users.
    pub user_separator: String,
    /// Options of channels without namespace.
    pub without_namespace: Arc<ChannelOptions>,
    /// Options by namespace.
    pub namespaces: HashMap<Box<str>, Arc<ChannelOptions>>,
}

/// Options of a channel (configuration sections `channel.without_namespace` and `channel.namespaces`).
#[derive(Clone, Debug, Default)]
pub struct ChannelOptions {
    /// The namespace's name, for what errors say; empty without namespace.
    pub namespace: Box<str>,
    /// Keeps presence.
    pub presence: bool,
    /// Sends joins and leaves to subscribers that ask for them.
    pub join_leave: bool,
    /// Sends joins and leaves to every subscriber, even to those that did not ask for them.
    pub force_push_join_leave: bool,
    /// Keeps a history of publications.
    pub retention: Option<Retention>,
    /// How long epoch and offset are kept.
    pub history_meta_ttl: Duration,
    /// Watches the position of every subscriber.
    pub force_positioning: bool,
    /// Watches the position of subscribers that ask for it.
    pub allow_positioning: bool,
    /// Lets every subscriber recover.
    pub force_recovery: bool,
    /// Lets subscribers recover that ask for it.
    pub allow_recovery: bool,
    /// What a recovering subscriber receives.
    pub recovery_mode: RecoveryMode,
    /// In cache mode, sends the latest publication to every subscriber, even to those that did not ask to recover.
    pub auto_cache_recover: bool,
    /// Clients with a user may subscribe.
    pub allow_subscribe_for_client: bool,
    /// Clients without a user may subscribe.
    pub allow_subscribe_for_anonymous: bool,
    /// Clients may publish.
    pub allow_publish_for_client: bool,
    /// Subscribers may publish.
    pub allow_publish_for_subscriber: bool,
    /// The above holds for clients without a user too.
    pub allow_publish_for_anonymous: bool,
    /// Clients may ask who is there.
    pub allow_presence_for_client: bool,
    /// Subscribers may ask who is there.
    pub allow_presence_for_subscriber: bool,
    /// The above holds for clients without a user too.
    pub allow_presence_for_anonymous: bool,
    /// Clients may read history.
    pub allow_history_for_client: bool,
    /// Subscribers may read history.
    pub allow_history_for_subscriber: bool,
    /// The above holds for clients without a user too.
    pub allow_history_for_anonymous: bool,
    /// The proxy that is asked whether clients may subscribe (`subscribe_proxy_enabled`, `subscribe_proxy_name`).
    pub subscribe_proxy: Option<ProxyName>,
    /// The proxy that is asked whether clients may publish, and what (`publish_proxy_enabled`, `publish_proxy_name`).
    pub publish_proxy: Option<ProxyName>,
    /// The proxy that is asked whether a subscription goes on whose time has run out (`sub_refresh_proxy_enabled`,
    /// `sub_refresh_proxy_name`): its client is not told the time, and brings no tokens.
    pub sub_refresh_proxy: Option<ProxyName>,
    /// `name#user1,user2` is for those users alone.
    pub allow_user_limited_channels: bool,
    /// What follows the namespace must match; replaces the check for ASCII.
    pub channel_regex: Option<ChannelPattern>,
    /// What data publishers may send.
    pub data_format: DataFormat,
    /// Subscribers may filter by tags.
    pub allow_tags_filter: bool,
    /// Subscribers whose position is watched may take Fossil deltas.
    pub allow_fossil_delta: bool,
    /// Deltas are made of all publications.
    pub delta_publish: bool,
    /// Subscribers may have a number in the place of the channel's name.
    pub allow_channel_compaction: bool,
}

/// What a recovering subscriber receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecoveryMode {
    /// All missed publications.
    #[default]
    Stream,
    /// The latest publication.
    Cache,
}

/// What data publishers may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// Anything.
    #[default]
    Any,
    /// One JSON value.
    Json,
    /// One JSON object.
    JsonObject,
    /// Bytes.
    Binary,
}

/// A compiled `channel_regex`: whether it matches, as a function that the configuration supplies.
#[derive(Clone)]
pub struct ChannelPattern {
    /// The text of the expression.
    pub text: Box<str>,
    /// Whether a name matches.
    pub is_match: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl std::fmt::Debug for ChannelPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}/", self.text)
    }
}

impl ClientRules {
    /// Between two ticks that refresh presence and end expired subscriptions; never zero.
    #[must_use]
    pub(crate) fn tick(&self) -> Duration {
        if self.presence_update_interval.is_zero() {
            PRESENCE_UPDATE_INTERVAL
        } else {
            self.presence_update_interval
        }
    }
}

/// Source: `client.presence_update_interval` of Centrifugo.
const PRESENCE_UPDATE_INTERVAL: Duration = Duration::from_secs(27);

impl Default for ClientRules {
    fn default() -> Self {
        Self {
            version: Arc::from("0.0.0"),
            insecure: false,
            allow_anonymous_connect_without_token: false,
            connect_proxy: false,
            refresh_proxy: false,
            disallow_anonymous_connection_tokens: false,
            emulated_headers: Arc::default(),
            allow_name_login: false,
            explain_errors: false,
            ping_interval: Some(Duration::from_secs(25)),
            pong_timeout: Some(Duration::from_secs(8)),
            stale_close_delay: Duration::from_secs(10),
            expired_close_delay: Duration::from_secs(25),
            expired_sub_close_delay: Duration::from_secs(25),
            presence_update_interval: PRESENCE_UPDATE_INTERVAL,
            position_check_delay: Duration::from_secs(40),
            position_max_time_lag: Duration::ZERO,
            channel_limit: 128,
            user_connection_limit: 0,
            personal_channel: None,
            concurrency: 1,
            connect_include_server_time: false,
            history_max_publication_limit: 300,
            recovery_max_publication_limit: 300,
        }
    }
}

impl Default for RpcRules {
    fn default() -> Self {
        Self {
            ping: None,
            namespace_boundary: ":".into(),
            without_namespace: None,
            namespaces: HashMap::new(),
        }
    }
}

impl Default for ChannelRules {
    fn default() -> Self {
        Self {
            max_length: 255,
            private_prefix: "$".into(),
            namespace_boundary: ":".into(),
            user_boundary: "#".into(),
            user_separator: ",".into(),
            without_namespace: Arc::default(),
            namespaces: HashMap::new(),
        }
    }
}
