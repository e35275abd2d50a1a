//! What a client is told unasked.
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

/// Something a client is told unasked.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// The channel; empty for what concerns the connection.
    pub channel: Channel,
    /// What is told.
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

/// What is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Data in a channel.
    Publication(Arc<Publication>),
    /// Data in a channel, whole, for a subscriber that takes deltas.
    Whole(Arc<Publication>),
    /// Somebody came.
    Join(Arc<ClientInfo>),
    /// Somebody left.
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

/// What subscribers of a channel are told, in the way that they agreed to.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The channel.
    pub channel: &'a Channel,
    /// The number that stands for the channel's name; 0 for the name itself.
    pub id: i64,
    /// What is told.
    pub what: What<'a>,
}

/// What subscribers are told.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// Data.
    Publication(&'a Publication),
    /// Data for those who take deltas.
    Delta {
        /// The data, whole.
        publication: &'a Publication,
        /// What they have; if it helps, they are told the difference. `None` where they may have nothing.
        base: Option<&'a Publication>,
    },
    /// Somebody came.
    Join(&'a ClientInfo),
    /// Somebody left.
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
