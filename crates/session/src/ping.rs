//! Pings and pongs: each ping has exactly one pong.

use std::num::NonZeroU16;
use std::time::Duration;

use veche_protocol::disconnect::Disconnect;

use crate::effect::{Effect, Effects};
use crate::profile::Ping;
use crate::session::Session;
use crate::timers::Timer;
use crate::turn::Turn;

impl Session {
    /// Handles a WebSocket pong frame. Unsolicited ones are allowed (RFC 6455, section 5.5.3).
    pub fn handle_pong(&mut self, turn: &Turn<'_>, _effects: &mut Effects) {
        if self.profile.ping == Ping::Frame && self.unanswered_pings > 0 {
            // One pong answers all pings that were sent before it (RFC 6455, section 5.5.3).
            self.unanswered_pings = 1;
            self.end_ping(turn);
        }
    }

    /// The time from the last answered ping to its pong, in whole milliseconds and at most a minute; `None` before the
    /// first pong.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        let ms = self.latency_ms?.get() - 1;
        Some(Duration::from_millis(ms.into()))
    }

    /// Tells the session whether the driver reads from the client. While it does not, because too much is pending,
    /// no pong can arrive, and a missing one does not count.
    pub fn set_reading(&mut self, is_reading: bool) {
        self.is_reading = is_reading;
    }

    /// Extends the deadline of a pong that is due now, because it may have arrived unread.
    pub fn extend_pong(&mut self, turn: &Turn<'_>) {
        let due = self.timers.at(Timer::Pong);
        if due.is_some_and(|due| due <= turn.now.monotonic) {
            self.expect_pong(turn);
        }
    }

    pub(crate) fn handle_pong_command(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        if self.profile.ping == Ping::Message && self.unanswered_pings > 0 {
            self.end_ping(turn);
        } else {
            let why = "a pong that no ping asked for";
            self.violate(0, "pong", why, turn, effects);
        }
    }

    /// Ends the wait for a pong. The last ping was sent one interval before the next is due.
    fn end_ping(&mut self, turn: &Turn<'_>) {
        self.unanswered_pings = self.unanswered_pings.saturating_sub(1);
        if self.unanswered_pings > 0 {
            // The client is alive; the pong that is still missing has a deadline of its own.
            return self.expect_pong(turn);
        }
        self.timers.clear(Timer::Pong);
        let (next, interval) = (self.timers.at(Timer::Ping), turn.rules.client.ping_interval);
        if let Some(next) = next
            && let Some(interval) = interval
        {
            let took = turn
                .now
                .monotonic
                .saturating_add(interval)
                .saturating_sub(next);
            let ms = u16::try_from(took.as_millis()).unwrap_or(u16::MAX);
            self.latency_ms = NonZeroU16::MIN.checked_add(ms).or(Some(NonZeroU16::MAX));
        }
    }

    pub(crate) fn send_ping(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let Some(interval) = turn.rules.client.ping_interval else {
            return;
        };
        effects.push(Effect::Ping);
        let next = turn.now.monotonic.saturating_add(interval);
        self.timers.set(Timer::Ping, next);
        if self.profile.ping == Ping::OneWay {
            return;
        }
        self.unanswered_pings = self.unanswered_pings.saturating_add(1);
        self.expect_pong(turn);
    }

    /// Whether the connection stays open.
    pub(crate) fn check_pong(&mut self, turn: &Turn<'_>, effects: &mut Effects) -> bool {
        if !self.is_reading {
            self.expect_pong(turn);
            return true;
        }
        if self.unanswered_pings > 0 {
            self.close(Disconnect::NO_PONG, effects);
            return false;
        }
        true
    }

    fn expect_pong(&mut self, turn: &Turn<'_>) {
        if let Some(timeout) = turn.rules.client.pong_timeout {
            let due = turn.now.monotonic.saturating_add(timeout);
            self.timers.set(Timer::Pong, due);
        }
    }
}
