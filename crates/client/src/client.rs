//! The client: a handle to a task that drives the machine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::data::Data;
use crate::machine::{Request, SubscribeOptions};
use crate::publication::ClientInfo;
use crate::state::{End, RequestError, State};

mod builder;
mod clock;
mod driver;
mod outcome;
mod publish;
mod reading;
mod requests;
mod storing;
mod subscribe;
mod tokens;
mod transport;

pub use builder::{Builder, StartError};
pub use outcome::{Outcome, Published};
pub use publish::{Publish, Receipt};
pub use requests::{GetHistory, History, PresenceStats};
pub use subscribe::{Subscribe, Subscription};

use driver::Command;

/// A client of a Veche server, which keeps itself connected.
///
/// It is a handle: clones are the same client. It lives as long as a handle or a subscription of it
/// does, or until [`Client::close`]. Then, or when the server sends it away for good, it has
/// [ended](State::Ended), and everything that waits is told so.
///
/// # Example
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use veche_client::Client;
///
/// let client = Client::builder("ws://localhost:8000/connection/plain")
///     .user("me")
///     .connect()
///     .await?;
/// client.publish("news", &"hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
    transitions: broadcast::WeakSender<State>,
    unconfirmed: watch::Receiver<usize>,
    messages: broadcast::WeakSender<Data>,
    outcomes: broadcast::WeakSender<Outcome>,
    request_timeout: Duration,
}

impl Client {
    /// A client of the server at this `ws://` or `wss://` URL.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    /// Where the client stands.
    pub fn state(&self) -> State {
        self.shared.state.borrow().clone()
    }

    /// Every state that the client comes to from now on, in order. The latest 256 are kept for each
    /// receiver.
    pub fn transitions(&self) -> broadcast::Receiver<State> {
        subscribe_to(&self.shared.transitions)
    }

    /// Where the client stands, and each change of it. Of changes that come faster than they are
    /// looked at, the latest counts; [`Client::transitions`] has them all.
    pub fn states(&self) -> watch::Receiver<State> {
        self.shared.state.clone()
    }

    /// Waits until the client is connected and logged in.
    ///
    /// # Errors
    /// The client has ended.
    /// # Cancel safety
    /// May be dropped at any time.
    pub async fn online(&self) -> Result<(), End> {
        let mut states = self.states();
        let settled = |state: &State| matches!(state, State::Online { .. } | State::Ended(_));
        match states.wait_for(settled).await.as_deref() {
            Ok(State::Ended(end)) => Err(end.clone()),
            Ok(_) => Ok(()),
            Err(_) => Err(self.end()),
        }
    }

    /// Subscribes to a channel. The subscription comes back by itself, on every connection, where
    /// its reader was.
    ///
    /// Await the result; options come before that.
    pub fn subscribe(&self, channel: impl Into<String>) -> Subscribe {
        Subscribe::new(self.clone(), channel.into(), SubscribeOptions::default())
    }

    /// Publishes a value as JSON, once, however often the link breaks meanwhile.
    ///
    /// Await the result to know that the server has it, or [`Publish::queue`] it.
    pub fn publish(&self, channel: impl Into<String>, data: &(impl Serialize + ?Sized)) -> Publish {
        Publish::new(self.clone(), channel.into(), Data::json(data))
    }

    /// Publishes bytes, as [`Client::publish`] does JSON.
    pub fn publish_bytes(&self, channel: impl Into<String>, bytes: impl Into<Bytes>) -> Publish {
        Publish::new(self.clone(), channel.into(), Ok(Data::binary(bytes)))
    }

    /// Asks for past publications of a channel. Await the result; options come before that.
    pub fn history(&self, channel: impl Into<String>) -> GetHistory {
        GetHistory::new(self.clone(), channel.into())
    }

    /// Asks who is in a channel.
    ///
    /// # Errors
    /// There is no answer; says why.
    pub async fn presence(
        &self,
        channel: impl Into<String>,
    ) -> Result<Vec<ClientInfo>, RequestError> {
        let channel = channel.into();
        let request = Request::Presence {
            channel,
            stats: false,
        };
        requests::presence(self.request(request).await?)
    }

    /// Asks how many are in a channel.
    ///
    /// # Errors
    /// There is no answer; says why.
    pub async fn presence_stats(
        &self,
        channel: impl Into<String>,
    ) -> Result<PresenceStats, RequestError> {
        let channel = channel.into();
        let request = Request::Presence {
            channel,
            stats: true,
        };
        requests::presence_stats(self.request(request).await?)
    }

    /// Calls a method of the backend, and waits for its answer.
    ///
    /// A call is sent once. If the link breaks before the answer, the call may have been carried
    /// out or not, and [`RequestError::Uncertain`] says so.
    ///
    /// # Errors
    /// There is no answer; says why.
    pub async fn call(
        &self,
        method: impl Into<String>,
        data: &(impl Serialize + ?Sized),
    ) -> Result<Data, RequestError> {
        let data = Data::json(data).map_err(|error| RequestError::Data(error.to_string()))?;
        let request = Request::Call {
            method: method.into(),
            data: Some(data),
        };
        requests::call(self.request(request).await?)
    }

    /// Publications that are in the outbox: waiting to be sent, or for the server's answer.
    pub fn unconfirmed(&self) -> usize {
        *self.shared.unconfirmed.borrow()
    }

    /// Waits until the outbox is empty.
    ///
    /// # Errors
    /// The client has ended before.
    /// # Cancel safety
    /// May be dropped at any time.
    pub async fn flushed(&self) -> Result<(), End> {
        let mut unconfirmed = self.shared.unconfirmed.clone();
        let empty = unconfirmed.wait_for(|count| *count == 0).await;
        let is_empty = empty.is_ok();
        drop(empty);
        match self.state() {
            State::Ended(end) => Err(end),
            _ if is_empty => Ok(()),
            _ => Err(self.end()),
        }
    }

    /// What becomes of publications that nobody waits for: those that an earlier client left in
    /// the outbox, and those whose [`Receipt`] was dropped. The latest 256 are kept for each
    /// receiver.
    pub fn outcomes(&self) -> broadcast::Receiver<Outcome> {
        subscribe_to(&self.shared.outcomes)
    }

    /// Data of the server's that belongs to no channel. The latest 256 are kept for each receiver.
    pub fn messages(&self) -> broadcast::Receiver<Data> {
        subscribe_to(&self.shared.messages)
    }

    /// Says that something may have changed: the device woke up, or the network is another one. A
    /// connection is probed at once, and an attempt that waits for its time is made now.
    ///
    /// A sleep is noticed within five seconds without it.
    pub async fn network_changed(&self) {
        self.shared.commands.send(Command::Hint).await.ok();
    }

    /// Ends the client, closes the connection, and waits until that is done and everything is
    /// stored. What is not confirmed fails, or stays in the outbox on disk; see
    /// [`Client::flushed`].
    ///
    /// # Cancel safety
    /// Dropped early, the client ends all the same.
    pub async fn close(&self) {
        self.shared.commands.send(Command::Close).await.ok();
        self.shared.commands.closed().await;
    }

    async fn request(&self, request: Request) -> Result<crate::machine::Answer, RequestError> {
        let (reply, answer) = oneshot::channel();
        let timeout = self.shared.request_timeout;
        let command = Command::Request {
            request,
            timeout,
            reply,
        };
        self.command(command).await?;
        answer.await.unwrap_or_else(|_| Err(self.end().into()))
    }

    async fn command(&self, command: Command) -> Result<(), End> {
        let sent = self.shared.commands.send(command).await;
        sent.map_err(|_| self.end())
    }

    /// Why the client has ended, when its task has.
    fn end(&self) -> End {
        match self.state() {
            State::Ended(end) => end,
            // The task was dropped with its runtime.
            _ => End::Closed,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &*self.shared.state.borrow())
            .field("unconfirmed", &self.unconfirmed())
            .finish_non_exhaustive()
    }
}

/// A receiver; of a client that has ended, one that is closed.
fn subscribe_to<T: Clone>(sender: &broadcast::WeakSender<T>) -> broadcast::Receiver<T> {
    match sender.upgrade() {
        Some(sender) => sender.subscribe(),
        None => broadcast::channel(1).1,
    }
}
