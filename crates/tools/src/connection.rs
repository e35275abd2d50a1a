//! What every command is told about its connection.

use std::time::Duration;

use crate::address::{Address, Transport};
use crate::token::Token;

/// How a command connects.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Where to.
    pub address: Address,
    /// What is spoken there.
    pub dialect: Dialect,
    /// Who the client is.
    pub token: Token,
    /// How long an answer may take, the wait for a connection included.
    pub timeout: Duration,
}

/// What is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The Centrifuge protocol, by the official SDK.
    Centrifuge {
        /// Protobuf instead of JSON.
        is_protobuf: bool,
        /// How bytes travel.
        transport: Transport,
    },
    /// The plain dialect, by `veche-client`.
    Plain {
        /// A name without proof, where the server takes one.
        user: Option<String>,
    },
}

impl Dialect {
    /// Where a server has it, unless it was configured otherwise.
    #[must_use]
    pub fn default_path(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "/connection/plain",
            Self::Centrifuge {
                transport: Transport::WebSocket,
                ..
            } => "/connection/websocket",
            Self::Centrifuge {
                transport: Transport::HttpStream,
                ..
            } => "/connection/http_stream",
        }
    }

    /// How bytes travel.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self {
            Self::Plain { .. } => Transport::WebSocket,
            Self::Centrifuge { transport, .. } => *transport,
        }
    }
}
