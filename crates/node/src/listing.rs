//! Lists of connections, users and channels in pages: what a page is, and how it is gathered from the workers.
//!
//! A page costs what it holds, not what there is. A worker answers in slices, each of which looks at a bounded number
//! of rows ([`crate::worker::listing`]); between two slices it does all else that it has to do. Nothing is kept between
//! two pages: a cursor is a place in an order that does not change.
//!
//! Connections stand in the order of their workers and slots, which a connection never leaves. Users and channels stand
//! in the order of their names, in which what several workers (or nodes) have can be merged. So whatever is there from
//! the first page to the last is listed once; what comes or goes meanwhile may be listed or not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use veche_engine::control::NodeId;
use veche_protocol::channel::Channel;
use veche_protocol::identity::{App, ClientId, UserId};

mod gather;

/// Lists that are gathered at once; others wait.
pub(crate) const LISTS: usize = 4;
/// Slices of one worker after which a page is given as it is: shorter than asked for, perhaps empty, but not the last.
pub(crate) const SLICES: usize = 64;

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, M> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<M>,
    /// Nodes of the cluster that did not answer in time: what they have is not here.
    pub missing: Vec<NodeId>,
}

impl<T, M> Default for Page<T, M> {
    /// The end of a list.
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: None,
            missing: Vec::new(),
        }
    }
}

/// Where a list of connections goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The worker.
    pub worker: usize,
    /// The first of its slots that was not looked at.
    pub slot: u32,
}

/// Which connections are wanted: those of which all holds that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Criteria {
    /// It is this user's.
    pub user: Option<UserId>,
    /// It is subscribed to this channel.
    pub channel: Option<Channel>,
    /// It came by this transport.
    pub transport: Option<String>,
    /// It speaks this protocol.
    pub protocol: Option<String>,
    /// It connected then or later, in milliseconds of Unix time.
    pub after_ms: Option<i64>,
    /// It connected before then, in milliseconds of Unix time.
    pub before_ms: Option<i64>,
}

/// A connection as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub client: ClientId,
    /// Whose it is.
    pub user: UserId,
    /// What the client says it is.
    pub app: Option<Arc<App>>,
    /// How it came: `websocket`.
    pub transport: &'static str,
    /// What it speaks: `json`, `protobuf` or `plain`.
    pub protocol: &'static str,
    /// When it connected, in milliseconds of Unix time.
    pub connected_ms: i64,
    /// From its last ping to the pong.
    pub latency: Option<Duration>,
    /// Its channels, and for each who wanted that, as the server API numbers it.
    pub channels: Vec<(Channel, u32)>,
}

/// Which names are wanted, of users or of channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Those behind this one in the order of bytes.
    pub after: Option<String>,
    /// Those that begin so.
    pub prefix: String,
}

/// A worker's part of a list of connections.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    pub(crate) rows: Vec<Row>,
    /// The slot to go on at; `None` at the end.
    pub(crate) next: Option<u32>,
}

/// A worker's part of a list of names, or a node's, with what each counts.
#[derive(Debug)]
pub(crate) struct Stretch<T> {
    pub(crate) rows: Vec<(T, usize)>,
    /// The name up to which this is all; `None` if it is all to the end.
    pub(crate) upto: Option<T>,
}

/// What workers have, up to a name up to which all have told all they have.
pub(crate) fn merged<T: Ord>(answers: Vec<Stretch<T>>, upto: Option<&T>) -> BTreeMap<T, usize> {
    let mut sums = BTreeMap::new();
    for (name, count) in answers.into_iter().flat_map(|answer| answer.rows) {
        if upto.is_none_or(|upto| name <= *upto) {
            *sums.entry(name).or_default() += count;
        }
    }
    sums
}
