//! Actions: the requests of a client of the plain dialect.

use std::borrow::Cow;

use crate::filter::FilterNode;
use crate::payload::Payload;
use crate::position::StreamPosition;

mod decode;
mod fields;

pub use decode::{Rejected, decode_action};

/// Commands of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The fields that the answer repeats.
    pub asked: RequestEcho,
    /// The operation.
    pub verb: Verb,
}

/// The fields of an action that its answer repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestEcho {
    /// Chosen by the client.
    pub id: Option<RequestId>,
    /// The action's name, as the client wrote it.
    pub action: Option<Cow<'static, str>>,
    /// The channel. Actions that need one have one, and it is not empty.
    pub channel: Option<String>,
}

impl RequestEcho {
    /// The channel, or an empty string.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel.as_deref().unwrap_or_default()
    }
}

/// A client's own mark for an action: any JSON string or number, repeated as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// The operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Logs in, or renews the token.
    Login {
        /// A JWT.
        token: Option<String>,
        /// A name without proof.
        user: Option<String>,
    },
    /// Asks for a channel.
    Subscribe(Box<Subscribe>),
    /// Gives a channel back.
    Unsubscribe,
    /// Puts data into a channel.
    Publish(Box<Publish>),
    /// Asks for past publications.
    History {
        /// At most so many; `None` for as many as the server gives.
        limit: Option<u32>,
        /// Begins after this position (before it, in reverse).
        since: Option<StreamPosition>,
        /// Newest first.
        reverse: bool,
    },
    /// Asks for the clients in a channel.
    Presence {
        /// Counts are enough.
        stats: bool,
    },
    /// Calls the backend.
    Call {
        /// Name of the method.
        method: String,
        /// Arguments.
        data: Option<Payload>,
    },
    /// Asks for a sign of life.
    Ping,
}

/// Asks for a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribe {
    /// A JWT, or empty.
    pub token: String,
    /// Event names that are wanted; empty for all.
    pub events: Vec<String>,
    /// Which publications are wanted.
    pub filter: Option<Box<FilterNode>>,
    /// Where the client stood.
    pub since: Option<StreamPosition>,
    /// So many recent publications are wanted.
    pub history: u32,
    /// Asks for presence, joins and leaves.
    pub presence: bool,
}

/// Puts data into a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publish {
    /// The data; `None` where the next binary frame is the data.
    pub data: Option<Payload>,
    /// The event's name, unless it is the default.
    pub event: Option<String>,
    /// Makes a repeated publish the same publication; may be empty.
    pub key: String,
    /// Media type of binary data, such as `image/png`.
    pub media_type: Option<String>,
}
