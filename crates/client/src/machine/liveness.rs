//! Whether the server is still there.

use super::asked::Ask;
use super::backoff::LONGEST_MS;
use super::clock::Now;
use super::output::LinkId;
use super::{Machine, Timer};
use crate::state::Cause;
use crate::wire::Verb;

/// Silence is followed by a ping, and a ping by a sign of life, or the link is dead.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    heard_ms: u64,
    /// What the server says about its own pings.
    server_every_ms: Option<u64>,
    probe: Option<Probe>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    /// The id of the ping.
    ping: u64,
    /// Nothing but its answer will do: after a sleep, what the socket still held says nothing.
    is_strict: bool,
}

impl Liveness {
    /// Learns how often the server pings, in seconds; 0 for never.
    pub(super) fn learn_interval(&mut self, secs: u32) {
        let every_ms = u64::from(secs) * 1000;
        self.server_every_ms = (secs > 0).then_some(every_ms.min(LONGEST_MS));
    }

    fn every_ms(&self, wanted: Option<u64>) -> u64 {
        let heard_anyway = self.server_every_ms.map(|every| every + MARGIN_MS);
        wanted.or(heard_anyway).unwrap_or(DEFAULT_EVERY_MS)
    }
}

impl Machine {
    /// Something came from the server that is no frame for the machine, such as a WebSocket ping or
    /// a part of a long message.
    pub fn handle_heard(&mut self, link: LinkId, now: Now) {
        self.advance(now);
        if self.connection.is_open() && self.connection.link() == link {
            self.hear();
        }
    }

    pub(super) fn hear(&mut self) {
        let liveness = &mut self.connection.liveness;
        liveness.heard_ms = self.clock.mono();
        if liveness.probe.is_some_and(|probe| !probe.is_strict) {
            liveness.probe = None;
        }
    }

    pub(super) fn handle_pong(&mut self, id: u64) {
        let probe = &mut self.connection.liveness.probe;
        if probe.is_some_and(|probe| probe.ping <= id) {
            *probe = None;
        }
    }

    pub(super) fn start_liveness(&mut self) {
        self.connection.liveness = Liveness {
            heard_ms: self.clock.mono(),
            ..Liveness::default()
        };
        self.await_silence();
    }

    pub(super) fn check_liveness(&mut self) {
        if self.connection.liveness.probe.is_some() {
            return self.lose(Cause::Silent);
        }
        let every = self.ping_every_ms();
        let silence = self.clock.mono() - self.connection.liveness.heard_ms;
        if silence >= every {
            self.ping(false);
        } else {
            self.await_silence();
        }
    }

    /// Asks at once whether the server is there, and does not believe anything but the answer.
    pub(super) fn probe(&mut self) {
        let probe = self.connection.liveness.probe;
        if probe.is_none_or(|probe| !probe.is_strict) {
            self.ping(true);
        }
    }

    fn ping(&mut self, is_strict: bool) {
        let ping = self.asked.next_id();
        self.ask(Ask::Ping, ping, Verb::Ping.encode(ping));
        self.connection.liveness.probe = Some(Probe { ping, is_strict });
        self.set_timer(Timer::Liveness, self.settings.ping_within_ms);
    }

    fn await_silence(&mut self) {
        let heard = self.connection.liveness.heard_ms;
        let due = heard.saturating_add(self.ping_every_ms());
        self.timers.set(Timer::Liveness, due);
    }

    fn ping_every_ms(&self) -> u64 {
        let wanted = self.settings.ping_every_ms;
        self.connection.liveness.every_ms(wanted)
    }
}

/// How much longer than the server's interval of pings its silence may last.
const MARGIN_MS: u64 = 5_000;
const DEFAULT_EVERY_MS: u64 = 30_000;
