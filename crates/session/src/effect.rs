//! Effects: what a session asks its driver to do.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::filter::Filter;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Publication;
use veche_protocol::push::Push;
use veche_protocol::reply::Reply;

use crate::question::{Ask, Notice, Question};

/// One effect. The driver carries effects out in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send the answer to a command.
    Reply(Reply),
    /// Send a push.
    Push(Push),
    /// Send a ping, in the profile's form.
    Ping,
    /// Ask a question, and bring the answer to [`crate::session::Session::handle_answer`].
    Ask {
        /// Comes back with the answer.
        ask: Ask,
        /// What is to be found out.
        question: Question,
    },
    /// Carry out a notice, which has no answer.
    Tell(Notice),
    /// From now on the hub delivers the channel to this client without asking the session.
    Attach(Attach),
    /// Stop delivering the channel to this client. The node no longer needs the channel for it. Also
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
    /// Which publications are delivered; the others still advance the position. `None` for all.
    pub filter: Option<Arc<Filter>>,
    /// Whether deltas are delivered, and what the first is cut against.
    pub delta: Delta,
    /// Whether the channel's number stands for its name.
    pub compact: bool,
}

/// The state of a subscriber that accepts deltas.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Delta {
    /// It accepts no deltas.
    #[default]
    Off,
    /// It may have no base: the next publication is sent in full.
    Whole,
    /// It has this publication, the last one in the reply to `subscribe`.
    Since(Arc<Publication>),
}

/// Effects in order. The caller owns the queue and reuses it each turn.
pub type Effects = Vec<Effect>;
