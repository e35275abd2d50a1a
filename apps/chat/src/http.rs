//! The chat's interface for its page and for `curl`: JSON below `/chat/api/`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::middleware;
use axum::routing::{any, delete, get, patch, post, put};
use veche_auth::token::Secret;

use crate::announcer::Announcer;
use crate::api_client::ApiClient;
use crate::assets;
use crate::bot::Bot;
use crate::hosts::{self, Hosts};
use crate::publisher::Publisher;
use crate::rates::Rate;
use crate::store::Store;

mod bot;
mod caller;
mod changes;
mod changing;
mod direct;
mod ending;
mod invites;
mod members;
mod messages;
pub(crate) mod passwords;
mod people;
mod reactions;
mod reads;
pub(crate) mod refusal;
mod rooms;
mod session;
mod sessions;
mod subscriptions;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) store: Store,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) token_secret: Secret,
    /// Where the page finds the WebSocket.
    pub(crate) socket: String,
    /// The id of the database.
    pub(crate) house: String,
    pub(crate) message_rate: Rate,
    pub(crate) room_rate: Rate,
    pub(crate) passwords: passwords::Passwords,
    pub(crate) client: Arc<ApiClient>,
    /// Of edits, deletions and reactions.
    pub(crate) change_rate: Rate,
    pub(crate) is_demo: bool,
    pub(crate) bot: Option<Bot>,
}

/// All routes: the page, its assets, the interface.
pub(crate) fn router(service: Arc<Service>, hosts: Hosts) -> Router {
    let api = Router::new()
        .route("/login", post(session::log_in))
        .route("/register", post(session::register))
        .route("/password", post(session::change_password))
        .route(
            "/sessions",
            get(sessions::list).delete(sessions::end_others),
        )
        .route("/sessions/{session}", delete(sessions::end))
        .route("/logout", post(session::log_out))
        .route("/me", get(session::me))
        .route("/connection-token", post(session::connection_token))
        .route("/rooms", get(rooms::list).post(rooms::create))
        .route("/rooms/{room}", patch(rooms::change).delete(rooms::delete))
        .route("/public-rooms", get(rooms::discover))
        .route("/direct", post(direct::open))
        .route("/rooms/{room}/join", post(members::join))
        .route("/rooms/{room}/members", get(members::list))
        .route(
            "/rooms/{room}/members/{user}",
            put(members::set).delete(members::remove),
        )
        .route(
            "/rooms/{room}/invite",
            get(invites::find)
                .post(invites::renew)
                .delete(invites::revoke),
        )
        .route("/invites/{token}", get(invites::look).post(invites::follow))
        .route(
            "/rooms/{room}/subscription-token",
            post(subscriptions::token),
        )
        .route("/rooms/{room}/read", post(reads::mark))
        .route(
            "/rooms/{room}/messages",
            get(messages::history).post(messages::post),
        )
        .route("/rooms/{room}/changes", get(changes::since))
        .route(
            "/rooms/{room}/messages/{seq}",
            patch(changes::edit).delete(changes::delete),
        )
        .route(
            "/rooms/{room}/messages/{seq}/reactions/{emoji}",
            put(reactions::give).delete(reactions::take_back),
        )
        .route("/people", get(people::find))
        .route("/bot/talk", post(bot::talk))
        .method_not_allowed_fallback(refusal::wrong_method)
        .route("/{*nothing}", any(refusal::no_such_address))
        .layer(middleware::from_fn(caller::refuse_other_origins))
        .with_state(service);
    Router::new()
        .nest("/chat/api", api)
        .merge(assets::router())
        .layer(middleware::from_fn_with_state(
            hosts,
            hosts::refuse_other_hosts,
        ))
}

/// The wall clock, in milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
