//! A server's HTTP API that remembers what was published, and fails when told to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

use super::stage::within;

/// The key the API wants to see.
pub(crate) const API_KEY: &str = "the api key";

/// A running API; it ends with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Shared>,
    published: mpsc::UnboundedReceiver<Value>,
}

struct Shared {
    published: mpsc::UnboundedSender<Value>,
    taken: watch::Sender<usize>,
    refuse: AtomicBool,
    refused: Notify,
    lose: AtomicUsize,
    hold: AtomicBool,
    held: Notify,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (sender, published) = mpsc::unbounded_channel();
        let state = Arc::new(Shared {
            published: sender,
            taken: watch::channel(0).0,
            refuse: AtomicBool::new(false),
            refused: Notify::new(),
            lose: AtomicUsize::new(0),
            hold: AtomicBool::new(false),
            held: Notify::new(),
        });
        let router = Router::new()
            .route("/api/publish", post(publish))
            .route("/api/broadcast", post(publish))
            .route("/api/disconnect", post(publish))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            state,
            published,
        }
    }

    /// From now on publications are refused with error 100, or taken again.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.state.refuse.store(refuse, Ordering::SeqCst);
    }

    /// Waits for a refusal.
    pub(crate) async fn refused(&self) {
        within(self.state.refused.notified()).await;
    }

    /// Takes this many publications, but answers them with status 500.
    pub(crate) fn lose_answers(&self, count: usize) {
        self.state.lose.store(count, Ordering::SeqCst);
    }

    /// From now on takes nothing and answers nothing.
    pub(crate) fn hold(&self) {
        self.state.hold.store(true, Ordering::SeqCst);
    }

    /// Waits for a call that hangs.
    pub(crate) async fn held(&self) {
        within(self.state.held.notified()).await;
    }

    /// How many publications were taken.
    pub(crate) fn taken(&self) -> usize {
        *self.state.taken.borrow()
    }

    /// Waits until this many publications were taken.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut taken = self.state.taken.subscribe();
        within(taken.wait_for(|taken| *taken >= count))
            .await
            .expect("the server runs");
    }

    /// The next publications, in the order they were taken.
    pub(crate) async fn next<const N: usize>(&mut self) -> [Value; N] {
        let mut next = Vec::new();
        while next.len() < N {
            next.push(
                within(self.published.recv())
                    .await
                    .expect("the server runs"),
            );
        }
        next.try_into().expect("exactly N")
    }

    /// The seqs of the next `count` messages published in a room.
    pub(crate) async fn room_seqs(&mut self, room: &str, count: usize) -> Vec<i64> {
        let mut seqs = Vec::new();
        while seqs.len() < count {
            let [publication] = self.next().await;
            if publication["channel"] == format!("room:{room}") {
                seqs.push(
                    publication["data"]["message"]["seq"]
                        .as_i64()
                        .expect("a message"),
                );
            }
        }
        seqs
    }

    /// The seqs of the next `count` messages of all rooms, by channel.
    pub(crate) async fn by_channel(&mut self, count: usize) -> HashMap<String, Vec<i64>> {
        let mut channels: HashMap<String, Vec<i64>> = HashMap::new();
        for _ in 0..count {
            let publication = loop {
                let [publication] = self.next().await;
                if publication["data"]["type"] == "message" {
                    break publication;
                }
            };
            let channel = publication["channel"].as_str().expect("a name").to_owned();
            let seq = publication["data"]["message"]["seq"]
                .as_i64()
                .expect("a message");
            channels.entry(channel).or_default().push(seq);
        }
        channels
    }
}

async fn publish(
    State(state): State<Arc<Shared>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    assert_eq!(headers["x-api-key"], API_KEY);
    if state.hold.load(Ordering::SeqCst) {
        state.held.notify_one();
        std::future::pending::<()>().await;
    }
    if state.refuse.load(Ordering::SeqCst) {
        state.refused.notify_one();
        let error = json!({ "error": { "code": 100, "message": "internal server error" } });
        return (StatusCode::OK, error.to_string());
    }
    let publication = serde_json::from_str(&body).expect("JSON");
    // A test that has seen enough may have ended.
    let _ = state.published.send(publication);
    state.taken.send_modify(|taken| *taken += 1);
    let lost = state
        .lose
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
    if lost.is_ok() {
        return (StatusCode::INTERNAL_SERVER_ERROR, String::new());
    }
    (StatusCode::OK, json!({ "result": {} }).to_string())
}
