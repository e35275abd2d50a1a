//! What the interface takes, refuses and bounds.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http_body::Frame;
use serde_json::{Value, json};
use tower::ServiceExt;
use veche_auth::token::{Keys, Secret, Verifier};
use veche_chat::{ChatConfig, ChatError, Hosts, limits};

use crate::stage::{Stage, TOKEN_SECRET, User, answer, uuid, within};

#[tokio::test]
async fn who_has_no_session_gets_nothing() {
    let stage = Stage::new().await;
    for authorization in [
        None,
        Some("Bearer wrong"),
        Some("Bearer "),
        Some("Digest x"),
    ] {
        let nobody = User {
            router: stage.router(),
            authorization: authorization.map(str::to_owned),
        };
        for path in ["me", "rooms", "rooms/general/messages"] {
            let (status, answer) = nobody.ask(path).await;
            assert_eq!(
                (status, &answer["code"]),
                (401, &json!("unauthorized")),
                "{path}"
            );
        }
        assert_eq!(nobody.post("connection-token", json!({})).await.0, 401);
        assert_eq!(
            nobody
                .post("rooms/general/messages", json!({ "text": "x" }))
                .await
                .0,
            401
        );
    }
}

#[tokio::test]
async fn a_session_ends_with_its_logout() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let (_, me) = anna.ask("me").await;
    assert_eq!(me["user"], json!({ "id": "anna", "name": "Anna" }));
    assert_eq!(anna.post("logout", json!({})).await.0, 200);
    assert_eq!(anna.ask("me").await.0, 401);
    // Its other windows hear of it in the user's personal channel.
    let [news] = stage.server.next().await;
    assert_eq!(
        news["data"],
        json!({ "type": "session-ended", "session": me["session"] })
    );
}

#[tokio::test]
async fn of_too_many_sessions_the_oldest_ends() {
    let stage = Stage::new().await;
    let mut sessions = Vec::new();
    for _ in 0..=limits::SESSIONS_PER_USER {
        sessions.push(stage.log_in("Anna").await);
    }
    let alive = async |user: &User| user.ask("me").await.0 == 200;
    assert!(alive(sessions.last().expect("some")).await);
    let mut count = 0;
    for session in &sessions {
        count += u32::from(alive(session).await);
    }
    assert_eq!(count, limits::SESSIONS_PER_USER);
}

#[tokio::test]
async fn a_connection_token_names_the_user_and_runs_out() {
    let stage = Stage::new().await;
    let (status, answer) = stage
        .log_in("Анна")
        .await
        .post("connection-token", json!({}))
        .await;
    assert_eq!(status, 200);
    let token = answer["token"].as_str().expect("a token");
    let body = token.split('.').nth(1).expect("three parts");
    let claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).expect("base64"))
            .expect("JSON");
    assert_eq!(
        (&claims["sub"], &claims["info"]),
        (&json!("анна"), &json!({ "name": "Анна" }))
    );
    // SHA-256 of the user's id.
    assert_eq!(
        claims["channels"],
        json!(["me:80e29e9a7810e7454c3d14c0f97cd121"])
    );
    let (issued, expires) = (
        claims["iat"].as_i64().expect("iat"),
        claims["exp"].as_i64().expect("exp"),
    );
    assert_eq!(
        u64::try_from(expires - issued).expect("later"),
        limits::CONNECTION_TOKEN_TTL.as_secs()
    );
    let verifier = Verifier::new(Keys {
        hmac: Some(Secret::new(TOKEN_SECRET)),
        ..Keys::default()
    });
    assert!(verifier.verify_connection(token, issued, None).is_ok());
    assert!(verifier.verify_connection(token, expires, None).is_err());
}

#[tokio::test]
async fn curl_writes_and_reads_with_nothing_but_a_name() {
    let stage = Stage::new().await;
    let authorization = format!("Basic {}", BASE64_STANDARD.encode("Curl:"));
    let curl = User {
        router: stage.router(),
        authorization: Some(authorization),
    };
    let (status, answer) = curl
        .post(
            "rooms/general/messages",
            json!({ "text": "Hello from curl" }),
        )
        .await;
    assert_eq!((status, &answer["message"]["user"]), (201, &json!("curl")));
    assert_eq!(
        curl.ask("rooms/general/messages?limit=10").await.1["messages"][0]["text"],
        "Hello from curl"
    );
}

#[tokio::test]
async fn history_is_paged_both_ways_without_gaps() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    for number in 1..=25 {
        anna.post(
            "rooms/general/messages",
            json!({ "id": uuid(number), "text": number.to_string() }),
        )
        .await;
    }
    let page = async |query: &str| {
        let (_, answer) = anna.ask(&format!("rooms/general/messages?{query}")).await;
        assert_eq!(answer["top"], 25);
        let messages = answer["messages"].as_array().expect("a list").clone();
        messages
            .iter()
            .map(|message| message["seq"].as_i64().expect("a seq"))
            .collect::<Vec<_>>()
    };
    assert_eq!(page("limit=3").await, [23, 24, 25]);
    assert_eq!(page("before=23&limit=3").await, [20, 21, 22]);
    assert_eq!(page("after=3&limit=2").await, [4, 5]);
    assert_eq!(page("around=10&limit=4").await, [8, 9, 10, 11]);
    assert_eq!(page("around=25&limit=4").await, [22, 23, 24, 25]);
    assert_eq!(page("around=1&limit=4").await, [1, 2, 3, 4]);
    assert_eq!(page("around=-9&limit=100").await.len(), 25);
    assert_eq!(page("before=1").await, [0_i64; 0]);
    assert_eq!(page("after=25").await, [0_i64; 0]);
    assert_eq!(page("limit=4000000000").await.len(), 25);
    for bad in [
        "before=1&after=1",
        "before=1&around=1",
        "before=x",
        "limit=-1",
        "after=99999999999999999999",
    ] {
        assert_eq!(
            anna.ask(&format!("rooms/general/messages?{bad}")).await.0,
            400,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn a_room_is_made_once_and_its_id_can_stand_in_an_address() {
    let mut stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let (_, made) = anna.post("rooms", json!({ "title": "Чай и кофе" })).await;
    assert_eq!(
        (&made["room"]["id"], &made["created"]),
        (&json!("chay-i-kofe"), &json!(true))
    );
    let [notice] = stage.server.next().await;
    assert_eq!(
        (&notice["channel"], &notice["data"]["room"]["id"]),
        (&json!("lobby:all"), &json!("chay-i-kofe"))
    );

    let (_, known) = anna.post("rooms", json!({ "title": "чай и КОФЕ" })).await;
    assert_eq!(
        (&known["room"]["id"], &known["created"]),
        (&json!("chay-i-kofe"), &json!(false))
    );
    let (_, other) = anna.post("rooms", json!({ "title": "Чай и кофе!" })).await;
    assert_eq!(other["room"]["id"], "chay-i-kofe-2");

    anna.post("rooms/chay-i-kofe/messages", json!({ "text": "x" }))
        .await;
    let (_, list) = anna.ask("rooms").await;
    assert_eq!(list["rooms"][0]["creator"], "anna");
    let ids: Vec<_> = list["rooms"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|room| room["id"].clone())
        .collect();
    assert_eq!(ids, ["chay-i-kofe", "chay-i-kofe-2", "general"]);
    assert_eq!(list["rooms"][0]["last"]["text"], "x");
}

#[tokio::test]
async fn there_is_an_end_to_rooms() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    // By hand: one user may make a few only.
    stage.fill_rooms(limits::ROOMS).await;
    let (status, answer) = anna.post("rooms", json!({ "title": "One too many" })).await;
    assert_eq!((status, &answer["code"]), (507, &json!("no_place")));
}

#[tokio::test]
async fn what_is_too_long_or_malformed_is_refused_in_words() {
    let stage = Stage::new().await;
    let anna = stage.log_in("Anna").await;
    let general = "rooms/general/messages";
    for (path, body, status) in [
        ("login", json!({ "name": "" }), 400),
        (
            "login",
            json!({ "name": "n".repeat(limits::NAME_CHARS + 1) }),
            400,
        ),
        ("login", json!({ "name": 5 }), 400),
        ("login", json!([]), 400),
        (
            "rooms",
            json!({ "title": "t".repeat(limits::TITLE_CHARS + 1) }),
            400,
        ),
        (general, json!({ "text": "" }), 400),
        (
            general,
            json!({ "text": "я".repeat(limits::TEXT_CHARS + 1) }),
            400,
        ),
        (
            general,
            json!({ "text": "x".repeat(limits::BODY_BYTES) }),
            413,
        ),
        (general, json!({ "text": "x", "id": "1" }), 400),
        ("rooms/nowhere/messages", json!({ "text": "x" }), 404),
        ("rooms/No%20Where/messages", json!({ "text": "x" }), 404),
        ("nothing", json!({}), 404),
        ("me", json!({}), 405),
    ] {
        let (got, answer) = anna.post(path, body).await;
        assert_eq!(got, status, "{path}: {answer}");
        assert!(
            answer["error"].as_str().is_some_and(|text| text.len() > 10),
            "{path}: {answer}"
        );
    }
    assert_eq!(
        anna.post(general, json!({ "text": "я".repeat(limits::TEXT_CHARS) }))
            .await
            .0,
        201
    );
    assert_eq!(anna.ask("rooms/nowhere/messages").await.0, 404);
}

#[tokio::test]
async fn another_site_cannot_speak_for_a_user() {
    let stage = Stage::new().await;
    let send = async |content: &str, origin: Option<&str>| {
        let mut request = Request::post("/chat/api/login")
            .header("host", "chat.example:8000")
            .header("content-type", content);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let request = request
            .body(Body::from(r#"{"name":"Anna"}"#))
            .expect("a request");
        answer(stage.router().oneshot(request).await.expect("infallible"))
            .await
            .0
    };
    assert_eq!(send("application/json; charset=utf-8", None).await, 200);
    assert_eq!(
        send("application/json", Some("http://chat.example:8000")).await,
        200
    );
    assert_eq!(send("text/plain", None).await, 415);
    for origin in ["http://evil.example", "http://chat.example", "null"] {
        assert_eq!(
            send("application/json", Some(origin)).await,
            403,
            "{origin}"
        );
    }
}

/// The status and code of a request that names this host, asked of the page and of the interface.
async fn asked_as(router: axum::Router, host: &str) -> [u16; 2] {
    let ask = async |path: &str| {
        let request = Request::get(path).header("host", host).body(Body::empty());
        let request = request.expect("a request");
        let response = within(router.clone().oneshot(request)).await;
        response.expect("infallible").status().as_u16()
    };
    [ask("/").await, ask("/chat/api/rooms").await]
}

#[tokio::test]
async fn a_name_that_was_pointed_at_this_machine_is_refused() {
    let mut stage = Stage::new().await;
    assert_eq!(asked_as(stage.router(), "evil.example").await, [200, 401]);
    stage.crash().await;
    stage.open_for(Hosts::Loopback).await;
    let router = stage.router();
    assert_eq!(asked_as(router.clone(), "localhost:8000").await, [200, 401]);
    assert_eq!(asked_as(router.clone(), "[::1]").await, [200, 401]);
    assert_eq!(asked_as(router.clone(), "evil.example").await, [421, 421]);
    // The rebound page's own origin is its host: only the host can give it away.
    let request = Request::post("/chat/api/login")
        .header("host", "evil.example:8000")
        .header("origin", "http://evil.example:8000")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"name":"Anna"}"#))
        .expect("a request");
    let response = within(router.oneshot(request)).await.expect("infallible");
    let (status, refusal) = answer(response).await;
    assert_eq!((status, &refusal["code"]), (421, &json!("other_host")));
}

/// A body that begins and never ends.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_answered_and_the_connection_closed() {
    let stage = Stage::new().await;
    let request = Request::post("/chat/api/login")
        .header("content-type", "application/json")
        .body(Body::new(Endless))
        .expect("a request");
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let response = stage.router().oneshot(request).await.expect("infallible");
    assert_eq!(began.elapsed().as_secs(), limits::BODY_TIMEOUT.as_secs());
    assert_eq!(response.headers()["connection"], "close");
    let (status, refusal) = answer(response).await;
    assert_eq!((status, &refusal["code"]), (408, &json!("too_slow")));
}

#[tokio::test]
async fn an_address_that_cannot_be_published_to_is_refused_at_the_start() {
    let stage = Stage::new().await;
    let open = async |url: &str| {
        let config = ChatConfig::new(
            url.to_owned(),
            "key".to_owned(),
            "secret".to_owned(),
            stage.data_dir().join("other"),
        );
        veche_chat::open(config).await.err()
    };
    assert!(matches!(
        open("https://example.org").await,
        Some(ChatError::Tls(_))
    ));
    assert!(matches!(
        open("example.org").await,
        Some(ChatError::ServerUrl(_))
    ));
}

#[tokio::test]
async fn every_place_of_the_page_has_an_address_and_an_address_that_leads_nowhere_says_so() {
    let stage = Stage::new().await;
    let ask = async |method: &str, path: &str, accept: &str| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .body(Body::empty());
        let response = stage.router().oneshot(request.expect("a request"));
        let response = within(response).await.expect("infallible");
        let kind = response.headers()["content-type"].to_str().expect("text");
        (response.status().as_u16(), kind.starts_with("text/html"))
    };
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for path in ["/", "/room/general", "/room/general/12"] {
        assert_eq!(ask("GET", path, browser).await, (200, true), "{path}");
    }
    assert_eq!(ask("GET", "/nothing/here", browser).await, (404, true));
    assert_eq!(ask("GET", "/nothing/here", "*/*").await, (404, false));
    assert_eq!(ask("POST", "/nothing", browser).await, (404, false));
    let worker = ask("GET", "/chat-worker.js", "*/*").await;
    assert_eq!(worker, (200, false));
}

#[tokio::test]
async fn the_page_is_served_with_a_policy_that_runs_its_own_scripts_only() {
    let stage = Stage::new().await;
    let request = Request::get("/").body(Body::empty()).expect("a request");
    let response = stage.router().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .expect("text");
    assert!(policy.contains("script-src 'self';"), "{policy}");
}
