//! HTTP on the control runtime: everything that is not a client's upgrade, and upgrades on connections that were used
//! for something else before.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue, LOCATION, TRANSFER_ENCODING, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tower::ServiceExt;
use veche_node::link::handover::{Handover, Stream};
use veche_node::listener::Role;
use veche_node::node::Node;
use veche_node::reception::MAX_HEAD;
use veche_transport::doors::{Agreement, Door, Doors};
use veche_transport::head::Head;
use veche_transport::host_header::{self, BadHost};
use veche_transport::refusal::HttpRefusal;

use crate::drain::Drain;
use crate::path;
use crate::stall::WriteTimeout;

/// From the first byte of a request to the end of its head, where connections are not kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Without a byte of an answer being taken.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves HTTP requests that are not for a WebSocket.
#[derive(Debug)]
pub(crate) struct Http {
    doors: Arc<Doors>,
    /// Set once the node runs.
    inside: OnceLock<Inside>,
    /// From the end of an answer to the end of the next request's head: how long a backend may keep its connection
    /// between two calls. Zero for not at all.
    keepalive_timeout: Duration,
    drain: Drain,
}

/// A connection as hyper has it.
type Socket = TokioIo<WriteTimeout<Stream>>;

/// The services that requests are for.
#[derive(Debug)]
struct Inside {
    /// Takes upgraded connections.
    node: Arc<Node>,
    /// Answers everything else.
    router: Router,
}

impl Http {
    pub(crate) fn new(doors: Arc<Doors>, keepalive_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            doors,
            inside: OnceLock::new(),
            keepalive_timeout,
            drain: Drain::new(),
        })
    }

    /// Lets requests in. Until then they are answered with 503.
    pub(crate) fn open(&self, node: Arc<Node>, router: Router) {
        // There is one node, and it comes once.
        let _ = self.inside.set(Inside { node, router });
    }

    /// How its connections end.
    pub(crate) fn drain(&self) -> &Drain {
        &self.drain
    }

    /// Serves a connection that a worker gave away.
    pub(crate) async fn serve(self: Arc<Self>, handover: Handover) {
        let role = handover.role();
        let stream = match handover.into_stream() {
            Ok(stream) => stream,
            Err(error) => {
                tracing::error!(%error, "cannot take a socket over");
                return;
            }
        };
        let mut ending = self.drain.connection();
        let http = self.clone();
        let is_kept = !self.keepalive_timeout.is_zero();
        let head_timeout = if is_kept {
            self.keepalive_timeout
        } else {
            HEADER_TIMEOUT
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .keep_alive(is_kept)
            .header_read_timeout(head_timeout)
            .max_buf_size(MAX_HEAD)
            .serve_connection(
                Socket::new(WriteTimeout::new(stream, WRITE_TIMEOUT)),
                service_fn(move |request| http.clone().answer(request, role)),
            )
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            result = connection.as_mut() => Some(result),
            () = ending.closing() => None,
        };
        let result = match ended {
            Some(result) => result,
            None => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    result = connection => result,
                    () = ending.dropping() => return,
                }
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "an HTTP connection ended");
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        role: Role,
    ) -> Result<Response<Body>, Infallible> {
        let _call = self.drain.call();
        if let Err(wrong) = host_of(&request) {
            return Ok(last(bad_host(&wrong)));
        }
        let Some(inside) = self.inside.get() else {
            let mut response = Response::new(Body::from("starting\n"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(response);
        };
        if let Some(door) = self.doors.find(request.uri().path(), role) {
            return Ok(self.enter(door, &inside.node, request));
        }
        let hosts = request.headers().get_all(HOST);
        if let Err(refusal) = self.doors.admit(hosts.iter().map(HeaderValue::as_bytes)) {
            return Ok(refused(refusal));
        }
        if asks_for_websocket(&request) {
            return Ok(refused(HttpRefusal::no_door()));
        }
        // Of the first request of a connection both lengths are refused; of a later one only this is seen, so that
        // nothing can hide behind its body (RFC 9112, section 6.3).
        let is_last =
            self.keepalive_timeout.is_zero() || request.headers().contains_key(TRANSFER_ENCODING);
        let response = match path::cleaned(request.uri().path()) {
            Some(path) => moved(path, request.uri().query()),
            None => {
                let router = inside.router.clone();
                router.oneshot(request.map(Body::new)).await?
            }
        };
        Ok(if is_last { last(response) } else { response })
    }

    /// A client's request on a connection that was used for something else before.
    fn enter(
        &self,
        door: Door,
        node: &Arc<Node>,
        mut request: Request<Incoming>,
    ) -> Response<Body> {
        let headers: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let head = Head {
            method: request.method().as_str(),
            minor_version: u8::from(request.version() > hyper::Version::HTTP_10),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
            headers: &headers,
        };
        match self.doors.enter(door, &head) {
            Ok(agreement) => {
                let answer = agreed(&agreement);
                tokio::spawn(hand_over(
                    node.clone(),
                    hyper::upgrade::on(&mut request),
                    agreement,
                ));
                answer
            }
            Err(refusal) => refused(refusal),
        }
    }
}

/// Waits until the answer is written, and gives the connection to a worker.
async fn hand_over(node: Arc<Node>, upgrade: hyper::upgrade::OnUpgrade, agreement: Agreement) {
    let Ok(upgraded) = upgrade.await else { return };
    let Ok(parts) = upgraded.downcast::<Socket>() else {
        return;
    };
    let stream = parts.io.into_inner().into_inner();
    match stream.into_handover(&parts.read_buf) {
        Ok(handover) => node.adopt(handover, Box::new(agreement.opening)),
        Err(error) => tracing::error!(%error, "cannot hand a socket over"),
    }
}

fn agreed(agreement: &Agreement) -> Response<Body> {
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket");
    for (name, value) in &agreement.headers {
        response = response.header(*name, value);
    }
    response.body(Body::empty()).unwrap_or_default()
}

/// Whether a request names its host exactly once, and in a valid form.
fn host_of(request: &Request<Incoming>) -> Result<(), BadHost> {
    let hosts = request.headers().get_all(HOST).iter();
    let is_required = request.version() > hyper::Version::HTTP_10;
    host_header::check(hosts.map(HeaderValue::as_bytes), is_required)
}

fn bad_host(wrong: &BadHost) -> Response<Body> {
    refused(HttpRefusal {
        status: 400,
        header: None,
        text: wrong.to_string(),
    })
}

/// The last answer of its connection.
fn last(mut response: Response<Body>) -> Response<Body> {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// The same request belongs elsewhere, with its method and body.
fn moved(path: String, query: Option<&str>) -> Response<Body> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Response::builder()
        .status(StatusCode::TEMPORARY_REDIRECT)
        .header(LOCATION, path + &query)
        .body(Body::empty())
        .unwrap_or_default()
}

fn refused(refusal: HttpRefusal) -> Response<Body> {
    let mut response = Response::builder()
        .status(refusal.status)
        .header("content-type", "text/plain; charset=utf-8");
    if let Some((name, value)) = refusal.header {
        response = response.header(name, value);
    }
    response
        .body(Body::from(refusal.text + "\n"))
        .unwrap_or_default()
}

/// Whether this was to be a client's upgrade.
fn asks_for_websocket(request: &Request<Incoming>) -> bool {
    let upgrade = request.headers().get(UPGRADE);
    let upgrade = upgrade.and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.to_ascii_lowercase().contains("websocket"))
}
