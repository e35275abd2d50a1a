//! The plain dialect, by `veche-client`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::timeout;
use veche_client::{
    Builder, Client, PublishError, RequestError, Subscription, TokenError, TokenReason,
};

use crate::connection::Connection;
use crate::event::{Ended, Info};
use crate::payload::Payload;
use crate::position::Position;
use crate::question::{Draft, HistoryPage, HistoryRequest, Stats};
use crate::queue::Sender;
use crate::request_failure::RequestFailure;
use crate::token::{Token, from_command};

mod events;

use events::{info, payload, position, publication, tell_states, tell_subscription};

/// A client of the plain dialect.
pub(crate) struct Plain {
    builder: Option<Builder>,
    client: Option<Client>,
    wanted: Vec<(String, Option<Position>)>,
    events: Sender,
    ended: watch::Sender<Option<Ended>>,
    timeout: std::time::Duration,
}

impl Plain {
    pub(crate) fn new(connection: &Connection, user: Option<&str>, events: Sender) -> Self {
        let builder = Client::builder(connection.address.as_str())
            .request_timeout(connection.timeout)
            .max_message(LARGEST_MESSAGE);
        let builder = match (&connection.token, user) {
            (Token::None, None) => builder,
            (Token::None, Some(user)) => builder.user(user),
            (Token::Fixed(token), _) => {
                let token = Arc::<str>::from(token.as_str());
                builder.token(move |request| {
                    let token = match request.reason {
                        TokenReason::First => Ok(token.to_string()),
                        _ => Err(TokenError::Denied(
                            "the token has run out; --token-command asks for another one".into(),
                        )),
                    };
                    async { token }
                })
            }
            (Token::Command(command), _) => {
                let command = Arc::<str>::from(command.as_str());
                builder.token(move |_| {
                    let command = Arc::clone(&command);
                    async move { from_command(&command).await.map_err(TokenError::Later) }
                })
            }
        };
        Self {
            builder: Some(builder),
            client: None,
            wanted: Vec::new(),
            events,
            ended: watch::Sender::new(None),
            timeout: connection.timeout,
        }
    }

    pub(crate) fn subscribe(
        &mut self,
        channel: &str,
        since: Option<Position>,
    ) -> Result<(), String> {
        self.wanted.push((channel.to_owned(), since));
        Ok(())
    }

    pub(crate) async fn connect(&mut self) -> Result<(), String> {
        let Some(builder) = self.builder.take() else {
            return Ok(());
        };
        let client = builder.connect().await;
        let client = client.map_err(|error| error.to_string())?;
        let (states, ended) = (client.transitions(), self.ended.clone());
        let now = client.state();
        tokio::spawn(tell_states(now, states, self.events.clone(), ended));
        for (channel, since) in self.wanted.drain(..) {
            let subscription = subscribe(&client, &channel, since).await?;
            tokio::spawn(tell_subscription(subscription, self.events.clone()));
        }
        self.client = Some(client);
        Ok(())
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Result<Option<Position>, RequestFailure> {
        let publish = self.client()?.publish(draft.channel, &draft.data);
        let publish = match draft.key {
            Some(key) => publish.key(key),
            None => publish,
        };
        match timeout(self.timeout, publish).await {
            Ok(Ok(published)) => Ok(published.position.as_ref().and_then(position)),
            Ok(Err(PublishError::Refused(error))) => Err(refused(&error)),
            Ok(Err(error @ PublishError::Uncertain)) => {
                Err(RequestFailure::uncertain(error.to_string()))
            }
            Ok(Err(error @ PublishError::Ended(_))) => {
                Err(RequestFailure::uncertain(error.to_string()).at_the_end())
            }
            Ok(Err(error)) => Err(RequestFailure::local(error.to_string())),
            Err(_) => Err(RequestFailure::uncertain("not confirmed in time")),
        }
    }

    pub(crate) async fn call(&self, method: &str, data: Bytes) -> Result<Payload, RequestFailure> {
        let data: &RawValue = serde_json::from_slice(&data).map_err(|error| {
            RequestFailure::local(format!("the data is no JSON value: {error}"))
        })?;
        let answer = self.client()?.call(method, data).await;
        answer.map(|data| payload(&data)).map_err(no_answer)
    }

    pub(crate) async fn history(
        &self,
        channel: &str,
        request: HistoryRequest,
    ) -> Result<HistoryPage, RequestFailure> {
        let mut asking = self.client()?.history(channel);
        if let Some(limit) = request.limit {
            asking = asking.limit(limit);
        }
        if let Some(since) = request.since {
            asking = asking.since(since_of(&since).map_err(RequestFailure::local)?);
        }
        if request.is_reverse {
            asking = asking.reverse();
        }
        let history = asking.await.map_err(no_answer)?;
        let publications = history.publications.into_iter();
        Ok(HistoryPage {
            publications: publications.map(|it| publication(channel, it)).collect(),
            position: history.position.as_ref().and_then(position),
        })
    }

    pub(crate) async fn presence(&self, channel: &str) -> Result<Vec<Info>, RequestFailure> {
        let clients = self.client()?.presence(channel).await;
        let clients = clients.map_err(no_answer)?;
        Ok(clients.into_iter().map(info).collect())
    }

    pub(crate) async fn presence_stats(&self, channel: &str) -> Result<Stats, RequestFailure> {
        let stats = self.client()?.presence_stats(channel).await;
        let stats = stats.map_err(no_answer)?;
        Ok(Stats {
            num_clients: stats.num_clients,
            num_users: stats.num_users,
        })
    }

    pub(crate) fn ended(&self) -> watch::Receiver<Option<Ended>> {
        self.ended.subscribe()
    }

    pub(crate) async fn close(&self) {
        if let Some(client) = &self.client {
            client.close().await;
        }
    }

    fn client(&self) -> Result<&Client, RequestFailure> {
        self.client
            .as_ref()
            .ok_or_else(|| RequestFailure::local("not connected"))
    }
}

async fn subscribe(
    client: &Client,
    channel: &str,
    since: Option<Position>,
) -> Result<Subscription, String> {
    let mut subscribing = client.subscribe(channel).presence();
    if let Some(since) = since {
        subscribing = subscribing.since(since_of(&since)?);
    }
    subscribing.await.map_err(|error| error.to_string())
}

fn since_of(since: &Position) -> Result<veche_client::Position, String> {
    let parsed = since.to_string().parse();
    parsed.map_err(|error: veche_client::InvalidPosition| error.to_string())
}

fn refused(error: &veche_client::ActionError) -> RequestFailure {
    RequestFailure::server(error.code, error.message.clone())
}

fn no_answer(error: RequestError) -> RequestFailure {
    match error {
        RequestError::Refused(error) => refused(&error),
        RequestError::Timeout | RequestError::Uncertain => {
            RequestFailure::uncertain(error.to_string())
        }
        RequestError::Ended(_) => RequestFailure::uncertain(error.to_string()).at_the_end(),
        error => RequestFailure::local(error.to_string()),
    }
}

/// The server's own limit decides, not the client's guess at it.
const LARGEST_MESSAGE: usize = 16 << 20;
