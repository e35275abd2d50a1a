//! Messages between the nodes of a cluster: orders for clients of other nodes, surveys, and who is there.
//!
//! A [`Controller`] only carries messages. What they mean, which nodes are known, and how the answers to a survey are
//! gathered is the node's affair and the same for every engine. The messages can be spelled as Centrifugo 6 spells
//! them, so both kinds of node can share a cluster.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;

use crate::error::EngineError;
use crate::life::Lifecycle;
use crate::pending::Pending;

/// Carries messages between nodes.
///
/// Messages of one node to another arrive in the order in which they were sent. A message may be lost, and it may
/// arrive twice; a survey bears both, and so does everything that is announced periodically.
pub trait Controller: Lifecycle + Send + Sync + fmt::Debug {
    /// Begins delivery of the messages for `node`: those sent to it and those sent to all. Called once, after
    /// [`Lifecycle::start`]. When the answer is there, every later message comes to `sink`.
    ///
    /// # Errors
    /// The node does not start.
    fn join(&self, node: NodeId, sink: Arc<dyn ControlSink>) -> Pending<Result<(), EngineError>>;

    /// Sends a message from the node that joined. The answer comes when the message has left; that it arrived is not
    /// known. A message of the node's own never comes back to it.
    fn send(&self, to: Recipient, message: Message) -> Pending<Result<(), EngineError>>;
}

/// Where a controller delivers: a node.
///
/// Called from any thread. It does not block, and may send messages itself before it returns.
pub trait ControlSink: Send + Sync + fmt::Debug {
    /// A message of another node.
    fn message(&self, from: &NodeId, message: Message);
}

/// Names one run of a node: a UUID, new at each start.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// Takes the name as it is.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Every other node.
    All,
    /// One node.
    Node(NodeId),
}

/// What one node tells another.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The sender runs, and has so much. Sent at the start, every few seconds, and at once to a node that is new.
    Announce(Box<Summary>),
    /// The sender ends.
    Leaving,
    /// Sessions must do something.
    Order(Box<Order>),
    /// The sender asks something. Every recipient answers with [`Message::Answer`].
    Survey(Survey),
    /// The answer to a survey of the recipient's.
    Answer(SurveyAnswer),
}

/// What a node tells others about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The node's name, for people.
    pub name: String,
    /// The server's version.
    pub version: String,
    /// Connected clients.
    pub clients: usize,
    /// Distinct users.
    pub users: usize,
    /// Subscriptions.
    pub subscriptions: usize,
    /// Channels that somebody is subscribed to.
    pub channels: usize,
    /// Since the node's start.
    pub uptime: Duration,
    /// What it has counted lately, if it says so. Centrifugo's nodes say it once in a minute.
    pub metrics: Option<Metrics>,
}

/// What a node has counted in an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Length of the interval.
    pub interval: Duration,
    /// Values by name.
    pub items: BTreeMap<String, f64>,
}

/// What sessions must do, and whose.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Whose.
    pub addressees: Addressees,
    /// What.
    pub demand: Demand,
}

/// Whom an order is for: all connections of a user, or some of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// The user; the empty id is an anonymous user.
    pub user: UserId,
    /// All users, whatever `user` says.
    pub all_users: bool,
    /// Only this connection of the user's.
    pub client: Option<ClientId>,
    /// Only the connection whose emulated session has this name; empty for any.
    pub session: Box<str>,
    /// Not these connections.
    pub except: Vec<ClientId>,
}

impl Addressees {
    /// Whether a connection of a user that is meant is meant itself. `session` is the name of its emulated session, if
    /// it is one.
    #[must_use]
    pub fn include(&self, client: ClientId, session: Option<&str>) -> bool {
        self.client.is_none_or(|only| only == client)
            && (self.session.is_empty() || session == Some(&*self.session))
            && !self.except.contains(&client)
    }
}

/// What a session of another node must do.
///
/// The sender has resolved everything that depends on its configuration: where a field could be left to the
/// recipient's configuration, it is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Demand {
    /// End the conversation.
    Disconnect(Disconnect),
    /// End one subscription, or all, and tell the client.
    Unsubscribe {
        /// The channel; `None` for all.
        channel: Option<Channel>,
        /// 2000 to 2999.
        code: u32,
        /// A few words.
        reason: Cow<'static, str>,
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
        /// Whether it ends now.
        expired: bool,
        /// Seconds of Unix time; `None` for never.
        expire_at: Option<i64>,
        /// What others are told about the user from now on; `None` keeps it.
        info: Option<Payload>,
    },
}

/// A question to other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Pairs the answers with the question; unique among the surveys of one node.
    pub id: u64,
    /// What is asked, by name.
    pub operation: Cow<'static, str>,
    /// The question, as the operation spells it.
    pub data: Bytes,
}

/// An answer to a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyAnswer {
    /// Of the survey.
    pub id: u64,
    /// How it went.
    pub code: SurveyCode,
    /// The answer, as the operation spells it; empty unless the code is [`SurveyCode::DONE`].
    pub data: Bytes,
}

/// How a node took a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurveyCode(pub u32);

impl SurveyCode {
    /// It is answered.
    pub const DONE: Self = Self(0);
    /// The node could not answer.
    pub const FAILED: Self = Self(1);
    /// The question can't be read.
    pub const BAD_REQUEST: Self = Self(2);
    /// The node does not know the operation.
    pub const UNKNOWN: Self = Self(3);
}
