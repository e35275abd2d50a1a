//! What a session asks to be done.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::filter::Filter;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Publication;
use veche_protocol::push::Push;
use veche_protocol::reply::Reply;

use crate::question::{Ask, Notice, Question};

/// What a session asks to be done, to be carried out in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send the answer to a command.
    Reply(Reply),
    /// Send something unasked.
    Push(Push),
    /// Send a ping, in the profile's form.
    Ping,
    /// Find out, and bring the answer.
    Ask {
        /// Comes back with the answer.
        ask: Ask,
        /// What is to be found out.
        question: Question,
    },
    /// Let the world know.
    Tell(Notice),
    /// From now on the hub delivers the channel to this client without asking the session.
    Attach(Attach),
    /// The hub must not deliver the channel to this client any more; the node need not want it for its sake. Also
    /// ends what [`Question::Enter`] began.
    Detach {
        /// The channel.
        channel: Channel,
    },
    /// End the connection after what was sent (3008: at once). Nothing follows.
    Close(Disconnect),
}

/// How the hub delivers a channel to a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Attach {
    /// The channel.
    pub channel: Channel,
    /// Where the client stands, if its position is watched: what is not later is skipped, and a gap is told by
    /// `Order::InsufficientState`.
    pub after: Option<StreamPosition>,
    /// Whether others' joins and leaves are delivered.
    pub join_leave: bool,
    /// Which publications are delivered; what is not wanted still moves the position. `None` for all.
    pub filter: Option<Arc<Filter>>,
    /// Whether deltas are delivered, and what the first is cut against.
    pub delta: Delta,
    /// Whether the channel's number stands for its name.
    pub compact: bool,
}

/// What a subscriber that takes deltas has.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Delta {
    /// It takes none.
    #[default]
    Off,
    /// Nothing for sure: the next publication comes whole.
    Whole,
    /// This publication, the last in the answer that made the subscription.
    Since(Arc<Publication>),
}

/// Effects in order, owned by the caller and used again each turn.
pub type Effects = Vec<Effect>;
