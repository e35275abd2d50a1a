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
use tokio::sync::watch;

use crate::replayed::Replayed;

/// From a connection's beginning to the end of its preface.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
/// What every HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Calls of one connection at once; later ones wait in the client.
const MAX_CALLS: u32 = 1024;
/// A connection on which nothing comes for so long is asked whether it still lives,
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// and has so long to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Between a failure to accept and the next try: most often descriptors are short.
const PAUSE: Duration = Duration::from_millis(100);
/// From the end of the last call to the end of the connections, at shutdown.
const PARTING: Duration = Duration::from_secs(5);

/// Serves the gRPC API.
#[derive(Debug)]
pub(crate) struct Grpc {
    api: veche_api::grpc::Grpc,
    /// Every listener and connection watches it.
    stop: watch::Sender<bool>,
    /// Every call watches it while it is in progress.
    calls: watch::Sender<()>,
}

impl Grpc {
    pub(crate) fn new(api: veche_api::grpc::Grpc) -> Arc<Self> {
        Arc::new(Self {
            api,
            stop: watch::Sender::new(false),
            calls: watch::Sender::new(()),
        })
    }

    /// Accepts connections until [`Grpc::stop`].
    pub(crate) async fn accept(self: Arc<Self>, listener: std::net::TcpListener) {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "cannot listen for gRPC");
                return;
            }
        };
        let mut stop = self.stop.subscribe();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
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

    /// Accepts nothing more, finishes the calls in progress, and ends the connections.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
    }

    async fn serve(self: Arc<Self>, socket: TcpStream) {
        let mut stop = self.stop.subscribe();
        let socket = match tokio::time::timeout(PREFACE_TIMEOUT, opened(socket)).await {
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
                        let _in_progress = grpc.calls.subscribe();
                        Ok::<_, Infallible>(grpc.api.serve(request).await)
                    }
                }),
            );
        let mut connection = std::pin::pin!(connection);
        let stopped = tokio::select! {
            result = connection.as_mut() => Err(result),
            _ = stop.wait_for(|stop| *stop) => Ok(()),
        };
        let result = match stopped {
            Ok(()) => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    result = connection => result,
                    () = self.parting() => Ok(()),
                }
            }
            Err(result) => result,
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a gRPC connection ended");
        }
    }

    /// Waits for the calls in progress, and then as long as their answers may take to be read.
    async fn parting(&self) {
        self.calls.closed().await;
        tokio::time::sleep(PARTING).await;
    }
}

/// A connection whose preface has come; whoever sends none holds nothing of HTTP/2.
async fn opened(mut socket: TcpStream) -> io::Result<Replayed> {
    socket.set_nodelay(true)?;
    let mut received = [0; PREFACE.len()];
    socket.read_exact(&mut received).await?;
    if received != *PREFACE {
        let why = "it does not speak HTTP/2 with prior knowledge";
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(Replayed::new(received.to_vec(), socket))
}
