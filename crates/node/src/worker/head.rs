//! The first request of a connection: its head is read, and the reception decides what becomes of it.

use std::mem;
use std::time::Duration;

use super::Worker;
use crate::connection::{Closing, Head, Stage};
use crate::link::handover::Handover;
use crate::listener::Role;
use crate::reception::{Decision, MAX_HEAD};
use crate::worker::closing::CLOSE_TIMEOUT;

/// From the first byte to the end of the request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

impl Worker {
    /// Where a connection begins whose first request is still to come.
    pub(crate) fn fresh_head(&self, role: Role) -> Stage {
        Stage::Head(Box::new(Head {
            received: Vec::new(),
            deadline: self.context.monotonic() + HEAD_TIMEOUT,
            role,
        }))
    }

    /// More of a request's head came.
    pub(super) fn received_head(&mut self, slot: u32, received: &mut [u8]) {
        let Some(head) = self.head_mut(slot) else {
            return;
        };
        let mut whole = mem::take(&mut head.received);
        let role = head.role;
        let reception = self.context.node().reception();
        let decision = if whole.is_empty() {
            reception.receive(received, role)
        } else {
            whole.extend_from_slice(received);
            reception.receive(&whole, role)
        };
        match decision {
            Decision::Incomplete => {
                if whole.is_empty() {
                    whole.extend_from_slice(received);
                }
                if whole.len() > MAX_HEAD {
                    return self.lost(slot);
                }
                if let Some(head) = self.head_mut(slot) {
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

    fn head_mut(&mut self, slot: u32) -> Option<&mut Head> {
        match &mut self.connections.get_mut(slot)?.stage {
            Stage::Head(head) => Some(head),
            _ => None,
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
                deadline: self.context.monotonic() + CLOSE_TIMEOUT,
            },
        );
    }

    /// Gives the socket to the HTTP server, which answers all other requests.
    fn pass_on(&mut self, slot: u32, received: Vec<u8>, role: Role) {
        if let Some(link) = self.give_away(slot) {
            let handover = Handover::new(link, received, role);
            self.context.node().reception().pass_on(handover);
        }
    }
}
