//! Connections that end without being asked: slow readers, lost sockets, and all of them when the node stops.

use veche_protocol::disconnect::Disconnect;

use super::Worker;
use crate::connection::Stage;
use crate::outbox::{Casualty, EASED, LOOKS};

impl Worker {
    /// Ends the connections that could not be written to.
    pub(super) fn bury(&mut self) {
        for (slot, casualty) in self.outboxes.take_casualties() {
            match casualty {
                Casualty::Slow => self.disconnect(slot, Disconnect::SLOW),
                Casualty::Failed => self.lost(slot),
                Casualty::Drained => self.drained(slot),
                Casualty::Eased => self.read_later(slot),
            }
        }
        self.counters.backlog.set(self.outboxes.backlog());
    }

    /// While all outboxes together hold too much, the largest offenders go.
    pub(super) fn bound_backlog(&mut self) {
        let limit = self.node.config().worker_backlog_limit;
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

    /// From time to time, looks for clients that have taken nothing since the last look.
    pub(super) fn find_stalled(&mut self) {
        let now = self.now.monotonic;
        if self.next_look.is_some_and(|next| now < next) {
            return;
        }
        if self.next_look.take().is_some() {
            self.outboxes.find_stalled();
        }
        if self.outboxes.is_anyone_behind() {
            self.next_look = Some(now + self.node.config().stall_timeout / u32::from(LOOKS));
        }
    }

    pub(super) fn stop_accepting(&mut self) {
        self.accepting = false;
        for (mut socket, _) in self.listeners.drain(..) {
            // The socket closes anyway.
            let _ = self.poll.registry().deregister(&mut socket);
        }
        let waiting: Vec<u32> = self.slots(|stage| matches!(stage, Stage::Head(_)));
        for slot in waiting {
            self.remove(slot);
        }
    }

    pub(super) fn stop(&mut self) {
        self.stopping = true;
        self.stop_accepting();
        for slot in self.slots(|stage| matches!(stage, Stage::Open(_))) {
            self.disconnect(slot, Disconnect::SHUTDOWN);
        }
    }

    pub(super) fn slots(&self, wanted: impl Fn(&Stage) -> bool) -> Vec<u32> {
        self.connections
            .iter()
            .filter(|(_, connection)| wanted(&connection.stage))
            .filter_map(|(slot, _)| u32::try_from(slot).ok())
            .collect()
    }
}
