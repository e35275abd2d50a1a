//! Publishing: into the outbox, and the receipt for it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use tokio::sync::oneshot;

use super::Client;
use super::driver::Command;
use super::outcome::Published;
use crate::data::Data;
use crate::machine::Draft;
use crate::state::PublishError;

/// A publication to be made: await it, and it is confirmed by the server; or [`Publish::queue`] it.
///
/// # Cancel safety
/// Dropped while it is awaited, the publication stays in the outbox, and is published all the same
/// if it had got there.
#[derive(Debug)]
#[must_use = "nothing is published until this is awaited"]
pub struct Publish {
    client: Client,
    channel: String,
    event: Option<String>,
    key: Option<String>,
    data: Result<Data, serde_json::Error>,
}

/// A publication that is in the outbox, and stored if the outbox is on disk.
///
/// It is published whether or not the receipt is kept.
#[derive(Debug)]
pub struct Receipt {
    client: Client,
    done: oneshot::Receiver<Result<Published, PublishError>>,
}

impl Publish {
    pub(super) fn new(
        client: Client,
        channel: String,
        data: Result<Data, serde_json::Error>,
    ) -> Self {
        Self {
            client,
            channel,
            event: None,
            key: None,
            data,
        }
    }

    /// Names the event (default: `message`).
    pub fn event(mut self, name: impl Into<String>) -> Self {
        self.event = Some(name.into());
        self
    }

    /// Says what the bytes are, as `image/png`. JSON needs none.
    pub fn media_type(mut self, name: impl Into<String>) -> Self {
        self.data = self.data.map(|data| data.with_media_type(name));
        self
    }

    /// Gives it a key of your own, of at most 256 bytes. Publications of one user with the same key
    /// in the same channel are one, for five minutes. Without this call each has a key of its own.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Puts the publication into the outbox, and does not wait for the server. On disk it is stored
    /// then, and is published even if the process ends.
    ///
    /// # Errors
    /// It was not taken, and is not published.
    pub async fn queue(self) -> Result<Receipt, PublishError> {
        let data = self
            .data
            .map_err(|error| PublishError::Data(error.to_string()))?;
        let draft = Draft {
            channel: self.channel,
            event: self.event,
            data,
            key: self.key,
        };
        let (queued, is_queued) = oneshot::channel();
        let (reply, done) = oneshot::channel();
        let command = Command::Publish {
            draft,
            queued,
            reply,
        };
        self.client.command(command).await?;
        match is_queued.await {
            Ok(result) => result?,
            Err(_) => return Err(self.client.end().into()),
        }
        let client = self.client;
        Ok(Receipt { client, done })
    }
}

impl IntoFuture for Publish {
    type Output = Result<Published, PublishError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.queue().await?.confirmed().await })
    }
}

impl Receipt {
    /// Waits until the server has the publication, however long that takes.
    ///
    /// # Errors
    /// It has left the outbox without being confirmed.
    pub async fn confirmed(self) -> Result<Published, PublishError> {
        let result = self.done.await;
        result.unwrap_or_else(|_| Err(self.client.end().into()))
    }
}
