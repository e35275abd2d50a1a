//! Connections that end without being asked: slow readers, lost sockets, and all of them when the node stops.

use veche_protocol::disconnect::Disconnect;

use super::Worker;
use crate::connection::Stage;
use crate::outbox::Casualty;

impl Worker {
    /// Ends the connections that could not be written to.
    pub(super) fn bury(&mut self) {
        for (slot, casualty) in self.outboxes.take_casualties() {
            match casualty {
                Casualty::Slow => self.disconnect(slot, Disconnect::SLOW),
                Casualty::Failed => self.lost(slot),
                Casualty::Drained => self.drained(slot),
            }
        }
        self.counters.backlog.set(self.outboxes.backlog());
    }

    /// While all outboxes together hold too much, the largest offender goes.
    pub(super) fn bound_backlog(&mut self) {
        while self.outboxes.backlog() > self.node.config().worker_backlog_limit {
            let Some(slot) = self.outboxes.largest_backlog() else {
                return;
            };
            let before = self.outboxes.backlog();
            self.disconnect(slot, Disconnect::SLOW);
            if self.outboxes.backlog() >= before {
                self.remove(slot);
            }
        }
    }

    pub(super) fn stop_accepting(&mut self) {
        self.accepting = false;
        for mut listener in self.listeners.drain(..) {
            // The socket closes anyway.
            let _ = self.poll.registry().deregister(&mut listener);
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
