//! The end of connections: what is owed is written, then the client's own end is awaited. Also those that end without
//! being asked: slow readers, lost sockets, and all of them when the node stops.

use std::time::Duration;

use veche_protocol::disconnect::Disconnect;
use veche_websocket::decoder::Event;

use super::Worker;
use crate::connection::{Closing, Stage};
use crate::outbox::{Casualty, EASED};
use crate::pending_input::End;

/// From our last byte to the client's end.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl Worker {
    /// The end was said: what is owed is written, then the client's end is awaited.
    pub(super) fn close_when_drained(&mut self, slot: u32, closing: Closing) {
        self.connections.set_closing(slot, closing);
        self.outboxes.drain(slot);
    }

    /// Everything owed to a closing connection is written.
    fn drained(&mut self, slot: u32) {
        let Some(closing) = self.connections.closing_mut(slot) else {
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
    pub(super) fn received_closing(&mut self, slot: u32, received: &mut [u8]) {
        let limits = self.context.config().websocket;
        let Some(closing) = self.connections.closing_mut(slot) else {
            return;
        };
        let Some(decoder) = &mut closing.decoder else {
            return;
        };
        let workspace = self.buffers.workspace.get_or_insert_default();
        let mut input = received;
        loop {
            match decoder.next(&mut input, &limits, workspace) {
                Ok(Some(Event::Close(_))) => {
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

    /// The client of a connection that is closing has said the end, too.
    pub(super) fn peer_closed(&mut self, slot: u32) {
        if let Some(closing) = self.connections.closing_mut(slot) {
            closing.peer_closed = true;
        }
    }

    /// The client will send no more. What it has sent is carried out, and what is still owed to a closing connection
    /// is written all the same.
    pub(super) fn read_to_end(&mut self, slot: u32) {
        let connection = self.connections.get_mut(slot);
        match connection.map(|connection| &mut connection.stage) {
            Some(Stage::Closing(closing)) if !closing.drained => closing.peer_closed = true,
            Some(Stage::Open(open)) if open.pending.is_some() => {
                let pending = open.pending.get_or_insert_default();
                pending.set_end(End::Socket);
                open.paused = true;
            }
            _ => self.lost(slot),
        }
    }

    /// The socket is gone.
    pub(crate) fn lost(&mut self, slot: u32) {
        if let Some(mut open) = self.connections.take_open(slot) {
            self.part(slot, &mut open);
        }
        self.remove(slot);
    }

    /// Ends the connections that could not be written to.
    pub(super) fn end_casualties(&mut self) {
        for (slot, casualty) in self.outboxes.take_casualties() {
            match casualty {
                Casualty::Slow => self.disconnect(slot, Disconnect::SLOW),
                Casualty::Failed => self.lost(slot),
                Casualty::Drained => self.drained(slot),
                Casualty::Eased => self.connections.read_later(slot),
            }
        }
        let backlog = &self.context.counters().backlog;
        backlog.set(self.outboxes.backlog());
    }

    /// While all outboxes together hold too much, the largest offenders go.
    pub(super) fn bound_backlog(&mut self) {
        let limit = self.context.config().worker_backlog_limit;
        if self.outboxes.backlog() <= limit {
            return;
        }
        for slot in self.outboxes.largest_backlogs() {
            if self.outboxes.backlog() <= limit {
                return;
            }
            self.disconnect(slot, Disconnect::SLOW);
            // A large frame that is under way can't be taken back but with the connection.
            if self.outboxes.owed(slot) > EASED {
                self.lost(slot);
            }
        }
    }

    /// Says goodbye to all clients; the worker ends when they are gone.
    pub(super) fn stop(&mut self) {
        self.connections.end();
        self.stop_accepting();
        let is_open = |stage: &Stage| matches!(stage, Stage::Open(_));
        for slot in self.connections.slots_at(is_open) {
            self.disconnect(slot, Disconnect::SHUTDOWN);
        }
    }
}
