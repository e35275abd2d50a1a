//! The gRPC API's connections: HTTP/2 on a port of its own, on the control runtime.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use veche_node::link::handover::Stream;
use veche_node::listener::Role;

use crate::drain::Drain;

/// From a connection's beginning to the end of its preface.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
/// The preface of every HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Calls of one connection at once; later ones wait in the client.
const MAX_CALLS: u32 = 1024;
/// A connection on which nothing comes for so long is asked whether it still lives,
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// and has so long to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Between a failure to accept and the next try: most often descriptors are short.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the gRPC API.
#[derive(Debug)]
pub(crate) struct Grpc {
    api: veche_api::grpc::Grpc,
    drain: Drain,
}

impl Grpc {
    pub(crate) fn new(api: veche_api::grpc::Grpc) -> Arc<Self> {
        Arc::new(Self {
            api,
            drain: Drain::new(),
        })
    }

    /// Accepts connections until [`Drain::close`].
    pub(crate) async fn accept(self: Arc<Self>, listener: std::net::TcpListener) {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "cannot listen for gRPC");
                return;
            }
        };
        let mut ending = self.drain.connection();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = ending.closing() => return,
            };
            match accepted {
                Ok((socket, _)) => {
                    tokio::spawn(self.clone().serve(socket));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a gRPC connection");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// How its connections end.
    pub(crate) fn drain(&self) -> &Drain {
        &self.drain
    }

    async fn serve(self: Arc<Self>, socket: TcpStream) {
        let mut ending = self.drain.connection();
        let opened = tokio::select! {
            opened = tokio::time::timeout(PREFACE_TIMEOUT, opened(socket)) => opened,
            () = ending.closing() => return,
        };
        let socket = match opened {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a gRPC connection did not begin");
                return;
            }
            Err(_) => return,
        };
        let grpc = self.clone();
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_CALLS)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .serve_connection(
                TokioIo::new(socket),
                service_fn(move |request| {
                    let grpc = grpc.clone();
                    async move {
                        let _call = grpc.drain.call();
                        Ok::<_, Infallible>(grpc.api.serve(request).await)
                    }
                }),
            );
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
            tracing::debug!(%error, "a gRPC connection ended");
        }
    }
}

/// A connection whose preface has arrived. A connection without a preface allocates no state of HTTP/2.
async fn opened(mut socket: TcpStream) -> io::Result<Stream> {
    socket.set_nodelay(true)?;
    let mut received = [0; PREFACE.len()];
    socket.read_exact(&mut received).await?;
    if received != *PREFACE {
        let why = "it does not speak HTTP/2 with prior knowledge";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(Stream::new(&received, socket, Role::OUTSIDE))
}
