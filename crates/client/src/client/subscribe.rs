//! Subscribing: the declaration, and the stream of events that comes out of it.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::Serialize;
use serde_json::value::to_raw_value;
use tokio::sync::{mpsc, oneshot};

use super::Client;
use super::driver::Command;
use super::reading::Reading;
use super::tokens::{Tokens, token_source};
use crate::machine::{
    SubscribeError, SubscribeOptions, SubscriptionEvent, TokenError, TokenRequest,
};
use crate::position::Position;

/// A subscription to be declared: await it.
#[must_use = "nothing is subscribed until this is awaited"]
pub struct Subscribe {
    client: Client,
    channel: String,
    options: SubscribeOptions,
    filter: Option<serde_json::Error>,
    tokens: Option<Tokens>,
}

/// A subscription: a stream of what comes out of a channel.
///
/// It ends, after [`SubscriptionEvent::Ended`], when the server does not want it or the client has
/// ended; never for a lost connection. Dropped, the channel is given back.
///
/// A reader that does not keep up is paused ([`super::Builder::unread_limit`]): the server is asked
/// to stop, and to go on from the last publication that was read into the buffer, once there is
/// room. In a channel without history that loses publications, and
/// [`crate::machine::Recovery::Lost`] says so.
#[derive(Debug)]
pub struct Subscription {
    channel: String,
    events: mpsc::UnboundedReceiver<SubscriptionEvent>,
    reading: Arc<Reading>,
    /// The client lives as long as somebody reads.
    _client: Client,
}

impl Subscribe {
    pub(super) fn new(client: Client, channel: String, options: SubscribeOptions) -> Self {
        Self {
            client,
            channel,
            options,
            filter: None,
            tokens: None,
        }
    }

    /// Only publications with one of these event names; at most 64, of 4096 bytes together.
    pub fn events<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.options.events = names.into_iter().map(Into::into).collect();
        self
    }

    /// Only publications that this tags filter lets through, as the Centrifuge dialects have it:
    /// `{"key": "ticker", "cmp": "eq", "val": "AAPL"}`. It needs `allow_tags_filter` on the server.
    pub fn filter(mut self, filter: &(impl Serialize + ?Sized)) -> Self {
        match to_raw_value(filter) {
            Ok(filter) => self.options.filter = Some(filter),
            Err(error) => self.filter = Some(error),
        }
        self
    }

    /// So many recent publications first, unless the subscription resumes.
    pub fn history(mut self, publications: u32) -> Self {
        self.options.history = publications;
        self
    }

    /// Tells who is there, comes and goes.
    pub fn presence(mut self) -> Self {
        self.options.presence = true;
        self
    }

    /// Goes on from a position that was kept.
    pub fn since(mut self, position: Position) -> Self {
        self.options.since = Some(position);
        self
    }

    /// The channel needs a token of its own, which this function is asked for: at first, and when
    /// the server says that it ran out.
    pub fn token<F, T>(mut self, ask: F) -> Self
    where
        F: Fn(TokenRequest) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, TokenError>> + Send + 'static,
    {
        self.options.has_token = true;
        self.tokens = Some(token_source(ask));
        self
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription, SubscribeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Ready when the subscription is declared. That the server has made it is an event.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if let Some(error) = self.filter {
                return Err(SubscribeError::Filter(error.to_string()));
            }
            let (reply, declared) = oneshot::channel();
            let command = Command::Subscribe {
                channel: self.channel.clone(),
                options: self.options,
                tokens: self.tokens,
                reply,
            };
            self.client.command(command).await?;
            let (events, reading) = match declared.await {
                Ok(declared) => declared?,
                Err(_) => return Err(self.client.end().into()),
            };
            Ok(Subscription {
                channel: self.channel,
                events,
                reading,
                _client: self.client,
            })
        })
    }
}

impl std::fmt::Debug for Subscribe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscribe")
            .field("channel", &self.channel)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// The channel.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Waits for the next event; `None` once the subscription has ended.
    ///
    /// # Cancel safety
    /// An event is only taken when it is returned.
    pub async fn next(&mut self) -> Option<SubscriptionEvent> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<SubscriptionEvent>> {
        let event = std::task::ready!(self.events.poll_recv(cx));
        if let Some(event) = &event {
            self.reading.take(event.weight());
        }
        Poll::Ready(event)
    }
}

impl Stream for Subscription {
    type Item = SubscriptionEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.events.close();
        self.reading.wake();
    }
}
