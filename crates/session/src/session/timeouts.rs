//! Handles timers and jumps of the clock.

use std::time::Duration;

use veche_protocol::disconnect::Disconnect;

use super::Session;
use crate::effect::Effects;
use crate::refusal::{About, Refusal};
use crate::timers::Timer;
use crate::turn::Turn;

impl Session {
    /// Handles every timer that is due. Call it at the time of [`Self::poll_timeout`]; calling it earlier does no harm.
    pub fn handle_timeout(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let now = turn.now.monotonic;
        if self.timers.take_due(Timer::Stale, now) {
            let why = "no connect came within client.stale_close_delay";
            let refusal = Refusal::ends(Disconnect::STALE, why);
            return self.refuse(About::connection(0, "connect"), refusal, turn, effects);
        }
        if self.timers.take_due(Timer::Pong, now) && !self.check_pong(turn, effects) {
            return;
        }
        if self.timers.take_due(Timer::Expire, now) && !self.check_expiry(turn, effects) {
            return;
        }
        if self.timers.take_due(Timer::Ping, now) {
            self.send_ping(turn, effects);
        }
        if self.timers.take_due(Timer::Presence, now) {
            self.tick_presence(turn, effects);
        }
    }

    /// Handles a jump of the wall clock, for example after a suspend: computes the remaining time of the connection
    /// again.
    pub fn handle_clock_jump(&mut self, turn: &Turn<'_>) {
        if self.is_connected() {
            self.watch_expiry(turn);
        }
    }

    /// When to call [`Self::handle_timeout`], in monotonic time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }
}
