//! A chat with its data directory, and users who talk to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Response};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;
use veche_chat::{Chat, ChatConfig, Hosts};

use super::server::{API_KEY, Server};

/// The secret of connection tokens.
pub(crate) const TOKEN_SECRET: &str = "the token secret";

/// An open chat and the server it publishes to.
pub(crate) struct Stage {
    pub(crate) server: Server,
    chat: Option<Chat>,
    data: DataDir,
}

/// A directory that goes with the test.
struct DataDir(PathBuf);

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let data = DataDir(std::env::temp_dir().join(format!("veche-chat-{}", Uuid::new_v4())));
        let mut stage = Self {
            server: Server::start().await,
            chat: None,
            data,
        };
        stage.open().await;
        stage
    }

    /// Opens the chat on what is in the directory.
    pub(crate) async fn open(&mut self) {
        self.open_for(Hosts::Any).await;
    }

    /// The same, for requests that name these hosts.
    pub(crate) async fn open_for(&mut self, hosts: Hosts) {
        let mut config = ChatConfig::new(
            self.server.url.clone(),
            API_KEY.to_owned(),
            TOKEN_SECRET.to_owned(),
            self.data.0.clone(),
        );
        config.hosts = hosts;
        let chat = within(veche_chat::open(config)).await;
        self.chat = Some(chat.expect("the chat opens"));
    }

    /// Ends the chat without publishing what waits.
    pub(crate) async fn crash(&mut self) {
        within(self.chat.take().expect("open").stop()).await;
    }

    pub(crate) fn router(&self) -> Router {
        self.chat.as_ref().expect("open").router()
    }

    /// The directory of the database.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data.0
    }

    /// Makes rooms, nobody's, until there are as many.
    pub(crate) async fn fill_rooms(&self, count: u32) {
        let path = self.data.0.join("chat.db");
        let fill = move || {
            let database = rusqlite::Connection::open(path).expect("the database");
            for room in 1..count {
                let sql = "INSERT INTO rooms (id, title) VALUES (?1, ?1)";
                database
                    .execute(sql, [format!("room-{room}")])
                    .expect("inserted");
            }
        };
        tokio::task::spawn_blocking(fill).await.expect("filled");
    }

    /// Puts rows into the outbox of the general room, as messages would.
    pub(crate) async fn fill_outbox(&self, rows: usize) {
        let path = self.data.0.join("chat.db");
        let fill = move || {
            let mut database = rusqlite::Connection::open(path).expect("the database");
            let transaction = database.transaction().expect("a transaction");
            for row in 0..rows {
                let sql = "INSERT INTO outbox (room_id, key, channel, event, data) VALUES ('general', ?1, 'room:general', 'message', '{}')";
                transaction
                    .execute(sql, [format!("row-{row}")])
                    .expect("inserted");
            }
            transaction.commit().expect("committed");
        };
        tokio::task::spawn_blocking(fill).await.expect("filled");
    }

    pub(crate) async fn log_in(&self, name: &str) -> User {
        let (status, answer) = self
            .nobody()
            .post("login", json!({ "name": name, "key": key_of(name) }))
            .await;
        assert_eq!(status, 200, "{answer}");
        let token = answer["token"].as_str().expect("a token");
        User {
            router: self.router(),
            authorization: Some(format!("Bearer {token}")),
        }
    }

    /// Somebody who is not logged in.
    pub(crate) fn nobody(&self) -> User {
        User {
            router: self.router(),
            authorization: None,
        }
    }

    /// The same session with the chat as it is now.
    pub(crate) fn again(&self, user: &User) -> User {
        User {
            router: self.router(),
            authorization: user.authorization.clone(),
        }
    }
}

/// The key of the browser of somebody with this name.
pub(crate) fn key_of(name: &str) -> String {
    format!("{:x<40}", format!("key of {name}"))
}

/// Somebody who talks to the chat.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) router: Router,
    pub(crate) authorization: Option<String>,
}

impl User {
    pub(crate) async fn ask(&self, path: &str) -> (u16, Value) {
        answer(self.call(Method::GET, path, None).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.call(Method::POST, path, Some(body)).await).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.call(Method::DELETE, path, None).await).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.call(Method::PATCH, path, Some(body)).await).await
    }

    pub(crate) async fn put(&self, path: &str) -> (u16, Value) {
        answer(self.call(Method::PUT, path, None).await).await
    }

    pub(crate) async fn put_with(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.call(Method::PUT, path, Some(body)).await).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/chat/api/{path}"));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("a request");
        within(self.router.clone().oneshot(request))
            .await
            .expect("infallible")
    }
}

/// Waits for what must happen, and fails the test when it does not within half a minute.
#[track_caller]
#[expect(clippy::panic, reason = "a test that waits in vain fails")]
pub(crate) fn within<F: IntoFuture>(what: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    let limited = tokio::time::timeout(Duration::from_secs(30), what);
    async move {
        match limited.await {
            Ok(output) => output,
            Err(_) => panic!("what is waited for at {caller} did not happen in time"),
        }
    }
}

/// Status and JSON body of an answer.
pub(crate) async fn answer(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = within(to_bytes(response.into_body(), 1 << 20))
        .await
        .expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

/// A message id.
pub(crate) fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}
