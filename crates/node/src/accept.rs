//! How a worker comes by its connections: accepting, sharing out, the first request, and the end.

use std::mem;
use std::time::Duration;

use mio::Token;
use smallvec::SmallVec;

use crate::connection::{Closing, Connection, Head, Opening, Stage};
use crate::inbox::{ConnectionKey, Item};
use crate::link::Link;
use crate::link::handover::Handover;
use crate::listener::Role;
use crate::reception::{Decision, MAX_HEAD};
use crate::shortage::AcceptFailure;
use crate::worker::Worker;

/// From the first byte to the end of the request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// From our last byte to the client's end.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections in a row that may fail while they wait to be accepted; after more, accepting pauses.
const MAX_FAILED: usize = 64;

impl Worker {
    /// Accepts until the queue is empty, or the system gives nothing: then it is tried again after a pause.
    pub(crate) fn accept(&mut self, listener: usize) {
        let mut failed = 0;
        loop {
            let Some((socket, role)) = self.listeners.get(listener) else {
                return;
            };
            let error = match socket.accept() {
                Ok((socket, _)) => {
                    failed = 0;
                    self.place(socket.into(), *role);
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
    fn place(&mut self, link: Link, role: Role) {
        match self.node.less_loaded_worker(self.index) {
            Some(other) => self.node.inbox(other).push(Item::Accepted { link, role }),
            None => self.adopt(link, role),
        }
    }

    /// Takes a fresh connection, whose first request is still to come.
    pub(crate) fn adopt(&mut self, link: Link, role: Role) {
        if !self.accepting {
            return;
        }
        let stage = self.fresh_head(role);
        self.admit(link, stage);
    }

    /// Where a connection begins whose first request is still to come.
    pub(crate) fn fresh_head(&self, role: Role) -> Stage {
        Stage::Head(Box::new(Head {
            received: Vec::new(),
            deadline: self.now.monotonic + HEAD_TIMEOUT,
            role,
        }))
    }

    /// Takes a connection whose upgrade was answered elsewhere.
    pub(crate) fn upgraded(&mut self, handover: Handover, opening: Opening) {
        if !self.accepting {
            return;
        }
        let (link, mut received, _) = handover.into_parts();
        let Some(slot) = self.admit(link, Stage::Busy) else {
            return;
        };
        self.open(slot, opening);
        self.received(slot, &mut received);
    }

    /// Registers a link with the event loop, once, and gives it a slot.
    pub(crate) fn admit(&mut self, mut link: Link, stage: Stage) -> Option<u32> {
        let token = Token(self.connections.vacant_key());
        if let Err(error) = link.register(self.poll.registry(), token) {
            tracing::error!(%error, "cannot watch a socket");
            return None;
        }
        self.seat(Some(link), stage)
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
        let role = head.role;
        let decision = if whole.is_empty() {
            self.reception.receive(received, role)
        } else {
            whole.extend_from_slice(received);
            self.reception.receive(&whole, role)
        };
        match decision {
            Decision::Incomplete => {
                if whole.is_empty() {
                    whole.extend_from_slice(received);
                }
                if whole.len() > MAX_HEAD {
                    return self.lost(slot);
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
            Decision::Refuse(answer) => self.refuse(slot, &answer),
            Decision::PassOn => {
                let received = if whole.is_empty() {
                    received.to_vec()
                } else {
                    whole
                };
                self.pass_on(slot, received, role);
            }
        }
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
    fn pass_on(&mut self, slot: u32, received: Vec<u8>, role: Role) {
        self.connections.try_remove(slot as usize);
        self.counters.sockets.set(self.connections.len());
        let Some(mut link) = self.outboxes.remove(slot) else {
            return;
        };
        if let Err(error) = link.deregister(self.poll.registry()) {
            tracing::error!(%error, "cannot give a socket away");
            return;
        }
        self.reception.pass_on(Handover::new(link, received, role));
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
            && let Some(mut link) = self.outboxes.remove(slot)
        {
            // The socket closes anyway.
            let _ = link.deregister(self.poll.registry());
        }
        self.counters.sockets.set(self.connections.len());
    }

    /// Names the connection that is in a slot now.
    pub(crate) fn key(&self, slot: u32) -> Option<ConnectionKey> {
        let generation = self.connections.get(slot as usize)?.generation;
        Some(ConnectionKey { slot, generation })
    }
}
