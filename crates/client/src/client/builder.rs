//! What a client is told before it starts.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, watch};
use veche_channel::Connect;

use super::clock::{Clock, millis};
use super::driver::{Driver, Senders};
use super::storing::Storing;
use super::tokens::{Tokens, token_source};
use super::transport::Transport;
use super::{Client, Shared};
use crate::machine::{Credentials, Machine, Settings, TokenError, TokenRequest, WhenUncertain};
use crate::outbox_file::{OutboxError, OutboxFile};
use crate::state::State;

/// A client to be started. Every option has a default.
#[derive(Clone)]
#[must_use = "nothing is connected until `connect` is awaited"]
pub struct Builder {
    connect: Connect,
    settings: Settings,
    tokens: Option<Tokens>,
    outbox: Option<PathBuf>,
    syncs: bool,
    request_timeout: Duration,
}

/// Why a client did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The outbox on disk cannot be opened.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Builder {
    pub(super) fn new(url: String) -> Self {
        Self {
            connect: Connect::new(url),
            settings: Settings::default(),
            tokens: None,
            outbox: None,
            syncs: true,
            request_timeout: Duration::from_secs(30),
        }
    }

    /// Logs in with a token, which is asked for by this function: before the first connection, in
    /// time before a token runs out, and when the server says that it has.
    ///
    /// The function may take 30 seconds.
    ///
    /// # Example
    /// ```no_run
    /// # async fn fetch_token() -> Result<String, std::io::Error> { Ok("a token".into()) }
    /// use veche_client::{Client, TokenError};
    ///
    /// let client = Client::builder("wss://example.com/connection/plain").token(|_| async {
    ///     let token = fetch_token().await;
    ///     token.map_err(|error| TokenError::Later(error.to_string()))
    /// });
    /// ```
    pub fn token<F, T>(mut self, ask: F) -> Self
    where
        F: Fn(TokenRequest) -> T + Send + Sync + 'static,
        T: Future<Output = Result<String, TokenError>> + Send + 'static,
    {
        self.settings.credentials = Credentials::Token;
        self.tokens = Some(token_source(ask));
        self
    }

    /// Logs in with a name, without proof, where the server allows that
    /// (`plain.allow_name_login`), as the demo does.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.settings.credentials = Credentials::Name(name.into());
        self
    }

    /// Changes how connections are made: headers, proxies, TLS, compression, the largest message
    /// that is taken. Pings are the client's own.
    pub fn configure(mut self, change: impl FnOnce(Connect) -> Connect) -> Self {
        self.connect = change(self.connect);
        self
    }

    /// Keeps the outbox in this file, so that what was not confirmed is sent after a restart. Two
    /// files with the same name and `.lock`, and `.broken` after a fault of the disk, may lie
    /// beside it. An outbox belongs to one user, and is open in one client at a time.
    pub fn outbox(mut self, path: impl Into<PathBuf>) -> Self {
        self.outbox = Some(path.into());
        self
    }

    /// Whether each change of the outbox on disk is to survive a loss of power, not only the end of
    /// the process (default: yes).
    pub fn outbox_sync(mut self, syncs: bool) -> Self {
        self.syncs = syncs;
        self
    }

    /// How much the outbox holds at most (default: 4096 publications, 16 MiB). What comes beyond
    /// fails with [`crate::PublishError::Full`].
    pub fn outbox_limit(mut self, publications: usize, bytes: usize) -> Self {
        self.settings.max_outbox = publications;
        self.settings.max_outbox_bytes = bytes;
        self
    }

    /// How many publications of one channel are sent before the first of them is confirmed
    /// (default: 1). With more, publishing is not bound by the round trip, and a publication that
    /// the server refused for the moment, because it failed or was asked too much, may come behind
    /// later ones.
    pub fn in_flight(mut self, publications: usize) -> Self {
        self.settings.in_flight = publications;
        self
    }

    /// What becomes of a publication that may have arrived and cannot be sent again safely
    /// (default: it fails as [`crate::PublishError::Uncertain`]).
    pub fn when_uncertain(mut self, what: WhenUncertain) -> Self {
        self.settings.when_uncertain = what;
        self
    }

    /// How many events, and bytes of them, wait for the reader of a subscription (default: 1024,
    /// 1 MiB). A reader that is further behind is paused: the server sends it nothing until it has
    /// caught up, and then what it missed.
    pub fn unread_limit(mut self, events: usize, bytes: usize) -> Self {
        self.settings.max_unread = events;
        self.settings.max_unread_bytes = bytes;
        self
    }

    /// Bytes of the largest message that is sent (default: 64 KiB, as the server's
    /// `websocket.message_size_limit`).
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.settings.max_message = bytes;
        self
    }

    /// How long the server may be silent before it is asked for a sign of life, and how long that
    /// may take (default: 5 seconds more than the server's own interval of pings; 10 seconds).
    pub fn ping(mut self, every: Duration, within: Duration) -> Self {
        self.settings.ping_every_ms = Some(millis(every));
        self.settings.ping_within_ms = millis(within);
        self
    }

    /// How long to wait after a failure: a random time up to `first`, which doubles with each
    /// further failure up to `most` (default: what the server advises, which is 0.5 and 20 seconds).
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.settings.backoff_ms = Some((millis(first), millis(most)));
        self
    }

    /// How long an answer of the server may take before the link counts as dead (default: 30
    /// seconds).
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.settings.answer_timeout_ms = millis(timeout);
        self
    }

    /// How long history, presence and calls may take, the wait for a connection included (default:
    /// 30 seconds).
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Starts the client. It connects in the background, and again whenever that is needed;
    /// [`Client::online`] waits for it. Runs in a Tokio runtime with time and I/O.
    ///
    /// # Errors
    /// The client cannot start. Whatever has to do with the network is a [`State`], not an error.
    pub async fn connect(self) -> Result<Client, StartError> {
        let (outbox, stored) = match self.outbox {
            None => (None, Vec::new()),
            Some(path) => {
                let syncs = self.syncs;
                let opening = tokio::task::spawn_blocking(move || OutboxFile::open(&path, syncs));
                let (file, stored) = opening.await.expect("opening does not panic")?;
                (Some(file), stored)
            }
        };
        let mut settings = self.settings;
        settings.is_durable = outbox.is_some();
        let seed = getrandom::u64().map_err(StartError::Random)?;
        let clock = Clock::start();
        let mut machine = Machine::new(settings, seed, clock.now());
        machine.restore(stored);
        let (commands, received) = mpsc::channel(COMMANDS);
        let (state, states) = watch::channel(State::Connecting);
        let (unconfirmed, counts) = watch::channel(machine.unconfirmed());
        let transitions = broadcast::Sender::new(KEPT);
        let (messages, outcomes) = (broadcast::Sender::new(KEPT), broadcast::Sender::new(KEPT));
        let shared = Shared {
            commands,
            state: states,
            transitions: transitions.downgrade(),
            unconfirmed: counts,
            messages: messages.downgrade(),
            outcomes: outcomes.downgrade(),
            request_timeout: self.request_timeout,
        };
        let senders = Senders {
            state,
            transitions,
            unconfirmed,
            messages,
            outcomes,
        };
        let transport = Transport::new(self.connect);
        let storing = outbox.map(Storing::start);
        let driver = Driver::new(machine, clock, transport, storing, self.tokens, senders);
        tokio::spawn(driver.run(received));
        Ok(Client {
            shared: Arc::new(shared),
        })
    }
}

/// Nothing of the URL and the headers: they hold secrets.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("connect", &self.connect)
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}

/// Commands that wait for the client's task. Who gives another one waits.
const COMMANDS: usize = 64;
/// News that each receiver of a broadcast keeps.
const KEPT: usize = 256;
