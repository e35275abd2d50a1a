//! Frames: what the server says, after it was read.

use crate::data::Data;
use crate::position::Position;
use crate::publication::{ClientInfo, Publication};

/// One text frame of the server.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Welcome(Welcome),
    /// An answer to the action with this id.
    Answer {
        id: u64,
        answer: Reply,
    },
    /// An action was not carried out; without an id a part of it was not.
    Refused {
        id: Option<u64>,
        action: Option<String>,
        channel: Option<String>,
        refusal: ActionError,
    },
    Publication {
        channel: String,
        publication: Publication,
        /// The data is the next binary frame, of this size; until then it is `null`.
        announced: Option<Announced>,
    },
    Join {
        channel: String,
        client: ClientInfo,
    },
    Leave {
        channel: String,
        client: ClientInfo,
    },
    /// The server made a subscription by itself.
    Subscribed {
        channel: String,
        position: Option<Position>,
    },
    /// The server ended a subscription.
    Unsubscribed {
        channel: String,
        code: u32,
        reason: String,
    },
    /// Data from the server that belongs to no channel.
    Message(Data),
    /// The last frame before the server closes.
    Disconnect {
        code: u16,
        reason: String,
    },
    /// Something that a newer server may say, and that this client does not know.
    Unknown,
}

/// The first frame.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Welcome {
    pub(crate) client: String,
    pub(crate) user: Option<String>,
    /// Seconds of silence before the server pings; 0 for never.
    pub(crate) ping_secs: u32,
    /// Milliseconds to wait before connecting again: at first, and at most.
    pub(crate) retry_ms: Option<(u64, u64)>,
}

/// A binary frame that follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) size: usize,
    pub(crate) media_type: Option<String>,
}

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    Login {
        user: Option<String>,
        ttl_secs: Option<u64>,
    },
    Subscribed {
        position: Option<Position>,
        recovered: bool,
        clients: Option<Vec<ClientInfo>>,
    },
    Unsubscribed,
    Published {
        position: Option<Position>,
    },
    History {
        publications: Vec<Publication>,
        position: Option<Position>,
    },
    Presence {
        clients: Vec<ClientInfo>,
    },
    PresenceStats {
        num_clients: u64,
        num_users: u64,
    },
    Call(Data),
    Pong,
}

/// Why the server did not carry out an action: a code of the dialect, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct ActionError {
    /// The dialect's error code, such as 103 for "not allowed".
    pub code: u32,
    /// What to change.
    pub message: String,
}

impl ActionError {
    /// Whether the same action may be carried out later: the server failed (100), or it was too
    /// much at once (111).
    pub fn is_temporary(&self) -> bool {
        matches!(self.code, 100 | 111)
    }

    /// The token, or the time that it gave, has run out.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self.code, 109 | 110)
    }
}
