//! How a worker comes by its connections: accepting, sharing out, the first request, and the end.

use std::io;
use std::mem;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Token};
use smallvec::SmallVec;

use crate::connection::{Closing, Connection, Head, Opening, Stage};
use crate::inbox::{ConnectionKey, Item};
use crate::link::Link;
use crate::reception::{Decision, MAX_HEAD};
use crate::worker::Worker;

/// From the first byte to the end of the request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// From our last byte to the client's end.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Until accepting is tried again after the system gave no socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Connections in a row that may fail while they wait to be accepted; after more, accepting pauses.
const MAX_FAILED: usize = 64;

impl Worker {
    /// Accepts until the queue is empty, or the system gives nothing: then it is tried again after a pause.
    pub(crate) fn accept(&mut self, listener: usize) {
        let mut failed = 0;
        loop {
            let Some(listener) = self.listeners.get(listener) else {
                return;
            };
            let error = match listener.accept() {
                Ok((socket, _)) => {
                    failed = 0;
                    self.place(socket);
                    continue;
                }
                Err(error) => error,
            };
            match AcceptFailure::of(&error) {
                AcceptFailure::QueueEmpty => {
                    if self.shortage.ends() {
                        tracing::info!("connections can be accepted again");
                    }
                    return;
                }
                AcceptFailure::ConnectionFailed if failed < MAX_FAILED => failed += 1,
                AcceptFailure::OutOfDescriptors => {
                    if self.shortage.begins(self.now.monotonic) {
                        tracing::error!(%error, "cannot accept: raise the limit of open files (ulimit -n)");
                    }
                    return;
                }
                AcceptFailure::ConnectionFailed | AcceptFailure::Other => {
                    if self.shortage.begins(self.now.monotonic) {
                        tracing::error!(%error, "cannot accept connections; it is tried again every 200 ms");
                    }
                    return;
                }
            }
        }
    }

    /// Goes on accepting after a pause for want of descriptors or memory.
    pub(crate) fn accept_after_pause(&mut self) {
        if self.shortage.is_over(self.now.monotonic) {
            for listener in 0..self.listeners.len() {
                self.accept(listener);
            }
        }
    }

    /// Keeps a fresh socket, or hands it to a worker that has clearly fewer.
    fn place(&mut self, socket: TcpStream) {
        match self.node.less_loaded_worker(self.index) {
            Some(other) => self.node.inbox(other).push(Item::Socket(socket)),
            None => self.adopt(socket),
        }
    }

    /// Takes a fresh socket, whose first request is still to come.
    pub(crate) fn adopt(&mut self, socket: TcpStream) {
        if !self.accepting {
            return;
        }
        let stage = self.fresh_head();
        self.admit(socket, stage);
    }

    /// Where a connection begins whose first request is still to come.
    pub(crate) fn fresh_head(&self) -> Stage {
        Stage::Head(Box::new(Head {
            received: Vec::new(),
            deadline: self.now.monotonic + HEAD_TIMEOUT,
        }))
    }

    /// Takes a socket whose upgrade was answered elsewhere.
    pub(crate) fn upgraded(
        &mut self,
        socket: std::net::TcpStream,
        opening: Opening,
        mut received: Vec<u8>,
    ) {
        if !self.accepting {
            return;
        }
        let Some(slot) = self.admit(TcpStream::from_std(socket), Stage::Busy) else {
            return;
        };
        self.open(slot, opening);
        self.received(slot, &mut received);
    }

    /// Registers a socket with the event loop, once, and gives it a slot.
    pub(crate) fn admit(&mut self, mut socket: TcpStream, stage: Stage) -> Option<u32> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(
            &mut socket,
            Token(self.connections.vacant_key()),
            interest,
        ) {
            tracing::error!(%error, "cannot watch a socket");
            return None;
        }
        self.seat(Some(Link::Socket(socket)), stage)
    }

    /// Gives a connection a slot.
    pub(crate) fn seat(&mut self, link: Option<Link>, stage: Stage) -> Option<u32> {
        self.next_generation = self.next_generation.wrapping_add(1);
        let entry = self.connections.vacant_entry();
        let slot = u32::try_from(entry.key()).ok()?;
        entry.insert(Connection {
            generation: self.next_generation,
            tick: None,
            attachments: SmallVec::new(),
            place_of_user: None,
            hung_up: false,
            has_more: false,
            stage,
        });
        self.outboxes.insert(slot, link);
        self.counters.sockets.set(self.connections.len());
        self.set_timer(slot);
        Some(slot)
    }

    /// More of a request's head came.
    pub(crate) fn received_head(&mut self, slot: u32, received: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(slot as usize) else {
            return;
        };
        let Stage::Head(head) = &mut connection.stage else {
            return;
        };
        let mut whole = mem::take(&mut head.received);
        let decision = if whole.is_empty() {
            self.reception.receive(received)
        } else {
            whole.extend_from_slice(received);
            self.reception.receive(&whole)
        };
        match decision {
            Decision::Incomplete => {
                if whole.is_empty() {
                    whole.extend_from_slice(received);
                }
                if whole.len() > MAX_HEAD {
                    return self.refuse_large_head(slot);
                }
                if let Some(Connection {
                    stage: Stage::Head(head),
                    ..
                }) = self.connections.get_mut(slot as usize)
                {
                    head.received = whole;
                }
            }
            Decision::Open { opening, consumed } => {
                self.open(slot, *opening);
                let rest = if whole.is_empty() {
                    received
                } else {
                    &mut whole
                };
                if let Some(rest) = rest.get_mut(consumed..).filter(|rest| !rest.is_empty()) {
                    self.received(slot, rest);
                }
            }
            Decision::TooLarge => self.refuse_large_head(slot),
            Decision::Refuse(answer) => self.refuse(slot, &answer),
            Decision::PassOn => {
                let received = if whole.is_empty() {
                    received.to_vec()
                } else {
                    whole
                };
                self.pass_on(slot, received);
            }
        }
    }

    fn refuse_large_head(&mut self, slot: u32) {
        let text = format!("the head of a request has at most {MAX_HEAD} bytes\n");
        let answer = format!(
            "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        self.refuse(slot, answer.as_bytes());
    }

    /// Answers a request that is not wanted, and ends the connection.
    fn refuse(&mut self, slot: u32, answer: &[u8]) {
        self.outboxes.append(slot, answer);
        self.close_when_drained(
            slot,
            Closing {
                decoder: None,
                peer_closed: false,
                drained: false,
                finish: true,
                deadline: self.now.monotonic + CLOSE_TIMEOUT,
            },
        );
    }

    /// Gives a socket to whoever speaks other HTTP.
    fn pass_on(&mut self, slot: u32, received: Vec<u8>) {
        self.connections.try_remove(slot as usize);
        self.counters.sockets.set(self.connections.len());
        let Some(Link::Socket(mut socket)) = self.outboxes.remove(slot) else {
            return;
        };
        if let Err(error) = self.poll.registry().deregister(&mut socket) {
            tracing::error!(%error, "cannot give a socket away");
            return;
        }
        self.reception.pass_on(socket.into(), received);
    }

    /// The end was said: what is owed is written, then the client's end is awaited.
    pub(crate) fn close_when_drained(&mut self, slot: u32, closing: Closing) {
        if let Some(connection) = self.connections.get_mut(slot as usize) {
            connection.stage = Stage::Closing(Box::new(closing));
        }
        self.outboxes.drain(slot);
        self.set_timer(slot);
    }

    /// Everything owed to a closing connection is written.
    pub(crate) fn drained(&mut self, slot: u32) {
        let Some(Connection {
            stage: Stage::Closing(closing),
            ..
        }) = self.connections.get_mut(slot as usize)
        else {
            return;
        };
        closing.drained = true;
        if closing.peer_closed {
            self.remove(slot);
        } else if closing.finish
            && let Some(link) = self.outboxes.link(slot)
            && link.finish().is_err()
        {
            self.remove(slot);
        }
    }

    /// Bytes of a client whose connection is closing: only its own end is of interest.
    pub(crate) fn received_closing(&mut self, slot: u32, received: &mut [u8]) {
        let limits = self.node.config().websocket;
        let Some(Connection {
            stage: Stage::Closing(closing),
            ..
        }) = self.connections.get_mut(slot as usize)
        else {
            return;
        };
        let Some(decoder) = &mut closing.decoder else {
            return;
        };
        let mut input = received;
        loop {
            match decoder.next(&mut input, &limits, &mut self.workspace) {
                Ok(Some(veche_websocket::decoder::Event::Close(_))) => {
                    closing.peer_closed = true;
                    if closing.drained {
                        self.remove(slot);
                    }
                    return;
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Forgets a connection; its session has said goodbye.
    pub(crate) fn remove(&mut self, slot: u32) {
        if self.connections.try_remove(slot as usize).is_some()
            && let Some(Link::Socket(mut socket)) = self.outboxes.remove(slot)
        {
            // The socket closes anyway.
            let _ = self.poll.registry().deregister(&mut socket);
        }
        self.counters.sockets.set(self.connections.len());
    }

    /// Names the connection that is in a slot now.
    pub(crate) fn key(&self, slot: u32) -> Option<ConnectionKey> {
        let generation = self.connections.get(slot as usize)?.generation;
        Some(ConnectionKey { slot, generation })
    }
}

/// The want of descriptors or memory: accepting is tried again now and then, and the operator is told once.
#[derive(Debug, Default)]
pub(crate) struct Shortage {
    is_told: bool,
    next_try: Option<Duration>,
}

impl Shortage {
    /// The system gave no socket. Returns whether that is news.
    fn begins(&mut self, now: Duration) -> bool {
        self.next_try = Some(now + ACCEPT_PAUSE);
        !mem::replace(&mut self.is_told, true)
    }

    /// Everybody who waited was accepted. Returns whether that is news.
    fn ends(&mut self) -> bool {
        self.next_try = None;
        mem::take(&mut self.is_told)
    }

    /// When accepting is tried again.
    pub(crate) fn next_try(&self) -> Option<Duration> {
        self.next_try
    }

    /// Whether it is time to try. Says so once.
    fn is_over(&mut self, now: Duration) -> bool {
        self.next_try.take_if(|next| *next <= now).is_some()
    }
}

/// What a failure to accept means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AcceptFailure {
    /// Nobody waits; the event loop tells when somebody does.
    QueueEmpty,
    /// The connection that was to be accepted failed while it waited, and is gone: the next one may be there.
    ConnectionFailed,
    /// The process or the system has no free descriptor.
    OutOfDescriptors,
    /// Memory is short, or something else that lasts. To try at once would be to try for ever.
    Other,
}

impl AcceptFailure {
    /// Source: accept(2), on Linux: a new socket may report errors of its network, to be treated as if to be tried again.
    fn of(error: &io::Error) -> Self {
        if is_out_of_descriptors(error) {
            return Self::OutOfDescriptors;
        }
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::QueueEmpty,
            io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::TimedOut
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::Unsupported => Self::ConnectionFailed,
            _ if is_of_a_protocol(error) => Self::ConnectionFailed,
            _ => Self::Other,
        }
    }
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(_: &io::Error) -> bool {
    false
}

/// Errors of a connection's network for which the standard library has no name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_of_a_protocol(error: &io::Error) -> bool {
    const ENONET: i32 = 64;
    const EPROTO: i32 = 71;
    const ENOPROTOOPT: i32 = 92;
    const EHOSTDOWN: i32 = 112;
    let code = error.raw_os_error();
    matches!(code, Some(ENONET | EPROTO | ENOPROTOOPT | EHOSTDOWN))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_of_a_protocol(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_want_of_descriptors_is_told_once_however_often_accepting_is_tried() {
        let mut shortage = Shortage::default();
        let mut now = Duration::ZERO;
        assert!(shortage.begins(now));
        for _ in 0..10 {
            assert!(!shortage.is_over(now));
            now += ACCEPT_PAUSE;
            assert_eq!(shortage.next_try(), Some(now));
            assert!(shortage.is_over(now));
            assert!(!shortage.begins(now), "it lasts");
        }
        assert!(shortage.ends());
        assert!(!shortage.ends());
        assert_eq!(shortage.next_try(), None);
        assert!(shortage.begins(now), "another one");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn accepting_goes_on_after_what_one_connection_did_and_pauses_for_all_else() {
        let of = |code| AcceptFailure::of(&io::Error::from_raw_os_error(code));
        const EAGAIN: i32 = 11;
        assert_eq!(of(EAGAIN), AcceptFailure::QueueEmpty);
        for (name, code) in [("EMFILE", 24), ("ENFILE", 23)] {
            assert_eq!(of(code), AcceptFailure::OutOfDescriptors, "{name}");
        }
        for (name, code) in [
            ("EPERM", 1),
            ("EINTR", 4),
            ("ENONET", 64),
            ("EPROTO", 71),
            ("ENOPROTOOPT", 92),
            ("EOPNOTSUPP", 95),
            ("ENETDOWN", 100),
            ("ENETUNREACH", 101),
            ("ECONNABORTED", 103),
            ("ETIMEDOUT", 110),
            ("EHOSTDOWN", 112),
            ("EHOSTUNREACH", 113),
        ] {
            assert_eq!(of(code), AcceptFailure::ConnectionFailed, "{name}");
        }
        for (name, code) in [
            ("ENOMEM", 12),
            ("EINVAL", 22),
            ("ENOBUFS", 105),
            ("none", 9999),
        ] {
            assert_eq!(of(code), AcceptFailure::Other, "{name}");
        }
    }
}
