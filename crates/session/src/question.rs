//! Questions that a session asks its driver, and their answers.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::history;
use veche_protocol::identity::{App, ClientId, ClientInfo, UserId};
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::reply::PresenceStats;

use crate::application::{Request, Response};
use crate::refusal::RefusalReport;

/// Pairs an answer with its question within one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ask(pub u32);

/// Something that the session has to ask. Each question is answered once.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// What a connection token says. Answered by [`Answer::ConnectionToken`].
    ConnectionToken {
        /// The JWT.
        token: String,
    },
    /// What a subscription token says. Answered by [`Answer::SubscriptionToken`].
    SubscriptionToken {
        /// The JWT.
        token: String,
    },
    /// Takes a place for this connection among those of a user on this node. Answered by [`Answer::Count`]: how many
    /// places were taken before. If that is below `limit` this connection has one now, until its end, and
    /// [`Notice::Connected`] does not take another. A further question gives the place back that an earlier one took.
    UserPlace {
        /// The user.
        user: UserId,
        /// How many places there are.
        limit: usize,
    },
    /// Begins delivery of a channel to this session's making subscription. Answered by [`Answer::Done`]; from then
    /// on deliveries come to `handle_delivery` until the session says attach or leave.
    Enter {
        /// The channel.
        channel: Channel,
    },
    /// The number that stands for a channel's name on this node, for as long as the session has it. Answered by
    /// [`Answer::ChannelId`]; asked behind [`Question::Enter`].
    ChannelId {
        /// The channel.
        channel: Channel,
    },
    /// Reads a stream. Answered by [`Answer::History`].
    History {
        /// The channel.
        channel: Channel,
        /// What to read.
        query: history::Query,
    },
    /// Publishes. Answered by [`Answer::Published`].
    Publish {
        /// The channel.
        channel: Channel,
        /// What.
        publication: Box<Publication>,
        /// How.
        options: Box<PublishOptions>,
    },
    /// Who is in a channel. Answered by [`Answer::Presence`].
    Presence {
        /// The channel.
        channel: Channel,
    },
    /// How many are in a channel. Answered by [`Answer::PresenceStats`].
    PresenceStats {
        /// The channel.
        channel: Channel,
    },
    /// Makes the client present before others are told that it joined. Answered by [`Answer::Done`].
    AddPresence {
        /// The channel.
        channel: Channel,
        /// Who.
        info: Arc<ClientInfo>,
    },
    /// What the application says. Answered by [`Answer::Application`].
    Application(Request),
}

impl Question {
    /// Whether this is the kind of answer that the question has.
    #[must_use]
    pub fn is_answered_by(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Application(request), Answer::Application(response)) => {
                request.is_answered_by(response)
            }
            _ => matches!(
                (self, answer),
                (Self::ConnectionToken { .. }, Answer::ConnectionToken(_))
                    | (Self::SubscriptionToken { .. }, Answer::SubscriptionToken(_))
                    | (Self::UserPlace { .. }, Answer::Count(_))
                    | (
                        Self::Enter { .. } | Self::AddPresence { .. },
                        Answer::Done(_)
                    )
                    | (Self::ChannelId { .. }, Answer::ChannelId(_))
                    | (Self::History { .. }, Answer::History(_))
                    | (Self::Publish { .. }, Answer::Published(_))
                    | (Self::Presence { .. }, Answer::Presence(_))
                    | (Self::PresenceStats { .. }, Answer::PresenceStats(_))
            ),
        }
    }
}

/// The world's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Question::ConnectionToken`].
    ConnectionToken(Result<Box<ConnectionClaims>, TokenError>),
    /// To [`Question::SubscriptionToken`].
    SubscriptionToken(Result<Box<SubscriptionClaims>, TokenError>),
    /// To [`Question::UserPlace`].
    Count(usize),
    /// To [`Question::Enter`] and [`Question::AddPresence`].
    Done(Result<(), Failure>),
    /// To [`Question::ChannelId`]; at least 1, or 0 if the node does not have the channel.
    ChannelId(i64),
    /// To [`Question::History`].
    History(Result<history::Page, Failure>),
    /// To [`Question::Publish`].
    Published(Result<StreamPosition, Failure>),
    /// To [`Question::Presence`].
    Presence(Result<Vec<ClientInfo>, Failure>),
    /// To [`Question::PresenceStats`].
    PresenceStats(Result<PresenceStats, Failure>),
    /// To [`Question::Application`].
    Application(Response),
}

/// Why the world could not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The position asked for belongs to another epoch (error 112).
    UnrecoverablePosition,
    /// The engine can't do this at all (error 108).
    NotSupported,
    /// The engine failed (error 100); the operator was told.
    Unavailable,
}

/// Something the world should know; nothing is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Who this connection belongs to. Told once, before the reply to `connect`.
    Connected {
        /// The connection.
        client: ClientId,
        /// The user.
        user: UserId,
        /// What the client says it is.
        app: Option<Box<App>>,
    },
    /// The user's other connections are to end, with 3504: this one takes their place.
    EndOthers {
        /// The connection that stays.
        client: ClientId,
        /// The user.
        user: UserId,
    },
    /// The client is still in the channel.
    KeepPresence {
        /// The channel.
        channel: Channel,
        /// Who.
        info: Arc<ClientInfo>,
    },
    /// The client is not in the channel any more.
    RemovePresence {
        /// The channel.
        channel: Channel,
        /// The connection.
        client: ClientId,
        /// The user.
        user: UserId,
    },
    /// The channel's subscribers are to learn that the client came.
    Join {
        /// The channel.
        channel: Channel,
        /// Who.
        info: Arc<ClientInfo>,
    },
    /// The channel's subscribers are to learn that the client left.
    Leave {
        /// The channel.
        channel: Channel,
        /// Who.
        info: Arc<ClientInfo>,
    },
    /// Something was refused, for a reason that the operator may look for.
    Refused(Box<RefusalReport>),
}
