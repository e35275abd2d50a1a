//! Replies to a client.
//!
//! Source: client protocol, `Reply` and its results.

use std::sync::Arc;

use crate::channel::Channel;
use crate::error_code::CommandError;
use crate::history;
use crate::identity::{ClientId, ClientInfo};
use crate::payload::Payload;
use crate::position::{Epoch, Offset, StreamPosition};
use crate::publication::Publication;

/// The answer to one command.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The command's id.
    pub id: u32,
    /// The answer.
    pub body: Body,
}

impl Reply {
    /// An answer to command `id`.
    #[must_use]
    pub fn new(id: u32, body: Body) -> Self {
        Self { id, body }
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The command was not carried out.
    Error(Box<CommandError>),
    /// Connected.
    Connect(Box<Connect>),
    /// Subscribed.
    Subscribe(Box<Subscribe>),
    /// Not subscribed any more.
    Unsubscribe,
    /// Published. The Centrifuge dialects leave the position out.
    Publish(Option<StreamPosition>),
    /// The clients in the channel.
    Presence(Vec<ClientInfo>),
    /// How many are there.
    PresenceStats(PresenceStats),
    /// The data.
    History(history::Page),
    /// The answer of the backend.
    Rpc(Option<Payload>),
    /// The connection lives on.
    Refresh(Expiry),
    /// The subscription lives on.
    SubRefresh(Expiry),
}

/// When the client must renew its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// After so many seconds.
    In {
        /// Seconds from now, at most 365 days.
        ttl_secs: u32,
    },
}

/// Connected.
#[derive(Clone, Debug, PartialEq)]
pub struct Connect {
    /// The connection's id.
    pub client: ClientId,
    /// The user; only the plain dialect encodes it.
    pub user: crate::identity::UserId,
    /// The server's version.
    pub version: Arc<str>,
    /// When the client must renew its token.
    pub expiry: Expiry,
    /// From the connect proxy.
    pub data: Option<Payload>,
    /// Server-side subscriptions, by channel.
    pub subs: Vec<(Channel, Subscribe)>,
    /// Seconds between the server's pings; 0 means none.
    pub ping_secs: u32,
    /// Whether the client must answer pings.
    pub pong: bool,
    /// Names the session towards `/emulation`.
    pub session: String,
    /// Names the node towards `/emulation`.
    pub node: String,
    /// The server's time in milliseconds of Unix time; 0 to omit it.
    pub time_ms: i64,
}

/// Subscribed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribe {
    /// When the client must renew its subscription token.
    pub expiry: Expiry,
    /// Whether the client may recover after a disconnect.
    pub recoverable: bool,
    /// The stream's epoch.
    pub epoch: Epoch,
    /// The missed publications.
    pub publications: Vec<Arc<Publication>>,
    /// Whether everything missed is in `publications`.
    pub recovered: bool,
    /// The client's position. After a recovery, its own offset, which the publications advance.
    pub offset: Offset,
    /// Whether the position is watched.
    pub positioned: bool,
    /// From the subscribe proxy.
    pub data: Option<Payload>,
    /// Whether recovery was tried.
    pub was_recovering: bool,
    /// Whether pushes may be deltas.
    pub delta: bool,
    /// Numeric channel id; 0 if names are used.
    pub id: i64,
}

/// How many are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresenceStats {
    /// Connections.
    pub num_clients: u32,
    /// Distinct users.
    pub num_users: u32,
}
