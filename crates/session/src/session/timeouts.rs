//! What is due at a time.

use std::time::Duration;

use veche_protocol::disconnect::Disconnect;

use super::Session;
use crate::effect::Effects;
use crate::refusal::{About, Refusal};
use crate::timers::Timer;
use crate::turn::Turn;

impl Session {
    /// Acts on everything that is due. Call it when [`Self::poll_timeout`] has come; earlier does no harm.
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

    /// The wall clock was set, or went on while the monotonic one stood still: the time left until the connection's end is
    /// reckoned anew.
    pub fn handle_clock_jump(&mut self, turn: &Turn<'_>) {
        if self.is_connected() {
            self.watch_expiry(turn);
        }
    }

    /// When [`Self::handle_timeout`] is to be called, in monotonic time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }
}
