//! The chat as a whole: opened, mounted by its router, stopped.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;

use veche_auth::token::Secret;

use crate::announcer::Announcer;
use crate::api_client::ApiClient;
use crate::bot::Bot;
use crate::error::ChatError;
use crate::hosts::Hosts;
use crate::http::passwords::Passwords;
use crate::http::{self, Service};
use crate::limits;
use crate::publisher::Publisher;
use crate::rates::Rate;
use crate::store::{Store, house};

/// What the chat knows of the world.
#[derive(Clone)]
pub struct ChatConfig {
    /// The server, `http://host:port` and a path if its API lies below one. TLS is not spoken.
    pub server_url: String,
    /// The key of the server's HTTP API.
    pub api_key: String,
    /// The HS256 secret of the server's connection tokens.
    pub token_secret: String,
    /// Where `chat.db` lives; made if it does not exist.
    pub data_dir: PathBuf,
    /// The WebSocket address that the page connects to: `ws://…`, `wss://…`, or a path on the
    /// page's own origin. The chat's default is `/connection/websocket`.
    pub socket: String,
    /// The hosts that requests may name: any by default.
    pub hosts: Hosts,
    /// Whether the page has what a demonstration needs, such as the button that breaks the network. Off by default.
    pub is_demo: bool,
    /// Whether a bot writes in the general room. Off by default.
    pub has_bot: bool,
}

impl ChatConfig {
    /// A configuration for a chat mounted on the server's own port.
    #[must_use]
    pub fn new(
        server_url: String,
        api_key: String,
        token_secret: String,
        data_dir: PathBuf,
    ) -> Self {
        let socket = "/connection/websocket".to_owned();
        Self {
            server_url,
            api_key,
            token_secret,
            data_dir,
            socket,
            hosts: Hosts::Any,
            is_demo: false,
            has_bot: false,
        }
    }
}

impl std::fmt::Debug for ChatConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatConfig")
            .field("server_url", &self.server_url)
            .field("data_dir", &self.data_dir)
            .field("socket", &self.socket)
            .field("hosts", &self.hosts)
            .field("is_demo", &self.is_demo)
            .field("has_bot", &self.has_bot)
            .finish_non_exhaustive()
    }
}

/// An open chat. Its publishers run until [`stop`](Self::stop), or until it and all its routers are dropped.
#[derive(Debug)]
pub struct Chat {
    service: Arc<Service>,
    publisher: Arc<Publisher>,
    hosts: Hosts,
}

/// Opens the database and begins to publish what an earlier run left behind.
///
/// The server need not be up yet: publishers try again, at most [`RETRY_MAX`](crate::limits::RETRY_MAX) apart. Must be
/// called on a Tokio runtime; the publishers run on it.
///
/// # Errors
/// [`ChatError`] when the configuration is wrong or the database does not open.
pub async fn open(config: ChatConfig) -> Result<Chat, ChatError> {
    let client = Arc::new(ApiClient::new(&config.server_url, &config.api_key)?);
    let store = Store::open(&config.data_dir).await?;
    let publisher = Publisher::start(store.clone(), Arc::clone(&client))
        .await
        .map_err(ChatError::Store)?;
    let house = store.run(house::id).await.map_err(ChatError::Store)?;
    let announcer = Announcer::start(Arc::clone(&client), publisher.stopped());
    let announcer = Arc::new(announcer);
    let bot = config.has_bot.then(|| {
        // Nobody knows the secret, and the name is the bot's after a restart, too.
        let key = format!("bot {}", config.token_secret);
        let (publisher, announcer) = (Arc::clone(&publisher), Arc::clone(&announcer));
        Bot::start(store.clone(), publisher, announcer, key)
    });
    let service = Service {
        client,
        passwords: Passwords::new(),
        announcer,
        is_demo: config.is_demo,
        bot,
        store,
        publisher: Arc::clone(&publisher),
        token_secret: Secret::new(&config.token_secret),
        socket: config.socket,
        house,
        message_rate: Rate::new(limits::MESSAGE_RATE.0, limits::MESSAGE_RATE.1),
        room_rate: Rate::new(limits::ROOM_RATE.0, limits::ROOM_RATE.1),
        change_rate: Rate::new(limits::CHANGE_RATE.0, limits::CHANGE_RATE.1),
    };
    Ok(Chat {
        service: Arc::new(service),
        publisher,
        hosts: config.hosts,
    })
}

impl Chat {
    /// The page at `/`, its assets and the chat's interface, all below `/chat/`.
    ///
    /// It has no fallback of its own for the rest: merge it into the server's router.
    pub fn router(&self) -> Router {
        http::router(Arc::clone(&self.service), self.hosts.clone())
    }

    /// Ends the publishers, each after the call it is in, within two seconds.
    ///
    /// Messages that come later are stored, and published at the next start.
    ///
    /// # Cancel safety
    /// Dropping it aborts the publishers; their rows stay in the outbox.
    pub async fn stop(&self) {
        self.publisher.stop().await;
    }
}
