//! The listeners of a worker: accepting from them, and pausing where the system gives no socket.

use std::io;
use std::ops::Range;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use crate::listener::{Listener, Role};
use crate::shortage::{AcceptFailure, Shortage};

/// What a worker accepts from.
#[derive(Debug)]
pub(super) struct Acceptor {
    listeners: Vec<(TcpListener, Role)>,
    is_open: bool,
    shortage: Shortage,
    /// Connections in a row that failed while they waited to be accepted.
    failed: usize,
}

/// Listeners have the tokens from this one on, below the waker's.
const FIRST_LISTENER: usize = usize::MAX - 64;
/// Connections in a row that may fail while they wait to be accepted; after more, accepting pauses.
const MAX_FAILED: usize = 64;

impl Acceptor {
    /// Registers the listeners with the event loop.
    pub(super) fn new(listeners: Vec<Listener>, registry: &Registry) -> io::Result<Self> {
        let mut acceptor = Self {
            listeners: listeners
                .into_iter()
                .map(|listener| (TcpListener::from_std(listener.socket), listener.role))
                .collect(),
            is_open: true,
            shortage: Shortage::default(),
            failed: 0,
        };
        for (at, (socket, _)) in acceptor.listeners.iter_mut().enumerate() {
            registry.register(socket, Token(FIRST_LISTENER + at), Interest::READABLE)?;
        }
        Ok(acceptor)
    }

    /// The listener of a token that is not the waker's, if it is a listener's.
    pub(super) fn listener_of(token: Token) -> Option<usize> {
        token.0.checked_sub(FIRST_LISTENER)
    }

    /// Whether connections are taken.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// All listeners.
    pub(super) fn listeners(&self) -> Range<usize> {
        0..self.listeners.len()
    }

    /// Accepts a connection. `None` when nobody waits, or the system gives nothing: then it is tried again after a
    /// pause.
    pub(super) fn accept(&mut self, listener: usize, now: Duration) -> Option<(TcpStream, Role)> {
        let (socket, role) = self.listeners.get(listener)?;
        loop {
            let error = match socket.accept() {
                Ok((socket, _)) => {
                    self.failed = 0;
                    return Some((socket, *role));
                }
                Err(error) => error,
            };
            match AcceptFailure::of(&error) {
                AcceptFailure::ConnectionFailed if self.failed < MAX_FAILED => {
                    self.failed += 1;
                    continue;
                }
                AcceptFailure::QueueEmpty => {
                    if self.shortage.ends() {
                        tracing::info!("connections can be accepted again");
                    }
                }
                AcceptFailure::OutOfDescriptors => {
                    if self.shortage.begins(now) {
                        tracing::error!(%error, "cannot accept: raise the limit of open files (ulimit -n)");
                    }
                }
                AcceptFailure::ConnectionFailed | AcceptFailure::Other => {
                    if self.shortage.begins(now) {
                        tracing::error!(%error, "cannot accept connections; it is tried again every 200 ms");
                    }
                }
            }
            self.failed = 0;
            return None;
        }
    }

    /// When accepting is tried again after a pause.
    pub(super) fn next_try(&self) -> Option<Duration> {
        self.shortage.next_try()
    }

    /// Whether a pause is over. Says so once.
    pub(super) fn is_pause_over(&mut self, now: Duration) -> bool {
        self.shortage.is_over(now)
    }

    /// Takes no more connections.
    pub(super) fn close(&mut self, registry: &Registry) {
        self.is_open = false;
        for (mut socket, _) in self.listeners.drain(..) {
            // The socket closes anyway.
            let _ = registry.deregister(&mut socket);
        }
    }
}
