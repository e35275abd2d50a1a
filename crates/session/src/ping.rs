//! Pings and pongs: each ping has exactly one pong.

use veche_protocol::disconnect::Disconnect;

use crate::effect::{Effect, Effects};
use crate::profile::Ping;
use crate::session::Session;
use crate::timers::Timer;
use crate::turn::Turn;

impl Session {
    /// A WebSocket pong frame came. RFC 6455 section 5.5.3 allows those that nobody asked for.
    pub fn handle_pong(&mut self, _turn: &Turn<'_>, _effects: &mut Effects) {
        if self.profile.ping == Ping::Frame && self.awaits_pong {
            self.awaits_pong = false;
            self.timers.clear(Timer::Pong);
        }
    }

    /// The driver says whether it reads what the client sends. While it does not, because too much waits to be done,
    /// a pong can't be seen and none is missed.
    pub fn set_reading(&mut self, is_reading: bool) {
        self.is_reading = is_reading;
    }

    pub(crate) fn take_pong(&mut self, effects: &mut Effects) {
        if self.profile.ping == Ping::Message && self.awaits_pong {
            self.awaits_pong = false;
            self.timers.clear(Timer::Pong);
        } else {
            self.close(Disconnect::BAD_REQUEST, effects);
        }
    }

    pub(crate) fn send_ping(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let Some(interval) = turn.rules.client.ping_interval else {
            return;
        };
        effects.push(Effect::Ping);
        self.timers.set(Timer::Ping, turn.now.monotonic + interval);
        if self.profile.ping == Ping::OneWay {
            return;
        }
        self.awaits_pong = true;
        self.expect_pong(turn);
    }

    /// Whether the connection lives on.
    pub(crate) fn check_pong(&mut self, turn: &Turn<'_>, effects: &mut Effects) -> bool {
        if !self.is_reading {
            self.expect_pong(turn);
            return true;
        }
        if self.awaits_pong {
            self.close(Disconnect::NO_PONG, effects);
            return false;
        }
        true
    }

    fn expect_pong(&mut self, turn: &Turn<'_>) {
        if let Some(timeout) = turn.rules.client.pong_timeout {
            self.timers.set(Timer::Pong, turn.now.monotonic + timeout);
        }
    }
}
