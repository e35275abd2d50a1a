//! Orders to a session, from the API, from another node or from the hub.

use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::push::Unsubscribe;

/// An order to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// End the conversation.
    Disconnect(Disconnect),
    /// End one subscription, or all, and tell the client.
    Unsubscribe {
        /// The channel; `None` for all.
        channel: Option<Channel>,
        /// What the client is told.
        reason: Unsubscribe,
    },
    /// Begin a server-side subscription, or replace one, and tell the client.
    Subscribe {
        /// The channel.
        channel: Channel,
        /// How.
        options: SubscriptionOptions,
        /// Sends what was published since.
        recover_since: Option<StreamPosition>,
    },
    /// Change when the connection ends, and tell the client.
    Refresh {
        /// Whether it ends now, with 3005.
        expired: bool,
        /// Seconds of Unix time; `None` for never.
        expire_at: Option<i64>,
        /// What others are told about the user from now on; `None` keeps it.
        info: Option<Payload>,
    },
    /// Tell the client something.
    Message(Payload),
    /// Publications of this channel were lost on the way to the attached session. Comes from the hub.
    InsufficientState {
        /// The channel.
        channel: Channel,
    },
}
