//! What lists are made of: connections, filters, pages.

use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::identity::{App, ClientId, UserId};

use crate::pattern::Pattern;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many at most: 1 to [`PageRequest::MAX_LIMIT`].
    pub limit: usize,
    /// Where to go on, as the page before said; empty for the beginning.
    pub cursor: String,
}

impl PageRequest {
    /// As many as are given to somebody who does not say how many.
    pub const DEFAULT_LIMIT: usize = 100;
    /// Never more than this, whatever is asked for.
    pub const MAX_LIMIT: usize = 1000;

    /// A page of `limit`; 0 is the default, and too many are the most.
    #[must_use]
    pub fn new(limit: usize, cursor: String) -> Self {
        let limit = match limit {
            0 => Self::DEFAULT_LIMIT,
            limit => limit.min(Self::MAX_LIMIT),
        };
        Self { limit, cursor }
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// What is listed, in order. May be fewer than asked for, or none, where the filter lets little through.
    pub items: Vec<T>,
    /// Where to go on; empty at the end.
    pub cursor: String,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            cursor: String::new(),
        }
    }
}

/// Which connections are wanted: those of which all holds that is said here.
#[derive(Clone, Debug, Default)]
pub struct ConnectionFilter {
    /// It is this user's.
    pub user: Option<UserId>,
    /// It is subscribed to this channel.
    pub channel: Option<Channel>,
    /// It is subscribed to a channel that matches.
    pub pattern: Option<Pattern>,
    /// It came by this transport.
    pub transport: Option<String>,
    /// It speaks this protocol.
    pub protocol: Option<String>,
    /// It connected then or later, in milliseconds of Unix time.
    pub connected_after_ms: Option<i64>,
    /// It connected before then, in milliseconds of Unix time.
    pub connected_before_ms: Option<i64>,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub client: ClientId,
    /// Whose it is; may be anonymous.
    pub user: UserId,
    /// What the client says it is.
    pub app: Option<Arc<App>>,
    /// How it came: `websocket`.
    pub transport: &'static str,
    /// What it speaks: `json`, `protobuf` or `plain`.
    pub protocol: &'static str,
    /// When it connected, in milliseconds of Unix time.
    pub connected_at_ms: i64,
    /// From its last ping to the pong; `None` before the first.
    pub latency: Option<Duration>,
    /// Its channels, and for each who wanted that, as the server API numbers it.
    pub channels: Vec<(Channel, u32)>,
}

/// The answer to a cursor that this method did not give.
#[must_use]
pub fn bad_cursor(why: &'static str) -> CommandError {
    CommandError {
        message: format!("bad request: `cursor` {why}").into(),
        ..CommandError::because(ErrorCode::BAD_REQUEST, why)
    }
}
