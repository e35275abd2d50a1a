//! Tests of whole calls, against a backend that writes down what it is asked.

use axum::http::Uri;
use http_body_util::{BodyExt, Full, StreamBody};
use prost::Message;
use tonic::Code;

use veche_protocol::error_code::ErrorCode;

use super::*;
use crate::fake::Fake;
use schema::{PresenceRequest, PresenceResponse, PublishRequest, PublishResponse};

mod bodies;
mod methods;
mod reflection;

/// What a call came to.
#[derive(Debug)]
struct Answer {
    code: Code,
    message: String,
    /// `grpc-status-details-bin`, decoded.
    details: Vec<u8>,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// The message in the body, which must be there.
    #[track_caller]
    fn message<M: Message + Default>(&self) -> M {
        assert_eq!(self.code, Code::Ok, "{self:?}");
        assert_eq!(self.body.first(), Some(&0), "compressed");
        M::decode(&self.body[5..]).expect("a message")
    }

    #[track_caller]
    fn assert_says(&self, code: Code, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.message.contains(words), "{self:?}");
    }
}

fn request<B>(method: &str, body: B) -> Request<B> {
    let path = format!("/{SERVICE_NAME}/{method}");
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse::<Uri>().expect("an address");
    let kind = "application/grpc".parse().expect("a value");
    request.headers_mut().insert(header::CONTENT_TYPE, kind);
    request
}

/// A message as it stands in a body.
fn framed(message: &impl Message) -> Full<Bytes> {
    Full::new(prefixed(0, &message.encode_to_vec()))
}

fn prefixed(flag: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("short");
    let prefix = [&[flag][..], &length.to_be_bytes()];
    [prefix.concat().as_slice(), message].concat().into()
}

async fn send<B>(backend: &Arc<Fake>, options: GrpcOptions, request: Request<B>) -> Answer
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<tonic::codegen::StdError> + Send,
{
    let response = Grpc::new(backend.clone(), options).serve(request).await;
    assert_eq!(response.status(), 200);
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = Status::from_header_map(&trailers);
    let status = status.or_else(|| Status::from_header_map(&head.headers));
    let status = status.expect("a status");
    Answer {
        code: status.code(),
        message: status.message().to_owned(),
        details: status.details().to_vec(),
        headers: head.headers,
        body: body.to_bytes(),
    }
}

fn presence() -> PresenceRequest {
    PresenceRequest {
        channel: "a".into(),
    }
}

fn with<B>(mut request: Request<B>, name: &'static str, value: &str) -> Request<B> {
    let value = value.parse().expect("a value");
    request.headers_mut().append(name, value);
    request
}

#[tokio::test]
async fn the_key_is_the_first_authorization_spelled_exactly() {
    let keyed = || GrpcOptions {
        key: ApiKey::new("k"),
        ..GrpcOptions::default()
    };
    for (headers, is_good) in [
        (&[][..], false),
        (&["apikey k"], true),
        (&["apikey k", "apikey x"], true),
        (&["apikey x", "apikey k"], false),
        (&["ApiKey k"], false),
        (&["apikey  k"], false),
        (&["apikey kk"], false),
        (&["apikey "], false),
        (&["k"], false),
    ] {
        let mut call = request("Presence", framed(&presence()));
        for value in headers {
            call = with(call, "authorization", value);
        }
        let backend = Arc::default();
        let answer = send(&backend, keyed(), call).await;
        if is_good {
            assert_eq!(answer.code, Code::Ok, "{headers:?}");
        } else {
            answer.assert_says(Code::Unauthenticated, "unauthenticated");
            assert!(backend.asked().is_empty());
        }
    }
    let call = request("Presence", framed(&presence()));
    let answer = send(&Arc::default(), GrpcOptions::default(), call).await;
    assert_eq!(answer.code, Code::Ok, "no key is asked for");
}

#[tokio::test]
async fn without_the_key_nothing_of_the_message_is_read() {
    let keyed = GrpcOptions {
        key: ApiKey::new("k"),
        ..GrpcOptions::default()
    };
    let never = StreamBody::new(tokio_stream::pending::<Result<_, Infallible>>());
    let answer = send(&Arc::default(), keyed, request("Publish", never)).await;
    answer.assert_says(Code::Unauthenticated, "");
}

#[tokio::test]
async fn a_server_that_goes_down_takes_no_calls() {
    let call = request("Presence", framed(&presence()));
    let answer = send(&Arc::new(Fake::closing()), GrpcOptions::default(), call).await;
    answer.assert_says(Code::Unavailable, "shutting down");
}

#[tokio::test]
async fn what_is_not_served_is_unimplemented_by_name() {
    let empty = || Full::new(prefixed(0, &[]));
    for method in ["MapPublish", "BlockUser", "Nonsense", ""] {
        let answer = send(
            &Arc::default(),
            GrpcOptions::default(),
            request(method, empty()),
        )
        .await;
        let words = format!("method {method} not implemented");
        answer.assert_says(Code::Unimplemented, &words);
    }
    for path in ["/grpc.health.v1.Health/Check", "/x", "/"] {
        let mut call = request("", empty());
        *call.uri_mut() = path.parse().expect("an address");
        let answer = send(&Arc::default(), GrpcOptions::default(), call).await;
        answer.assert_says(Code::Unimplemented, "unknown service");
    }
    let mut reflecting = request("", empty());
    *reflecting.uri_mut() = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        .parse()
        .expect("an address");
    let answer = send(&Arc::default(), GrpcOptions::default(), reflecting).await;
    answer.assert_says(Code::Unimplemented, "unknown service");
}

#[tokio::test]
async fn what_is_no_grpc_is_answered_by_http() {
    for (method, kind, status) in [
        ("GET", Some("application/grpc"), 405),
        ("POST", None, 415),
        ("POST", Some("application/json"), 415),
        ("POST", Some("application/grpc-web"), 415),
        ("POST", Some("application/grpc+proto"), 200),
        ("POST", Some("application/grpc;x=y"), 200),
    ] {
        let mut call = request("Presence", framed(&presence()));
        *call.method_mut() = method.parse().expect("a method");
        call.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(kind) = kind {
            call = with(call, "content-type", kind);
        }
        let grpc = Grpc::new(Arc::new(Fake::default()), GrpcOptions::default());
        assert_eq!(grpc.serve(call).await.status(), status, "{method} {kind:?}");
    }
}

#[tokio::test]
async fn errors_are_in_the_answer_or_become_the_status() {
    for (code, status, words) in [
        (100, Code::Internal, "internal server error"),
        (102, Code::NotFound, "unknown channel"),
        (104, Code::NotFound, "not found"),
        (107, Code::InvalidArgument, "bad request"),
        (108, Code::InvalidArgument, "not available"),
        (111, Code::ResourceExhausted, "too many requests"),
        (112, Code::OutOfRange, "unrecoverable position"),
        (113, Code::AlreadyExists, "conflict"),
        (999, Code::Internal, ""),
    ] {
        let backend = Arc::new(Fake::refusing(ErrorCode(code)));
        let call = || request("Presence", framed(&presence()));
        let plain = send(&backend, GrpcOptions::default(), call()).await;
        let PresenceResponse { error, result } = plain.message();
        let error = error.expect("an error");
        assert_eq!((error.code, error.message.as_str()), (code, words));
        assert_eq!(error.temporary, matches!(code, 100 | 111), "{code}");
        assert_eq!(result, None);
        let always = GrpcOptions {
            transport_errors: true,
            ..GrpcOptions::default()
        };
        let asked = with(call(), "x-centrifugo-error-mode", "transport");
        for answer in [
            send(&backend, always, call()).await,
            send(&backend, GrpcOptions::default(), asked).await,
        ] {
            assert_eq!((answer.code, answer.message.as_str()), (status, words));
            let inner = error.encode_to_vec();
            let is_inside = answer
                .details
                .windows(inner.len())
                .any(|part| part == inner);
            assert!(is_inside, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn the_caller_s_deadline_ends_a_call_that_takes_longer() {
    let backend = Arc::new(Fake::silent());
    let call = with(
        request("Presence", framed(&presence())),
        "grpc-timeout",
        "1m",
    );
    let answer = send(&backend, GrpcOptions::default(), call).await;
    answer.assert_says(Code::DeadlineExceeded, "");
    assert_eq!(backend.asked(), ["presence a"]);
}

#[test]
fn the_key_is_never_printed() {
    let options = GrpcOptions {
        key: ApiKey::new("hunter2"),
        ..GrpcOptions::default()
    };
    let grpc = Grpc::new(Arc::new(Fake::default()), options);
    assert!(!format!("{grpc:?}").contains("hunter2"));
}
