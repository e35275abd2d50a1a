//! Commands of a client.
//!
//! Source: client protocol, `Command` and its requests.

use crate::filter::FilterNode;
use crate::payload::Payload;
use crate::position::StreamPosition;

/// One command of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Chosen by the client and repeated in the reply; 0 only for `send` and for a pong.
    pub id: u32,
    /// The operation.
    pub verb: Verb,
}

impl Command {
    /// Whether this is the answer to a ping: id 0, and anything but `send`.
    #[must_use]
    pub fn is_pong(&self) -> bool {
        self.id == 0 && !matches!(self.verb, Verb::Send(_))
    }
}

/// The operation of a command. If a command has several, the first in this order counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Begins the conversation.
    Connect(Box<Connect>),
    /// Declared in the schema, refused by servers. It is seen only beside another verb, which it hides.
    Ping,
    /// Asks for a channel.
    Subscribe(Box<Subscribe>),
    /// Gives a channel back.
    Unsubscribe(Unsubscribe),
    /// Puts data into a channel.
    Publish(Box<Publish>),
    /// Asks for the clients in a channel.
    Presence(Presence),
    /// Asks how many are in a channel.
    PresenceStats(Presence),
    /// Asks for past publications.
    History(History),
    /// Calls the backend.
    Rpc(Rpc),
    /// Sends data to the backend; there is no reply.
    Send(Send),
    /// Renews the connection token.
    Refresh(Refresh),
    /// Renews a subscription token.
    SubRefresh(Box<SubRefresh>),
    /// Nothing: a pong.
    Empty,
}

impl Verb {
    /// The command's name in the schema; `pong` for nothing.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Ping => "ping",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Publish(_) => "publish",
            Self::Presence(_) => "presence",
            Self::PresenceStats(_) => "presence_stats",
            Self::History(_) => "history",
            Self::Rpc(_) => "rpc",
            Self::Send(_) => "send",
            Self::Refresh(_) => "refresh",
            Self::SubRefresh(_) => "sub_refresh",
            Self::Empty => "pong",
        }
    }
}

/// Begins the conversation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connect {
    /// A JWT, or empty.
    pub token: String,
    /// For the connect proxy.
    pub data: Option<Payload>,
    /// Server-side subscriptions the client had, or wants, by channel.
    pub subs: Vec<(String, Subscribe)>,
    /// The client library.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Emulated HTTP headers.
    pub headers: Vec<(String, String)>,
    /// Bit 0: dictionary compression.
    pub flag: i64,
    /// A user id without proof, where the rules allow it; only the plain dialect can set it.
    pub name_login: Option<String>,
    /// Where nobody knows the client, it is refused by error 101 and may log in later; only the plain dialect can set
    /// it.
    pub may_log_in: bool,
}

/// Asks for a channel. In [`Connect::subs`] the channel is the map's key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribe {
    /// The channel.
    pub channel: String,
    /// A JWT, or empty.
    pub token: String,
    /// Whether publications missed since `since` are wanted.
    pub recover: bool,
    /// The client's position.
    pub since: StreamPosition,
    /// For the subscribe proxy.
    pub data: Option<Payload>,
    /// Wants the position watched.
    pub positioned: bool,
    /// Wants recovery after a disconnect.
    pub recoverable: bool,
    /// Wants to see others join and leave.
    pub join_leave: bool,
    /// `fossil`, or empty.
    pub delta: String,
    /// Which publications are wanted.
    pub filter: Option<Box<FilterNode>>,
    /// Bit 0: channel compaction; bit 1: refuse an unrecoverable position with error 112.
    pub flag: i64,
    /// 0 stream, 1 map, 2 map of clients, 3 map of users, 4 shared poll.
    pub kind: i32,
    /// 0 live, 1 stream, 2 state.
    pub phase: i32,
    /// Page of a map's state.
    pub cursor: String,
    /// Size of a page.
    pub limit: i32,
    /// Order of an ordered map.
    pub asc: bool,
    /// Event names that are wanted; empty for all. Only the plain dialect can set it; together with `filter` both
    /// must be met.
    pub events: Vec<String>,
}

impl Subscribe {
    /// Bit of `flag`: the client understands numeric channel ids.
    pub const FLAG_COMPACTION: i64 = 1;
    /// Bit of `flag`: an unrecoverable position is error 112.
    pub const FLAG_REJECT_UNRECOVERED: i64 = 2;
}

/// Gives a channel back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The channel.
    pub channel: String,
}

/// Puts data into a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publish {
    /// The channel.
    pub channel: String,
    /// The data; absent or empty is refused.
    pub data: Option<Payload>,
    /// 0 stream, 1 map.
    pub kind: i32,
    /// Key of a map.
    pub key: String,
    /// Whether the key is removed.
    pub removed: bool,
    /// Tags; only the plain dialect can set them (its event name is the tag `event`).
    pub tags: Vec<(String, String)>,
    /// Makes a repeated publish the same publication; only the plain dialect can set it.
    pub idempotency_key: String,
}

/// Asks for the clients in a channel, or for their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// The channel.
    pub channel: String,
}

/// Asks for past publications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The channel.
    pub channel: String,
    /// At most so many; 0 asks for the position only, negative means no limit of the client's.
    pub limit: i32,
    /// Begins after this position (before it, in reverse).
    pub since: Option<StreamPosition>,
    /// Newest first.
    pub reverse: bool,
}

/// Calls the backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rpc {
    /// Arguments.
    pub data: Option<Payload>,
    /// Name of the method.
    pub method: String,
}

/// Sends data to the backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Send {
    /// The data.
    pub data: Option<Payload>,
}

/// Renews the connection token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// The new JWT.
    pub token: String,
}

/// Renews a subscription token, or tracks keys of a shared poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubRefresh {
    /// The channel.
    pub channel: String,
    /// The new JWT.
    pub token: String,
    /// 0 refresh, 1 track, 2 untrack.
    pub kind: i32,
    /// Keys to track, in batches signed by the backend.
    pub track: Vec<TrackBatch>,
    /// Keys to forget.
    pub untrack: Vec<String>,
}

/// Keys that the backend allows a client to track.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackBatch {
    /// `iat:exp:hex`.
    pub signature: String,
    /// Keys and the versions the client has.
    pub items: Vec<(String, u64)>,
}
