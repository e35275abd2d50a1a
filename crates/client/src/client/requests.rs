//! Requests with one answer, and their results.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use super::Client;
use crate::data::Data;
use crate::machine::{Answer, Request};
use crate::position::Position;
use crate::publication::{ClientInfo, Publication};
use crate::state::RequestError;

/// A request for past publications: await it.
#[derive(Debug)]
#[must_use = "nothing is asked until this is awaited"]
pub struct GetHistory {
    client: Client,
    channel: String,
    limit: Option<u32>,
    since: Option<Position>,
    reverse: bool,
}

/// Past publications of a channel.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The oldest first, or the newest with [`GetHistory::reverse`].
    pub publications: Vec<Publication>,
    /// The top of the history; `None` if nothing is known of it.
    pub position: Option<Position>,
}

/// How many are in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PresenceStats {
    /// Connections.
    pub num_clients: u64,
    /// Users.
    pub num_users: u64,
}

impl GetHistory {
    pub(super) fn new(client: Client, channel: String) -> Self {
        Self {
            client,
            channel,
            limit: None,
            since: None,
            reverse: false,
        }
    }

    /// At most so many, and no more than the server gives; 0 for the position alone.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// After this position, or before it with [`GetHistory::reverse`].
    pub fn since(mut self, position: Position) -> Self {
        self.since = Some(position);
        self
    }

    /// The newest first.
    pub fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }
}

impl IntoFuture for GetHistory {
    type Output = Result<History, RequestError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let request = Request::History {
                channel: self.channel,
                limit: self.limit,
                since: self.since,
                reverse: self.reverse,
            };
            match self.client.request(request).await? {
                Answer::History {
                    publications,
                    position,
                } => Ok(History {
                    publications,
                    position,
                }),
                _ => Err(unexpected()),
            }
        })
    }
}

pub(super) fn presence(answer: Answer) -> Result<Vec<ClientInfo>, RequestError> {
    match answer {
        Answer::Presence(clients) => Ok(clients),
        _ => Err(unexpected()),
    }
}

pub(super) fn presence_stats(answer: Answer) -> Result<PresenceStats, RequestError> {
    match answer {
        Answer::PresenceStats {
            num_clients,
            num_users,
        } => Ok(PresenceStats {
            num_clients,
            num_users,
        }),
        _ => Err(unexpected()),
    }
}

pub(super) fn call(answer: Answer) -> Result<Data, RequestError> {
    match answer {
        Answer::Call(data) => Ok(data),
        _ => Err(unexpected()),
    }
}

/// A server that answers with something else than it was asked for.
fn unexpected() -> RequestError {
    RequestError::Data("the answer is of another kind".into())
}
