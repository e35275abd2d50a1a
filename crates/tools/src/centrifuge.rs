//! The Centrifuge protocol, by the official SDK: the one module that knows it.
//!
//! The SDK is young, and its version is pinned. What it does otherwise than one expects is mended here, and
//! `tests/sdk.rs` notices when a newer one does not do it any more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use centrifuge::{
    Client, ClientBuilder, HistoryOptions, Protocol, ProxyConfig, State, StreamPosition,
    Subscription, TlsConfig, TokenError, TransportEndpoint,
};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::address::Transport;
use crate::connection::Connection;
use crate::event::{Ended, Info};
use crate::payload::Payload;
use crate::position::Position;
use crate::question::{Draft, HistoryPage, HistoryRequest, Stats};
use crate::queue::Sender;
use crate::request_failure::RequestFailure;
use crate::token::{Token, from_command};

mod events;

use events::{Teller, info, publication};

/// A client of the Centrifuge protocol.
pub(crate) struct Centrifuge {
    client: Client,
    subscriptions: Vec<Subscription>,
    teller: Teller,
    ended: watch::Sender<Option<Ended>>,
}

impl Centrifuge {
    pub(crate) fn new(
        connection: &Connection,
        is_protobuf: bool,
        transport: Transport,
        events: Sender,
    ) -> Result<Self, String> {
        let url = connection.address.as_str();
        let endpoint = match transport {
            Transport::WebSocket => TransportEndpoint::websocket(url),
            Transport::HttpStream => TransportEndpoint::http_stream(url),
        };
        let protocol = if is_protobuf {
            Protocol::Protobuf
        } else {
            Protocol::Json
        };
        let builder = Client::builder_with_transports([endpoint])
            .protocol(protocol)
            .name("veche")
            .version(env!("CARGO_PKG_VERSION"))
            .timeout(connection.timeout)
            .handshake_timeout(connection.timeout)
            .max_server_ping_delay(PING_DELAY)
            .proxy(ProxyConfig::FromEnv)
            .tls(tls(connection.address.is_secure())?);
        let ended = watch::Sender::new(None);
        let teller = Teller::new(events, Handle::current(), is_protobuf, ended.clone());
        let builder = teller.hear_client(with_token(builder, &connection.token));
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self {
            client,
            subscriptions: Vec::new(),
            teller,
            ended,
        })
    }

    pub(crate) fn subscribe(
        &mut self,
        channel: &str,
        since: Option<Position>,
    ) -> Result<(), String> {
        let mut builder = self
            .client
            .new_subscription(channel)
            .recoverable(true)
            .join_leave(true);
        if let Some(since) = since {
            builder = builder.since(StreamPosition::new(since.offset, since.epoch));
        }
        let builder = self.teller.hear_subscription(channel, builder);
        let subscription = builder.build().map_err(|error| error.to_string())?;
        subscription.subscribe();
        self.subscriptions.push(subscription);
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "the other dialect's waits")]
    pub(crate) async fn connect(&mut self) -> Result<(), String> {
        self.client.connect().map_err(|error| error.to_string())
    }

    pub(crate) async fn publish(&self, draft: Draft) -> Result<Option<Position>, RequestFailure> {
        let data = Bytes::copy_from_slice(draft.data.get().as_bytes());
        let published = self.client.publish(&draft.channel, data).await;
        published
            .map(|()| None)
            .map_err(|error| self.failure(error))
    }

    pub(crate) async fn call(&self, method: &str, data: Bytes) -> Result<Payload, RequestFailure> {
        let answer = self
            .client
            .rpc(method, data)
            .await
            .map_err(|error| self.failure(error))?;
        Ok(self.teller.payload(&answer.data))
    }

    pub(crate) async fn history(
        &self,
        channel: &str,
        request: HistoryRequest,
    ) -> Result<HistoryPage, RequestFailure> {
        let options = HistoryOptions::new().reverse(request.is_reverse);
        let mut options = match request.limit {
            Some(limit) => options.limit(limit),
            None => options.all(),
        };
        if let Some(since) = request.since {
            options = options.since(StreamPosition::new(since.offset, since.epoch));
        }
        let history = self.client.history(channel, options).await;
        let history = history.map_err(|error| self.failure(error))?;
        let epoch = Some(history.epoch.as_str());
        let publications = history.publications.into_iter();
        Ok(HistoryPage {
            publications: publications
                .map(|it| publication(channel, it, epoch, &self.teller))
                .collect(),
            position: Some(Position {
                offset: history.offset,
                epoch: history.epoch.clone(),
            }),
        })
    }

    pub(crate) async fn presence(&self, channel: &str) -> Result<Vec<Info>, RequestFailure> {
        let presence = self
            .client
            .presence(channel)
            .await
            .map_err(|error| self.failure(error))?;
        let clients = presence.clients.into_values();
        Ok(clients.map(|it| info(it, &self.teller)).collect())
    }

    pub(crate) async fn presence_stats(&self, channel: &str) -> Result<Stats, RequestFailure> {
        let stats = self
            .client
            .presence_stats(channel)
            .await
            .map_err(|error| self.failure(error))?;
        Ok(Stats {
            num_clients: u64::from(stats.num_clients),
            num_users: u64::from(stats.num_users),
        })
    }

    pub(crate) fn ended(&self) -> watch::Receiver<Option<Ended>> {
        self.ended.subscribe()
    }

    pub(crate) async fn close(&self) {
        self.client.close().await;
    }

    fn failure(&self, error: centrifuge::Error) -> RequestFailure {
        let failure = match error {
            centrifuge::Error::Server(error) => RequestFailure::server(error.code, error.message),
            // The SDK does not say whether the command had been sent.
            centrifuge::Error::Timeout | centrifuge::Error::ClientDisconnected => {
                RequestFailure::uncertain(error.to_string())
            }
            error => RequestFailure::local(error.to_string()),
        };
        match self.client.state() {
            State::Disconnected | State::Closed => failure.at_the_end(),
            _ => failure,
        }
    }
}

fn with_token(builder: ClientBuilder, token: &Token) -> ClientBuilder {
    match token {
        Token::None => builder,
        Token::Fixed(token) => builder.token(token.as_str()),
        Token::Command(command) => {
            let command = Arc::<str>::from(command.as_str());
            builder.get_token(move |_| {
                let command = Arc::clone(&command);
                async move {
                    let token = from_command(&command).await;
                    token
                        .map(Some)
                        .map_err(|what| TokenError::Other(what.into()))
                }
            })
        }
    }
}

/// The system's authorities. The SDK would not start on a machine without any, even for `ws://`.
fn tls(is_needed: bool) -> Result<TlsConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if is_needed && roots.is_empty() {
        let why = found.errors.first().map(|error| format!(": {error}"));
        let why = why.unwrap_or_default();
        return Err(format!("this machine has no authorities to trust{why}"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConfig::rustls_client_config(config))
}

/// How late a ping of the server may be.
const PING_DELAY: Duration = Duration::from_secs(10);
