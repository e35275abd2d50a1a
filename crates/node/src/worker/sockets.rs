//! The sockets of a worker: accepted or taken over, read, and given away or closed.

use std::io;
use std::mem;

use mio::Token;
use mio::event::Event as Readiness;

use super::Worker;
use super::acceptor::Acceptor;
use crate::connection::{Connection, Opening, Stage};
use crate::inbox::Item;
use crate::inbox::WAKER;
use crate::link::handover::Handover;
use crate::link::{Link, Received};
use crate::listener::Role;

impl Worker {
    /// The event loop tells of something.
    pub(super) fn ready(&mut self, event: &Readiness) {
        let token = event.token();
        if token == WAKER {
            return;
        }
        if let Some(listener) = Acceptor::listener_of(token) {
            return self.accept(listener);
        }
        let Ok(slot) = u32::try_from(token.0) else {
            return;
        };
        if event.is_writable() {
            self.outboxes.unblock(slot);
        }
        if event.is_read_closed()
            && let Some(connection) = self.connections.get_mut(slot)
        {
            connection.hung_up = true;
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(slot);
        }
    }

    /// Goes on with connections for which a turn was too short.
    pub(super) fn read_again(&mut self) {
        for slot in self.connections.take_again() {
            if self.connections.goes_on(slot) {
                self.go_on(slot);
                self.read(slot);
            }
        }
    }

    /// Reads what has come for a connection, up to a turn's share. While it is paused nothing is read; it is read again
    /// when it goes on, because the event loop would not tell of these bytes twice.
    pub(crate) fn read(&mut self, slot: u32) {
        if self.is_paused(slot) {
            return;
        }
        let mut buffer = mem::take(&mut self.buffers.received);
        let result = match self.outboxes.link(slot) {
            Some(link) => link.receive(&mut buffer),
            None => Err(io::ErrorKind::WouldBlock.into()),
        };
        match result {
            Ok(Received { count: 0, .. }) => self.read_to_end(slot),
            Ok(Received { count, has_more }) => {
                if let Some(received) = buffer.get_mut(..count) {
                    self.received(slot, received);
                }
                // More would be told anew, but for the end, which was told already.
                let connection = self.connections.get(slot);
                let hung_up = connection.is_some_and(|connection| connection.hung_up);
                if has_more || hung_up {
                    self.connections.read_later(slot);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.lost(slot),
        }
        self.buffers.received = buffer;
    }

    /// Whether a connection is not read for the time being. When it is again, it is read without being told.
    fn is_paused(&self, slot: u32) -> bool {
        let connection = self.connections.get(slot);
        matches!(connection, Some(Connection { stage: Stage::Open(open), .. }) if open.paused)
    }

    /// Accepts until the queue is empty, or the system gives nothing: then it is tried again after a pause.
    fn accept(&mut self, listener: usize) {
        let now = self.context.monotonic();
        while let Some((socket, role)) = self.acceptor.accept(listener, now) {
            self.share_out(socket.into(), role);
        }
    }

    /// Goes on accepting after a pause for want of descriptors or memory.
    pub(super) fn accept_after_pause(&mut self) {
        if self.acceptor.is_pause_over(self.context.monotonic()) {
            for listener in self.acceptor.listeners() {
                self.accept(listener);
            }
        }
    }

    /// Keeps a fresh socket, or hands it to a worker that has clearly fewer.
    fn share_out(&mut self, link: Link, role: Role) {
        let node = self.context.node();
        match node.less_loaded_worker(self.context.index()) {
            Some(other) => node.inbox(other).push(Item::Accepted { link, role }),
            None => self.adopt(link, role),
        }
    }

    /// Takes a fresh connection, whose first request is still to come.
    pub(super) fn adopt(&mut self, link: Link, role: Role) {
        if self.acceptor.is_open() {
            let stage = self.fresh_head(role);
            self.admit(link, stage);
        }
    }

    /// Takes a connection whose upgrade was answered elsewhere.
    pub(super) fn upgraded(&mut self, handover: Handover, opening: Opening) {
        if !self.acceptor.is_open() {
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
        let token = Token(self.connections.next_slot());
        if let Err(error) = link.register(self.poll.registry(), token) {
            tracing::error!(%error, "cannot watch a socket");
            return None;
        }
        self.seat(Some(link), stage)
    }

    /// Gives a connection a slot.
    pub(crate) fn seat(&mut self, link: Option<Link>, stage: Stage) -> Option<u32> {
        let slot = self.connections.insert(stage)?;
        self.outboxes.insert(slot, link);
        self.count_sockets();
        Some(slot)
    }

    /// Gives the socket of a connection away, without a word.
    pub(super) fn give_away(&mut self, slot: u32) -> Option<Link> {
        self.connections.remove(slot);
        self.count_sockets();
        let mut link = self.outboxes.remove(slot)?;
        if let Err(error) = link.deregister(self.poll.registry()) {
            tracing::error!(%error, "cannot give a socket away");
            return None;
        }
        Some(link)
    }

    /// Forgets a connection; its session has said goodbye.
    pub(super) fn remove(&mut self, slot: u32) {
        if self.connections.remove(slot)
            && let Some(mut link) = self.outboxes.remove(slot)
        {
            // The socket closes anyway.
            let _ = link.deregister(self.poll.registry());
        }
        self.count_sockets();
    }

    fn count_sockets(&self) {
        let sockets = &self.context.counters().sockets;
        sockets.set(self.connections.len());
    }

    /// Takes no more connections, and drops handshakes that wait.
    pub(super) fn stop_accepting(&mut self) {
        self.acceptor.close(self.poll.registry());
        for slot in self
            .connections
            .slots_at(|stage| matches!(stage, Stage::Head(_)))
        {
            self.remove(slot);
        }
    }
}
