//! One connection of a worker: how it was opened, and what is kept for it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use veche_protocol::batch::Encoding;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::headers::Headers;
use veche_protocol::identity::{App, UserId};
use veche_session::plain::Translator;
use veche_session::profile::{Direction, Profile};
use veche_session::session::Session;
use veche_session::turn::Turn;
use veche_websocket::decoder::Decoder;

use crate::asked::Asked;
use crate::format::{Dialect, Format};
use crate::framing::Framing;
use crate::gate::Pass;
use crate::hub::Attachments;
use crate::listener::Role;
use crate::pending_input::PendingInput;

/// How a client is to be spoken with, decided by the door through which it came.
#[derive(Debug)]
pub struct Opening {
    /// Sent first, as it is: the answer to the upgrade.
    pub answer: Vec<u8>,
    /// What is spoken.
    pub conversation: Conversation,
    /// How it is spoken.
    pub profile: Profile,
    /// The form of what the server sends.
    pub framing: Framing,
    /// Whether the client may compress its WebSocket messages.
    pub inflate: bool,
    /// The client's first message, where it came with the request.
    pub first: Option<Bytes>,
    /// The user, where a proxy before the server has found out who it is: no token is needed.
    pub user: Option<UserId>,
    /// Headers of the request that are kept for the application.
    pub headers: Option<Headers>,
    /// Kept until the conversation ends.
    pub pass: Option<Pass>,
}

/// What is spoken.
#[derive(Debug)]
pub enum Conversation {
    /// A Centrifuge dialect.
    Centrifuge {
        /// How it is spelled.
        encoding: Encoding,
    },
    /// The plain dialect.
    Plain {
        /// The token that came with the request.
        token: Option<String>,
    },
    /// Every message comes back as it came.
    Echo,
    /// The client is told why not, in the plain dialect, and let go.
    Refused {
        /// A sentence that says what to change.
        why: String,
        /// How the connection ends.
        disconnect: Disconnect,
    },
}

impl Opening {
    /// A client who comes by WebSocket, without compression and known to nobody.
    #[must_use]
    pub fn websocket(conversation: Conversation) -> Self {
        let profile = match conversation {
            Conversation::Plain { .. } => Profile::WEBSOCKET_FRAME_PING,
            _ => Profile::WEBSOCKET,
        };
        Self {
            answer: Vec::new(),
            conversation,
            profile,
            framing: Framing::WebSocket,
            inflate: false,
            first: None,
            user: None,
            headers: None,
            pass: None,
        }
    }

    /// The same client, pinged by frames of WebSocket.
    #[must_use]
    pub fn pinged_by_frames(self) -> Self {
        Self {
            profile: Profile::WEBSOCKET_FRAME_PING,
            ..self
        }
    }

    /// The same client, where both sides may compress.
    #[must_use]
    pub fn compressed(self) -> Self {
        Self {
            framing: Framing::CompressedWebSocket,
            inflate: true,
            ..self
        }
    }
}

/// What a worker keeps for a connection, apart from its outbox.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) generation: u32,
    /// The wheel's tick at which this connection stands; another entry is stale.
    pub(crate) tick: Option<u64>,
    pub(crate) attachments: Attachments,
    /// Its index among its user's connections, once it is connected.
    pub(crate) index_of_user: Option<u32>,
    /// The client sends no more; what it has sent is still to be read, and then the end.
    pub(crate) hung_up: bool,
    /// It is in the worker's list of those to be gone on with, and read, in the next turn: its socket may hold more than
    /// was read, or something that it has sent waits.
    pub(crate) has_more: bool,
    pub(crate) stage: Stage,
}

/// How far a connection has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// The head of the first request is coming.
    Head(Box<Head>),
    /// The conversation.
    Open(Box<Open>),
    /// The conversation is being driven right now.
    Busy,
    /// The end was said; what was owed is written, and the client's own end is awaited.
    Closing(Box<Closing>),
}

/// The beginning of an HTTP request.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) received: Vec<u8>,
    pub(crate) deadline: Duration,
    /// Of the listener by which the client came.
    pub(crate) role: Role,
}

/// A conversation.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) talk: Talk,
    /// Finds messages in what comes by the socket; absent where they come by other requests.
    pub(crate) decoder: Option<Decoder>,
    pub(crate) framing: Framing,
    /// Readable, but not read while too much waits.
    pub(crate) paused: bool,
    /// What the client has sent and is not carried out yet.
    pub(crate) pending: Option<Box<PendingInput>>,
    /// What the client says it is.
    pub(crate) app: Option<Arc<App>>,
    /// When it was connected, in milliseconds of Unix time; 0 before.
    pub(crate) connected_ms: i64,
    pub(crate) _pass: Option<Pass>,
}

/// Who answers.
#[derive(Debug)]
pub(crate) enum Talk {
    /// A session, in a Centrifuge dialect.
    Centrifuge {
        session: Session,
        encoding: Encoding,
    },
    /// A session behind the plain dialect's translator.
    Plain {
        session: Session,
        translator: Box<Translator>,
        asked: Box<Asked>,
    },
    /// Nobody.
    Echo,
}

/// The end of a connection.
#[derive(Debug)]
pub(crate) struct Closing {
    /// Finds the client's close frame; absent where no WebSocket was spoken.
    pub(crate) decoder: Option<Decoder>,
    /// The client has said the end, too.
    pub(crate) peer_closed: bool,
    /// Everything owed is written.
    pub(crate) drained: bool,
    /// No more is sent after what is owed, at once.
    pub(crate) finish: bool,
    pub(crate) deadline: Duration,
}

impl Connection {
    /// When the connection must be looked at.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Head(head) => Some(head.deadline),
            Stage::Open(open) => open.talk.session().and_then(Session::poll_timeout),
            Stage::Busy => None,
            Stage::Closing(closing) => Some(closing.deadline),
        }
    }
}

impl Open {
    /// How the client reads.
    pub(crate) fn format(&self) -> Format {
        let dialect = match &self.talk {
            Talk::Centrifuge { session, encoding } => match session.profile().direction {
                Direction::Unidirectional => Dialect::OneWay(*encoding),
                Direction::Bidirectional | Direction::Emulated => Dialect::Centrifuge(*encoding),
            },
            Talk::Echo => Dialect::Centrifuge(Encoding::Json),
            Talk::Plain { .. } => Dialect::Plain,
        };
        Format {
            dialect,
            framing: self.framing,
        }
    }
}

impl Talk {
    /// Whether the next command may be handed over. While it may not, an answer is on its way.
    pub(crate) fn can_take(&self, turn: &Turn<'_>) -> bool {
        match self {
            Self::Centrifuge { session, .. } => session.accepts_command(turn),
            Self::Plain {
                session,
                translator,
                asked,
            } => asked.is_done() && translator.accepts_frame() && session.accepts_command(turn),
            Self::Echo => true,
        }
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        match self {
            Self::Centrifuge { session, .. } | Self::Plain { session, .. } => Some(session),
            Self::Echo => None,
        }
    }

    pub(crate) fn session_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Centrifuge { session, .. } | Self::Plain { session, .. } => Some(session),
            Self::Echo => None,
        }
    }
}
