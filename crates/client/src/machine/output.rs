//! What a machine asks for, and what it tells.

use bytes::Bytes;

use crate::data::Data;
use crate::position::Position;
use crate::publication::{ClientInfo, Publication};
use crate::state::{PublishError, RequestError, State, SubscriptionEnd};

/// One attempt at a connection, and the connection that came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) u64);

/// A declared subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(crate) u64);

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// A publication in the outbox. Later ones have higher numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicationId(pub u64);

/// A token that the application is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub(crate) u64);

/// Something that whoever drives the machine has to do.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Make a connection, and tell the machine what became of it. A connection that was made before
    /// is closed already.
    Connect(LinkId),
    /// Send a frame.
    Send(LinkId, Frame),
    /// Close the connection, or give up making it. Nothing more is to be told about it.
    Close {
        /// Which one.
        link: LinkId,
        /// The close code.
        code: u16,
        /// The reason.
        reason: &'static str,
    },
    /// Ask the application for a token.
    AskToken {
        /// What [`super::Machine::handle_token`] is to be told.
        id: TokenId,
        /// What for, and why.
        request: TokenRequest,
    },
    /// Store a change of the outbox, in the order of these outputs.
    Store(Change),
    /// Tell the application.
    Event(Event),
}

/// A frame to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One action.
    Text(String),
    /// The data that the action before it has announced.
    Binary(Bytes),
}

/// What the application is told.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "most events are publications, and a box for each costs more than a move"
)]
pub enum Event {
    /// The client stands elsewhere.
    State(State),
    /// Something came out of a subscription.
    Subscription(SubscriptionId, SubscriptionEvent),
    /// A request is done.
    Answer(RequestId, Result<Answer, RequestError>),
    /// A publication is in the outbox, and stored if it is to be.
    Queued(PublicationId),
    /// A publication has left the outbox: the server took it and said where it stands, or it failed.
    Published(Box<Stored>, Result<Option<Position>, PublishError>),
    /// Data of the server's that belongs to no channel.
    Message(Data),
}

/// What comes out of a subscription.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SubscriptionEvent {
    /// It stands, for the first time or again.
    Subscribed {
        /// What became of the publications that came meanwhile.
        recovery: Recovery,
        /// Where the channel stands; `None` if it keeps no history.
        position: Option<Position>,
        /// Who is there, if that was asked for.
        clients: Option<Vec<ClientInfo>>,
    },
    /// Something was published.
    Publication(Publication),
    /// Somebody came.
    Join(ClientInfo),
    /// Somebody went.
    Leave(ClientInfo),
    /// The connection is lost, or the reader too slow; the subscription comes back by itself.
    Interrupted,
    /// A part of the subscription was refused, as its history; the rest stands.
    Refused {
        /// Which part: `history` or `presence`.
        action: String,
        /// Why.
        refusal: crate::ActionError,
    },
    /// It has ended, and nothing more comes.
    Ended(SubscriptionEnd),
}

/// What became of the publications that came while a subscription did not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// It begins here; nothing came before.
    Fresh,
    /// They follow, all of them, in order.
    Resumed,
    /// Some may be lost: the server has no history that reaches back far enough, or a new one. Load
    /// your state anew.
    Lost,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Of a channel's past.
    History {
        /// In the order that was asked for.
        publications: Vec<Publication>,
        /// The top of the history.
        position: Option<Position>,
    },
    /// Who is in a channel.
    Presence(Vec<ClientInfo>),
    /// How many are in a channel.
    PresenceStats {
        /// Connections.
        num_clients: u64,
        /// Users.
        num_users: u64,
    },
    /// What the backend answered.
    Call(Data),
}

/// What a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The channel that it is to open; `None` for the token of the connection.
    pub channel: Option<String>,
    /// Why it is asked for.
    pub reason: TokenReason,
}

/// Why a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenReason {
    /// There is none yet.
    First,
    /// The one that there is runs out soon, or has run out.
    Expired,
    /// The server refused the last one.
    Refused(crate::ActionError),
}

/// Why the application gives no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not now: it is asked again later.
    #[error("not now: {0}")]
    Later(String),
    /// Not at all: the client, or the subscription, ends.
    #[error("denied: {0}")]
    Denied(String),
}

/// A change of the stored outbox.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A publication was added.
    Added(Stored),
    /// It is about to be sent.
    Sent(PublicationId, Sent),
    /// It has left the outbox.
    Removed(PublicationId),
}

/// A publication as it is stored.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// Its number.
    pub id: PublicationId,
    /// Makes it the same publication whenever it is sent.
    pub key: String,
    /// Where it is published.
    pub channel: String,
    /// The event's name, unless it is the default.
    pub event: Option<String>,
    /// What is published.
    pub data: Data,
    /// When it was first sent, and by whom; `None` if it was not.
    pub sent: Option<Sent>,
}

/// When a publication was first sent, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// In milliseconds of Unix time.
    pub wall_ms: u64,
    /// Who sent it; `None` for an anonymous client, whose keys end with its connection.
    pub user: Option<String>,
}

impl SubscriptionEvent {
    /// What it counts for in a bounded buffer.
    pub(crate) fn weight(&self) -> usize {
        use crate::publication::OVERHEAD;
        match self {
            Self::Publication(publication) => publication.weight(),
            Self::Join(client) | Self::Leave(client) => client.weight(),
            Self::Subscribed { clients, .. } => {
                let clients = clients.iter().flatten().map(ClientInfo::weight);
                OVERHEAD + clients.sum::<usize>()
            }
            Self::Interrupted | Self::Refused { .. } | Self::Ended(_) => OVERHEAD,
        }
    }
}
