//! A connection's one entry in the wheel.

use std::mem;

use super::Worker;
use crate::connection::Stage;

impl Worker {
    /// Lets those act whose time has come.
    pub(super) fn take_timers(&mut self) {
        let mut due = mem::take(&mut self.due);
        self.wheel.take_due(self.now.monotonic, &mut due);
        for (slot, tick) in due.drain(..) {
            self.timer(slot, tick);
        }
        self.due = due;
    }

    /// A timer came. It may be stale, or early.
    fn timer(&mut self, slot: u32, tick: u64) {
        let Some(connection) = self.connections.get_mut(slot as usize) else {
            return;
        };
        if connection.tick != Some(tick) {
            return;
        }
        connection.tick = None;
        let Some(deadline) = connection.deadline() else {
            return;
        };
        if deadline <= self.now.monotonic {
            match &connection.stage {
                Stage::Head(_) | Stage::Closing(_) => self.remove(slot),
                Stage::Open(_) => {
                    self.with_session(slot, |session, turn, effects| {
                        session.handle_timeout(turn, effects)
                    });
                }
                Stage::Busy => {}
            }
        }
        self.set_timer(slot);
    }

    /// Sees to it that the wheel has the connection no later than its deadline.
    pub(crate) fn set_timer(&mut self, slot: u32) {
        let Some(connection) = self.connections.get_mut(slot as usize) else {
            return;
        };
        let Some(deadline) = connection.deadline() else {
            return;
        };
        let wanted = crate::wheel::tick_of(deadline);
        if connection.tick.is_none_or(|tick| wanted < tick) {
            connection.tick = Some(self.wheel.insert(slot, deadline));
        }
    }
}
