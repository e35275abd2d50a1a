//! Bodies of API calls: every method, the batch, and commands that name their method.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use bytes::Bytes;
use tower::ServiceExt;
use veche_api::backend::{Addressees, Backend, BackendFuture, NodeInfo, Refresh};
use veche_api::http::{ApiOptions, router};
use veche_api::listing::{Connection, ConnectionFilter, Listing, PageRequest};
use veche_api::pattern::Pattern;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::reply::PresenceStats;

const ADDRESSES: [&str; 16] = [
    "",
    "/batch",
    "/publish",
    "/broadcast",
    "/subscribe",
    "/unsubscribe",
    "/disconnect",
    "/refresh",
    "/presence",
    "/presence_stats",
    "/history",
    "/history_remove",
    "/channels",
    "/info",
    "/rpc",
    "/connections",
];

/// The first byte chooses the address, and how errors are told.
pub fn run(input: &[u8]) {
    let Some((&first, body)) = input.split_first() else {
        return;
    };
    let address = ADDRESSES.get(usize::from(first & 15)).expect("of sixteen");
    let mut request = Request::post(format!("/api{address}"));
    if first & 16 != 0 {
        request = request.header("X-Centrifugo-Error-Mode", "transport");
    }
    let request = request.body(Body::from(body.to_vec())).expect("a request");
    let (status, answer) = RUNTIME.block_on(async {
        let answer = ROUTER.clone().oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let answer = to_bytes(answer.into_body(), 64 << 20).await;
        (status, answer.expect("a whole answer"))
    });
    let known = [200, 400, 404, 409, 413, 416, 429, 500];
    assert!(known.contains(&status), "HTTP {status}");
    if status == 200 {
        let replies = answer.split(|byte| *byte == b'\n');
        for reply in replies.filter(|reply| !reply.is_empty()) {
            let reply: serde_json::Value = serde_json::from_slice(reply).expect("JSON");
            assert!(reply.is_object());
        }
    }
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
});

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let options = ApiOptions {
        insecure: true,
        ..ApiOptions::default()
    };
    router(Arc::new(Constant), options)
});

/// A backend with the same answers for all.
#[derive(Debug)]
struct Constant;

fn position() -> StreamPosition {
    StreamPosition::new(7, "epoch".into())
}

fn client() -> ClientInfo {
    ClientInfo {
        user: UserId::new("anna"),
        client: ClientId::from_random([7; 16]),
        conn_info: Some(Payload::binary(Bytes::from_static(b"\xff"))),
        chan_info: Some(Payload::json(Bytes::from_static(b"{\"a\":1}"))),
    }
}

/// A page with one item, and no other page.
fn listing<T>(item: T, page: &PageRequest) -> Listing<T> {
    assert!((1..=PageRequest::MAX_LIMIT).contains(&page.limit));
    Listing {
        items: vec![item],
        cursor: String::new(),
    }
}

fn answer<'a, T: Send + 'a>(value: T) -> BackendFuture<'a, T> {
    Box::pin(async { Ok(value) })
}

impl Backend for Constant {
    fn publish<'a>(
        &'a self,
        _channel: &'a str,
        publication: Publication,
        _options: PublishOptions,
        _skip_history: bool,
    ) -> BackendFuture<'a, StreamPosition> {
        let detected = Payload::detect(publication.data.bytes().clone());
        assert!(!publication.data.is_json() || detected.is_json());
        answer(position())
    }

    fn presence<'a>(&'a self, _channel: &'a str) -> BackendFuture<'a, Vec<ClientInfo>> {
        answer(vec![client()])
    }

    fn presence_stats<'a>(&'a self, _channel: &'a str) -> BackendFuture<'a, PresenceStats> {
        answer(PresenceStats {
            num_clients: 2,
            num_users: 1,
        })
    }

    fn history<'a>(&'a self, _channel: &'a str, _query: Query) -> BackendFuture<'a, Page> {
        let data = Payload::binary(Bytes::from_static(b"\0\xff"));
        answer(Page {
            publications: vec![Arc::new(Publication::new(data))],
            position: position(),
        })
    }

    fn remove_history<'a>(&'a self, _channel: &'a str) -> BackendFuture<'a, ()> {
        answer(())
    }

    fn channels<'a>(
        &'a self,
        pattern: Option<&'a Pattern>,
    ) -> BackendFuture<'a, BTreeMap<String, u32>> {
        let _ = format!("{pattern:?}");
        answer(BTreeMap::from([("news".to_owned(), 3)]))
    }

    fn channels_in_pages<'a>(
        &'a self,
        _pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(String, u32)>> {
        answer(listing(("news".to_owned(), 3), &page))
    }

    fn connections(
        &self,
        filter: ConnectionFilter,
        page: PageRequest,
    ) -> BackendFuture<'_, Listing<Connection>> {
        let _ = format!("{filter:?}");
        let connection = Connection {
            client: ClientId::from_random([7; 16]),
            user: UserId::new("anna"),
            app: None,
            transport: "websocket",
            protocol: "json",
            connected_at_ms: 1_700_000_000_000,
            latency: None,
            channels: vec![("news".into(), 1)],
        };
        answer(listing(connection, &page))
    }

    fn users<'a>(
        &'a self,
        _pattern: Option<&'a Pattern>,
        page: PageRequest,
    ) -> BackendFuture<'a, Listing<(UserId, u32)>> {
        answer(listing((UserId::new("anna"), 1), &page))
    }

    fn info(&self) -> BackendFuture<'_, Vec<NodeInfo>> {
        answer(vec![NodeInfo::default()])
    }

    fn disconnect(&self, _addressees: Addressees, disconnect: Disconnect) -> BackendFuture<'_, ()> {
        assert!(disconnect.reason.len() <= 123, "it fits into a close frame");
        answer(())
    }

    fn unsubscribe<'a>(
        &'a self,
        _addressees: Addressees,
        _channel: Option<&'a str>,
    ) -> BackendFuture<'a, ()> {
        answer(())
    }

    fn subscribe<'a>(
        &'a self,
        _addressees: Addressees,
        _channel: &'a str,
        _options: SubscriptionOptions,
        _recover_since: Option<StreamPosition>,
    ) -> BackendFuture<'a, ()> {
        answer(())
    }

    fn refresh(&self, _addressees: Addressees, _refresh: Refresh) -> BackendFuture<'_, ()> {
        answer(())
    }
}
