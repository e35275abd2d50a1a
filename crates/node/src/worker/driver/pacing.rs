//! How fast a client's commands are carried out: no faster than it takes the answers, and in one turn only so many that
//! others are served in between.

use super::Fate;
use crate::connection::Open;
use crate::outbox::EASED;
use crate::worker::Worker;

/// Whether a client's next command may be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Now.
    Go,
    /// When the session has answered others.
    Busy,
    /// When the client has taken what it owes.
    Owing,
    /// When the others have had their turn.
    Later,
}

impl Worker {
    pub(super) fn pace(&self, slot: u32, open: &Open) -> Pace {
        if !open.talk.can_take(&self.context.turn()) {
            Pace::Busy
        } else if self.outboxes.owed(slot) + self.sender.unsent(&self.outboxes) > EASED {
            Pace::Owing
        } else if !self.sender.has_allowance() {
            Pace::Later
        } else {
            Pace::Go
        }
    }

    /// Sees to it that what waits is gone on with, as soon as it may be. Returns whether the socket is to be read.
    pub(super) fn schedule(&mut self, slot: u32, open: &mut Open) -> bool {
        open.pending.take_if(|pending| pending.is_empty());
        let limit = self.context.config().websocket.max_message;
        let pending = open.pending.as_ref();
        let stops = pending.is_some_and(|pending| pending.stops_reading(limit));
        let resumes = std::mem::replace(&mut open.paused, stops) && !stops;
        if open.pending.is_none() {
            return resumes;
        }
        match self.pace(slot, open) {
            // An answer will come.
            Pace::Busy => resumes,
            Pace::Owing => {
                self.outboxes.watch(slot);
                resumes
            }
            Pace::Go | Pace::Later => true,
        }
    }

    /// Goes on with what a client has sent before, and reads on where that was all.
    pub(crate) fn go_on(&mut self, slot: u32) {
        let Some(mut open) = self.connections.take_open(slot) else {
            return;
        };
        self.sender.serve_another();
        let mut fate = self.carry_out_pending(slot, &mut open);
        if fate == Fate::Alive
            && let Some(pending) = &mut open.pending
            && let Some(mut unread) = pending.take_unread()
        {
            let mut input = unread.left();
            fate = self.received_messages(slot, &mut open, &mut input);
            let left = input.len();
            if let Some(unread) = unread.decoded_but(left) {
                open.pending.get_or_insert_default().put_back_unread(unread);
            }
        }
        self.send_batch(slot, &open);
        self.put_back(slot, open, fate);
    }
}
