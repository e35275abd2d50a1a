//! Servers that do as they are told, whatever that is.

use std::future::Future;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

pub(crate) type Theirs = WebSocketStream<TcpStream>;

/// Serves each connection in a task; yields the URL.
pub(crate) async fn serve<F, T>(serve_one: F) -> String
where
    F: Fn(Theirs) -> T + Send + Clone + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serve_one = serve_one.clone();
            tokio::spawn(async move {
                if let Ok(theirs) = tokio_tungstenite::accept_async(stream).await {
                    serve_one(theirs).await;
                }
            });
        }
    });
    format!("ws://{address}/")
}

pub(crate) async fn say(theirs: &mut Theirs, text: impl Into<String>) {
    let text: String = text.into();
    theirs.send(Message::Text(text.into())).await.ok();
}

/// The next action of the client's; `None` when it has gone.
pub(crate) async fn hear(theirs: &mut Theirs) -> Option<serde_json::Value> {
    loop {
        match theirs.next().await?.ok()? {
            Message::Text(text) => return serde_json::from_str(&text).ok(),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) | Message::Frame(_) => return None,
        }
    }
}

/// Answers as a good server does, with nothing to say.
pub(crate) async fn answer(theirs: &mut Theirs, action: &serde_json::Value) {
    let event = match action["action"].as_str() {
        Some("login") => "login",
        Some("subscribe") => "subscribed",
        Some("unsubscribe") => "unsubscribed",
        Some("publish") => "published",
        Some("ping") => "pong",
        Some(other) => other,
        None => return,
    };
    let answer = serde_json::json!({"event": event, "id": action["id"],
        "channel": action["channel"], "data": {"user": action["user"]}, "system": true});
    say(theirs, answer.to_string()).await;
}

pub(crate) const WELCOME: &str = r#"{"event":"welcome","client":"c","ping":25,"retry":{"min_ms":50,"max_ms":100},"system":true}"#;
