//! Pushes: messages to a client that are not replies.
//!
//! Source: client protocol, `Push`.

use std::sync::Arc;

use crate::channel::Channel;
use crate::disconnect::Disconnect;
use crate::identity::ClientInfo;
use crate::payload::Payload;
use crate::position::StreamPosition;
use crate::publication::Publication;
use crate::reply::{Connect, Expiry};

/// A message to a client that is not a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// The channel; empty if the push concerns the connection.
    pub channel: Channel,
    /// The content.
    pub body: Body,
}

impl Push {
    /// A push about a channel.
    #[must_use]
    pub fn new(channel: Channel, body: Body) -> Self {
        Self { channel, body }
    }

    /// A push about the connection.
    #[must_use]
    pub fn connection(body: Body) -> Self {
        Self {
            channel: Channel::default(),
            body,
        }
    }
}

/// The content.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Data in a channel.
    Publication(Arc<Publication>),
    /// Data in a channel, whole, for a subscriber that takes deltas.
    Whole(Arc<Publication>),
    /// A client joined.
    Join(Arc<ClientInfo>),
    /// A client left.
    Leave(Arc<ClientInfo>),
    /// The server ended the subscription.
    Unsubscribe(Unsubscribe),
    /// Data for this connection alone.
    Message(Payload),
    /// The server made a subscription.
    Subscribe(Subscribe),
    /// Connected; the first push of a unidirectional connection.
    Connect(Box<Connect>),
    /// The connection ends.
    Disconnect(Disconnect),
    /// The connection's expiry changed.
    Refresh(Expiry),
}

/// A push to the subscribers of a channel, in the form that they negotiated.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// The number that stands for the channel's name; 0 for the name itself.
    pub id: i64,
    /// The content.
    pub what: What<'a>,
}

/// The content of a push to subscribers.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// Data.
    Publication(&'a Publication),
    /// Data for subscribers that accept deltas.
    Delta {
        /// The data, whole.
        publication: &'a Publication,
        /// The publication that they have. They receive the difference if that is smaller. `None` if they may have
        /// none.
        base: Option<&'a Publication>,
    },
    /// A client joined.
    Join(&'a ClientInfo),
    /// A client left.
    Leave(&'a ClientInfo),
}

/// The server made a subscription.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscribe {
    /// Whether the client may recover after a disconnect.
    pub recoverable: bool,
    /// Whether the position is watched.
    pub positioned: bool,
    /// Where the subscription begins, if it is positioned.
    pub position: StreamPosition,
    /// For the application.
    pub data: Option<Payload>,
}

/// Why the server ended a subscription.
///
/// Codes from 2500 up ask the client to subscribe again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// 2000 to 2999.
    pub code: u32,
    /// A few words.
    pub reason: &'static str,
}

impl Unsubscribe {
    /// Asked for by the server API.
    pub const SERVER: Self = Self {
        code: 2000,
        reason: "server unsubscribe",
    };
    /// Publications were lost; the client subscribes again and recovers.
    pub const INSUFFICIENT_STATE: Self = Self {
        code: 2500,
        reason: "insufficient state",
    };
    /// The subscription's time ran out.
    pub const EXPIRED: Self = Self {
        code: 2501,
        reason: "subscription expired",
    };
    /// The client's tokens and positions are void.
    pub const STATE_INVALIDATED: Self = Self {
        code: 2502,
        reason: "state invalidated",
    };
}
