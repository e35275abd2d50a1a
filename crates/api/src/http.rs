//! The API over HTTP: authentication, limits and responses.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{BoxError, Router};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::debug;

use veche_protocol::error_code::{CommandError, ErrorCode};

use crate::backend::Backend;
use crate::json;
use crate::key::ApiKey;
use crate::legacy;
use crate::method::batch::Batch;
use crate::method::broadcast::Broadcast;
use crate::method::{Command, InJson, METHODS, Method};
use crate::pieces;
use crate::request::{Malformed, Object};

/// How the API is served (configuration section `http_api`).
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// The prefix of the methods' paths.
    pub prefix: String,
    /// The key of callers. With an empty key nobody may call.
    pub key: ApiKey,
    /// Callers need no key.
    pub insecure: bool,
    /// Errors of commands become HTTP statuses, as if every caller had sent `X-Centrifugo-Error-Mode: transport`.
    pub transport_errors: bool,
    /// Bytes of a body; longer ones are answered with 413. Bounds the commands in a batch and the channels in a
    /// broadcast too.
    pub max_body: usize,
    /// From the headers to the end of the body; later ones are answered with 408.
    pub read_timeout: Duration,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            prefix: "/api".into(),
            key: ApiKey::default(),
            insecure: false,
            transport_errors: false,
            max_body: 16 << 20,
            read_timeout: Duration::from_secs(30),
        }
    }
}

/// Routes for all methods: `POST PREFIX/METHOD`, and `POST PREFIX` for commands that name their method.
///
/// Requests without the key are refused before the body is read.
pub fn router(backend: Arc<dyn Backend>, options: ApiOptions) -> Router {
    let prefix = options.prefix.trim_end_matches('/').to_owned();
    let door = Arc::new(Door { backend, options });
    let root = if prefix.is_empty() { "/" } else { &prefix };
    let mut router = Router::new()
        .route(root, any(serve_legacy))
        .route(&format!("{prefix}/batch"), any(serve_batch))
        .route(&format!("{prefix}/broadcast"), any(serve_broadcast));
    for method in METHODS.iter().filter(|it| it.name != Broadcast::NAME) {
        let serve = move |State(door): State<Arc<Door>>, request: Request| async move {
            serve_method(&door, method, request).await
        };
        router = router.route(&format!("{prefix}/{}", method.name), any(serve));
    }
    // Without a prefix these would be the addresses of everything else on the server.
    if !prefix.is_empty() {
        router = router
            .route(&format!("{prefix}/"), any(no_such_method))
            .route(&format!("{prefix}/{{*method}}"), any(no_such_method));
    }
    router.with_state(door)
}

#[derive(Debug)]
struct Door {
    backend: Arc<dyn Backend>,
    options: ApiOptions,
}

impl Door {
    /// Lets a call in: its headers and body, or what it is answered instead.
    async fn admit(&self, request: Request) -> Result<(HeaderMap, String), Response> {
        let (head, body) = request.into_parts();
        if head.method != axum::http::Method::POST {
            let allowed = [(ALLOW, "POST")];
            let answer = refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                bad("calls are made with POST"),
            );
            return Err((allowed, answer).into_response());
        }
        if !self.options.insecure && !self.options.key.is_shown(&head.headers, &head.uri) {
            debug!("an API call showed no key, or another one");
            return Err(unauthorized());
        }
        if self.backend.is_closing() {
            let error = CommandError {
                message: "the server is shutting down".into(),
                ..ErrorCode::INTERNAL.into()
            };
            return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, error));
        }
        let text = self.read(body).await?;
        Ok((head.headers, text))
    }

    /// The answer to a command that failed.
    fn failure(&self, error: CommandError, headers: &HeaderMap) -> Response {
        if self.options.transport_errors || wants_transport_errors(headers) {
            return answer(status(&error), json::error(&error));
        }
        answer(StatusCode::OK, json::envelope(&Err(error)))
    }

    /// Reads a whole body, which must be text.
    async fn read(&self, body: Body) -> Result<String, Response> {
        let limit = self.options.max_body;
        let too_large = || {
            let why = format!("the body is larger than {limit} bytes");
            refusal(StatusCode::PAYLOAD_TOO_LARGE, bad(&why))
        };
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(too_large());
        }
        let reading = joined(Limited::new(body, limit));
        let bytes = match tokio::time::timeout(self.options.read_timeout, reading).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
            Ok(Err(_)) => return Err(bad_request(&Malformed("the body broke off".into()))),
            Err(_) => {
                let error = bad("the body did not come in time");
                return Err(refusal(StatusCode::REQUEST_TIMEOUT, error));
            }
        };
        String::from_utf8(bytes)
            .map_err(|_| bad_request(&Malformed("the body is not UTF-8".into())))
    }
}

/// The data of a body in one piece. A list of its pieces would take many times their size where they are short.
async fn joined(mut body: Limited<Body>) -> Result<Vec<u8>, BoxError> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole)
}

async fn serve_method(door: &Door, method: &Method, request: Request) -> Response {
    let (headers, text) = match door.admit(request).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    let call = match Object::parse(&text).and_then(|params| method.call(&params)) {
        Ok(call) => call,
        Err(malformed) => return bad_request(&malformed),
    };
    drop(text);
    match call.run(&door.backend).await {
        Ok(result) => answer(StatusCode::OK, json::envelope(&Ok(result))),
        Err(error) => door.failure(error, &headers),
    }
}

async fn serve_broadcast(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (headers, text) = match door.admit(request).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    let broadcast = match Object::parse(&text).and_then(|params| Broadcast::read(&params)) {
        Ok(broadcast) => broadcast,
        Err(malformed) => return bad_request(&malformed),
    };
    drop(text);
    match broadcast.answer(Arc::clone(&door.backend)).await {
        Ok(answer) => answer,
        Err(error) => door.failure(error, &headers),
    }
}

async fn serve_batch(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (_, text) = match door.admit(request).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    let batch = match Object::parse(&text).and_then(|params| Batch::parse(&params)) {
        Ok(batch) => batch,
        Err(malformed) => return bad_request(&malformed),
    };
    drop(text);
    let backend = Arc::clone(&door.backend);
    pieces::answer(|answer| batch.run(backend, answer)).await
}

async fn serve_legacy(State(door): State<Arc<Door>>, request: Request) -> Response {
    let (_, text) = match door.admit(request).await {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    match legacy::run_all(&text, &door.backend).await {
        Ok(replies) => answer(StatusCode::OK, replies),
        Err(malformed) => bad_request(&malformed),
    }
}

fn wants_transport_errors(headers: &HeaderMap) -> bool {
    let mode = headers.get("x-centrifugo-error-mode");
    mode.is_some_and(|mode| mode == "transport")
}

/// The HTTP status of an error, in the transport error mode.
fn status(error: &CommandError) -> StatusCode {
    match error.code {
        ErrorCode::UNKNOWN_CHANNEL | ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::BAD_REQUEST | ErrorCode::NOT_AVAILABLE => StatusCode::BAD_REQUEST,
        ErrorCode::UNRECOVERABLE_POSITION => StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorCode::TOO_MANY_REQUESTS => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::CONCURRENT_PAGINATION => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn answer(status: StatusCode, json: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], json).into_response()
}

fn bad_request(malformed: &Malformed) -> Response {
    debug!(why = malformed.0, "an API call could not be read");
    refusal(StatusCode::BAD_REQUEST, bad(&malformed.0))
}

/// The answer to a call that shows no key, or another one.
fn unauthorized() -> Response {
    let error = CommandError {
        message: "unauthorized: show the API key (http_api.key) in the header X-API-Key".into(),
        ..ErrorCode::UNAUTHORIZED.into()
    };
    refusal(StatusCode::UNAUTHORIZED, error)
}

async fn no_such_method() -> Response {
    let error = ErrorCode::METHOD_NOT_FOUND.into();
    refusal(StatusCode::NOT_FOUND, error)
}

fn bad(why: &str) -> CommandError {
    CommandError {
        message: format!("bad request: {why}").into(),
        ..ErrorCode::BAD_REQUEST.into()
    }
}

/// The answer to a call that never became a command: a status, and the error as a command has it.
fn refusal(status: StatusCode, error: CommandError) -> Response {
    answer(status, json::envelope(&Err(error)))
}

#[cfg(test)]
mod tests;
