//! Tests of whole calls, against a backend that writes down what it is asked.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, iter};

use axum::http::header::AUTHORIZATION;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tower::ServiceExt;

use super::*;
use crate::fake::Fake;

mod legacy;
mod methods;

const KEY: &str = "k";

fn options() -> ApiOptions {
    ApiOptions {
        key: ApiKey::new(KEY),
        max_body: 1000,
        ..ApiOptions::default()
    }
}

async fn send(backend: &Arc<Fake>, options: ApiOptions, request: Request) -> (u16, String) {
    let answer = router(backend.clone(), options).oneshot(request).await;
    let answer = answer.expect("the router always answers");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body");
    let text = String::from_utf8(body.to_bytes().into()).expect("text");
    (status, text)
}

fn post(path: &str, body: impl Into<Body>) -> Request {
    let request = Request::post(path).header("X-API-Key", KEY);
    request.body(body.into()).expect("a request")
}

/// Calls a method of a fresh backend: status, answer, and what the backend was asked.
async fn call(path: &str, body: &str) -> (u16, String, Vec<String>) {
    let backend = Arc::new(Fake::default());
    let (status, text) = send(&backend, options(), post(path, body.to_owned())).await;
    (status, text, backend.asked())
}

#[track_caller]
fn assert_says(answer: &(u16, String), status: u16, words: &str) {
    assert_eq!(answer.0, status, "{answer:?}");
    assert!(answer.1.contains(words), "{answer:?}");
}

#[tokio::test]
async fn the_key_may_stand_in_three_places_and_one_good_one_suffices() {
    let key = "X-API-Key";
    for (headers, query, expected) in [
        (&[][..], "", 401),
        (&[(key, "k")], "", 200),
        (&[(key, "x")], "", 401),
        (&[(key, "")], "", 401),
        (&[(key, "kk")], "", 401),
        (&[("Authorization", "apikey k")], "", 200),
        (&[("Authorization", "ApiKey   k ")], "", 200),
        (&[("Authorization", "apikey x")], "", 401),
        (&[("Authorization", "bearer k")], "", 401),
        (&[("Authorization", "apikey k k")], "", 401),
        (&[(key, ""), ("Authorization", "apikey k")], "", 200),
        (&[(key, "x"), ("Authorization", "apikey k")], "", 401),
        (&[(key, "x")], "?api_key=k", 200),
        (&[], "?api_key=k", 200),
        (&[], "?a=b&api_key=%6b", 200),
        (&[], "?api_key=x", 401),
        (&[], "?api_key=", 401),
        (&[], "?api_key=x&api_key=k", 401),
    ] {
        let mut request = Request::post(format!("/api/info{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from("{}")).expect("a request");
        let (status, text) = send(&Arc::default(), options(), request).await;
        assert_eq!(status, expected, "{headers:?} {query}");
        assert!(
            status == 200 || text.starts_with(r#"{"error":{"code":101,"#),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_empty_key_lets_nobody_in_and_insecure_everybody() {
    let closed = ApiOptions {
        key: ApiKey::default(),
        ..options()
    };
    for header in ["X-API-Key", AUTHORIZATION.as_str()] {
        let request = Request::post("/api/info?api_key=").header(header, "");
        let request = request.body(Body::from("{}")).expect("a request");
        let (status, _) = send(&Arc::default(), closed.clone(), request).await;
        assert_eq!(status, 401);
    }
    let open = ApiOptions {
        insecure: true,
        ..closed
    };
    let request = Request::post("/api/info").body(Body::from("{}"));
    let (status, _) = send(&Arc::default(), open, request.expect("a request")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn another_http_method_is_refused_before_the_key_is_asked_for() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT"] {
        let request = Request::builder().method(method).uri("/api/publish");
        let request = request.body(Body::empty()).expect("a request");
        let backend = Arc::<Fake>::default();
        let answer = router(backend, options()).oneshot(request).await;
        let answer = answer.expect("the router always answers");
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST", "{method}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/json",
            "{method}"
        );
    }
}

#[tokio::test]
async fn an_unknown_method_is_not_found() {
    let error = r#"{"error":{"code":104,"message":"not found"}}"#;
    for (path, body) in [
        ("/api/nonsense", error),
        ("/api/map_publish", error),
        ("/api/publish/", error),
        ("/api/a/b", error),
        ("/api/", error),
        ("/publish", ""),
    ] {
        let (status, text, asked) = call(path, "{}").await;
        assert_eq!(
            (status, text.as_str(), asked.len()),
            (404, body, 0),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_prefix_is_configurable_and_may_be_nothing() {
    for (prefix, root, method) in [
        ("/v1/api/", "/v1/api", "/v1/api/info"),
        ("/", "/", "/info"),
        ("", "/", "/info"),
    ] {
        let options = ApiOptions {
            prefix: prefix.into(),
            ..options()
        };
        let command = r#"{"method": "info"}"#;
        for request in [post(root, command), post(method, "{}")] {
            let (status, _) = send(&Arc::default(), options.clone(), request).await;
            assert_eq!(status, 200, "{prefix}");
        }
    }
}

#[tokio::test]
async fn what_is_not_one_json_object_is_refused_before_anything_is_done() {
    for body in [
        "",
        "x",
        "[]",
        "1",
        "{",
        "{} {}",
        "{} x",
        "{\"channel\": 1}",
        "{\"channel\": \"a\", \"tags\": []}",
        "{\"channel\": \"a\", \"tags\": {\"a\": 1}}",
        "{\"channel\": \"a\", \"version\": -1}",
        "{\"channel\": \"a\", \"version\": 1.0}",
        "{\"channel\": \"a\", \"version\": \"1\"}",
        "{\"channel\": \"a\", \"version\": 18446744073709551616}",
        "{\"channel\": \"a\", \"delta\": 1}",
        "{\"channel\": \"a\", \"data\": {]}",
    ] {
        for path in ["/api/publish", "/api/batch"] {
            let body = match path {
                "/api/batch" => format!("{{\"commands\": [{{\"publish\": {body}}}]}}"),
                _ => body.to_owned(),
            };
            let (status, text, asked) = call(path, &body).await;
            assert_says(
                &(status, text),
                400,
                r#"{"error":{"code":107,"message":"bad request: "#,
            );
            assert!(asked.is_empty(), "{path} {body}");
        }
    }
    let not_text = Bytes::from_static(b"{\"channel\": \"a\xff\", \"data\": 1}");
    let backend = Arc::new(Fake::default());
    let answer = send(&backend, options(), post("/api/publish", not_text)).await;
    assert_says(&answer, 400, "UTF-8");
    assert!(backend.asked().is_empty());
}

#[tokio::test]
async fn data_that_would_overflow_parsers_is_refused() {
    let options = ApiOptions {
        max_body: 1 << 20,
        ..options()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for field in ["data", "unknown"] {
        let body = format!("{{\"channel\": \"a\", \"{field}\": {deep}}}");
        let answer = send(&Arc::default(), options.clone(), post("/api/publish", body)).await;
        let expected = if field == "data" { 400 } else { 200 };
        assert_eq!(answer.0, expected, "{field}");
    }
}

#[tokio::test]
async fn a_body_is_bounded_however_it_comes() {
    let too_long = "x".repeat(1001);
    let answer = send(&Arc::default(), options(), post("/api/publish", too_long)).await;
    assert_says(&answer, 413, "1000");
    let endless = Parts(iter::repeat_with(|| Poll::Ready(Ok(&b"     "[..])))).body();
    let answer = send(&Arc::default(), options(), post("/api/publish", endless)).await;
    assert_says(&answer, 413, "1000");
    let full = format!("{:1000}", r#"{"channel": "a", "data": 1}"#);
    let answer = send(&Arc::default(), options(), post("/api/publish", full)).await;
    assert_eq!(answer.0, 200);
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_anything_is_read() {
    let request = |length| post("/api/publish", Body::new(Unreadable(length)));
    let answer = send(&Arc::default(), options(), request(1001)).await;
    assert_says(&answer, 413, "1000");
    let read = tokio::spawn(async move { send(&Arc::default(), options(), request(1000)).await });
    assert!(read.await.is_err(), "a length that fits is read");
}

/// A body that says how long it is, and panics when it is read.
struct Unreadable(u64);

impl HttpBody for Unreadable {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        panic!("the body was read");
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up_and_half_a_body_refused() {
    let silent = Parts(iter::repeat_with(|| Poll::Pending)).body();
    let impatient = ApiOptions {
        read_timeout: Duration::from_millis(1),
        ..options()
    };
    let answer = send(&Arc::default(), impatient, post("/api/publish", silent)).await;
    assert_says(&answer, 408, "in time");
    let parts = [
        Poll::Ready(Ok(&b"{\"channel\":"[..])),
        Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof))),
    ];
    let half = Parts(parts.into_iter()).body();
    let answer = send(&Arc::default(), options(), post("/api/publish", half)).await;
    assert_says(&answer, 400, "broke off");
}

#[tokio::test]
async fn errors_become_statuses_where_that_is_asked_for() {
    let mode = ApiOptions {
        transport_errors: true,
        ..options()
    };
    for (code, status) in [
        (100, 500),
        (102, 404),
        (104, 404),
        (107, 400),
        (108, 400),
        (111, 429),
        (112, 416),
        (113, 409),
        (999, 500),
    ] {
        let backend = Arc::new(Fake::refusing(ErrorCode(code)));
        let body = r#"{"channel": "a"}"#;
        let plain = send(&backend, options(), post("/api/presence", body)).await;
        assert_says(&plain, 200, &format!("{{\"error\":{{\"code\":{code}"));
        let answer = send(&backend, mode.clone(), post("/api/presence", body)).await;
        assert_says(&answer, status, &format!("{{\"code\":{code}"));
        let mut request = post("/api/presence", body);
        let value = "transport".parse().expect("a value");
        request
            .headers_mut()
            .insert("X-Centrifugo-Error-Mode", value);
        assert_eq!(send(&backend, options(), request).await, answer);
    }
    let backend = Arc::new(Fake::refusing(ErrorCode::UNKNOWN_CHANNEL));
    for (path, body) in [
        (
            "/api/batch",
            r#"{"commands": [{"presence": {"channel": "a"}}]}"#,
        ),
        ("/api/broadcast", r#"{"channels": ["a"], "data": 1}"#),
        (
            "/api",
            r#"{"method": "presence", "params": {"channel": "a"}}"#,
        ),
    ] {
        let answer = send(&backend, mode.clone(), post(path, body)).await;
        assert_says(&answer, 200, "\"error\":{\"code\":102");
    }
}

#[tokio::test]
async fn an_error_says_whether_the_same_call_may_succeed_later() {
    let mode = ApiOptions {
        transport_errors: true,
        ..options()
    };
    for (code, is_temporary) in [
        (100, true),
        (102, false),
        (104, false),
        (107, false),
        (108, false),
        (111, true),
        (112, false),
        (113, false),
        (999, false),
    ] {
        let backend = Arc::new(Fake::refusing(ErrorCode(code)));
        let presence = r#"{"channel": "a"}"#;
        let batch = r#"{"commands": [{"presence": {"channel": "a"}}]}"#;
        let broadcast = r#"{"channels": ["a"], "data": 1}"#;
        let command = r#"{"method": "presence", "params": {"channel": "a"}}"#;
        for (path, body, options) in [
            ("/api/presence", presence, options()),
            ("/api/presence", presence, mode.clone()),
            ("/api/batch", batch, options()),
            ("/api/broadcast", broadcast, options()),
            ("/api", command, options()),
        ] {
            let (_, text) = send(&backend, options, post(path, body)).await;
            let says_so = text.contains(r#","temporary":true}"#);
            assert_eq!(says_so, is_temporary, "{code} {path}: {text}");
            assert!(is_temporary || !text.contains("temporary"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_server_that_goes_down_takes_no_calls() {
    let backend = Arc::new(Fake::closing());
    let answer = send(&backend, options(), post("/api/info", "{}")).await;
    assert_says(&answer, 503, "shutting down");
}

#[tokio::test]
async fn every_command_is_observed_with_its_error() {
    let backend = Arc::new(Fake::refusing(ErrorCode::UNKNOWN_CHANNEL));
    let body = r#"{"commands": [{"info": {}}, {"broadcast": {"channels": ["a"], "data": 1}}]}"#;
    send(&backend, options(), post("/api/batch", body)).await;
    let expected = [
        ("info", Some(ErrorCode::UNKNOWN_CHANNEL)),
        ("broadcast_publish", Some(ErrorCode::UNKNOWN_CHANNEL)),
        ("broadcast", None),
    ];
    assert_eq!(backend.observed(), expected);
}

#[test]
fn the_key_is_never_printed() {
    let options = ApiOptions {
        key: ApiKey::new("hunter2"),
        ..options()
    };
    assert!(!format!("{options:?}").contains("hunter2"));
}

/// A body whose parts come when the iterator says so.
struct Parts<I>(I);

impl<I> Parts<I>
where
    I: Iterator<Item = Poll<io::Result<&'static [u8]>>> + Send + Unpin + 'static,
{
    fn body(self) -> Body {
        Body::new(self)
    }
}

impl<I> HttpBody for Parts<I>
where
    I: Iterator<Item = Poll<io::Result<&'static [u8]>>> + Unpin,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.0.next() {
            Some(part) => part
                .map_ok(|data| Frame::data(Bytes::from_static(data)))
                .map(Some),
            None => Poll::Ready(None),
        }
    }
}
