//! One connection, in either dialect.

use bytes::Bytes;
use tokio::sync::watch;

use crate::centrifuge::Centrifuge;
use crate::connection::{Connection, Dialect};
use crate::event::{Ended, Info};
use crate::payload::Payload;
use crate::plain::Plain;
use crate::position::Position;
use crate::question::{Draft, HistoryPage, HistoryRequest, Stats};
use crate::queue::Sender;
use crate::request_failure::RequestFailure;

/// A connection that comes back by itself until it ends for good. What happens to it is told by events.
pub(crate) enum Link {
    Centrifuge(Centrifuge),
    Plain(Box<Plain>),
}

/// Calls a method of whichever dialect it is.
macro_rules! either {
    ($link:expr, $it:ident => $call:expr) => {
        match $link {
            Link::Centrifuge($it) => $call,
            Link::Plain($it) => $call,
        }
    };
}

impl Link {
    /// Prepares a connection. Nothing is sent before [`Link::connect`].
    ///
    /// # Errors
    /// In words: what it was told cannot be done.
    pub(crate) fn new(connection: &Connection, events: Sender) -> Result<Self, String> {
        match &connection.dialect {
            Dialect::Plain { user } => {
                let plain = Plain::new(connection, user.as_deref(), events);
                Ok(Self::Plain(Box::new(plain)))
            }
            Dialect::Centrifuge {
                is_protobuf,
                transport,
            } => {
                let centrifuge = Centrifuge::new(connection, *is_protobuf, *transport, events)?;
                Ok(Self::Centrifuge(centrifuge))
            }
        }
    }

    /// Declares a subscription. It comes back on every connection, with what was missed.
    pub(crate) fn subscribe(
        &mut self,
        channel: &str,
        since: Option<Position>,
    ) -> Result<(), String> {
        either!(self, it => it.subscribe(channel, since))
    }

    /// Begins to connect, and does not wait for it.
    pub(crate) async fn connect(&mut self) -> Result<(), String> {
        either!(self, it => it.connect().await)
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Result<Option<Position>, RequestFailure> {
        either!(self, it => it.publish(draft).await)
    }

    pub(crate) async fn call(&self, method: &str, data: Bytes) -> Result<Payload, RequestFailure> {
        either!(self, it => it.call(method, data).await)
    }

    pub(crate) async fn history(
        &self,
        channel: &str,
        request: HistoryRequest,
    ) -> Result<HistoryPage, RequestFailure> {
        either!(self, it => it.history(channel, request).await)
    }

    pub(crate) async fn presence(&self, channel: &str) -> Result<Vec<Info>, RequestFailure> {
        either!(self, it => it.presence(channel).await)
    }

    pub(crate) async fn presence_stats(&self, channel: &str) -> Result<Stats, RequestFailure> {
        either!(self, it => it.presence_stats(channel).await)
    }

    /// How the connection has ended for good, once it has.
    pub(crate) fn ended(&self) -> watch::Receiver<Option<Ended>> {
        either!(self, it => it.ended())
    }

    /// Closes the connection.
    pub(crate) async fn close(&self) {
        either!(self, it => it.close().await);
    }
}
