//! What fails in a run.

use super::{HOUR, World};
use crate::happening::Happening;

impl World {
    pub(super) fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let link = self.server.links().first().copied();
        let is_awake = self.now >= self.asleep_until;
        match self.rng.u8(..14) {
            0..4 => link.into_iter().for_each(|link| self.cut(link)),
            4..6 => {
                let until = self.now + self.rng.u64(..60_000);
                link.into_iter()
                    .for_each(|link| self.network.stall(link, until));
            }
            6 if is_awake => self.sleep(),
            7 => self.set_clock(),
            8 => {
                self.server.is_up = false;
                for link in self.server.restart(self.kind.forgets) {
                    self.cut(link);
                }
            }
            9 => self.server.busy_until = self.now + self.rng.u64(..20_000),
            10 => {
                let code = if self.rng.bool() { 2500 } else { 2501 };
                let replies = self.server.unsubscribe("h1", code);
                self.send_down(replies);
            }
            11 => {
                let replies = link.map(|link| self.server.close(link, 3008, "slow"));
                self.send_down(replies.unwrap_or_default());
            }
            12 if is_awake && self.kind.settings.is_durable => self.crash(),
            12 if is_awake => self.machine.handle_hint(self.clock()),
            _ => {
                // As the server's own ping finds out.
                for link in self.server.links() {
                    if !self.network.is_open(link) {
                        self.server.forget(link);
                    }
                }
            }
        }
        self.server.is_up |= self.rng.u8(..3) == 0;
        let pause = match self.rng.u8(..30) {
            0 => self.rng.u64(..4 * 60_000),
            _ => self.rng.u64(..3_000),
        };
        self.at(pause, Happening::Fault);
    }

    /// The device sleeps; some monotonic clocks rest meanwhile.
    pub(super) fn sleep(&mut self) {
        let duration = match self.rng.bool() {
            true => self.rng.u64(..60_000),
            false => self.rng.u64(..5 * HOUR),
        };
        self.asleep_until = self.now + duration;
        if self.rng.bool() {
            self.mono_behind += duration;
        }
    }

    pub(super) fn set_clock(&mut self) {
        let change = self.rng.i64(-5_000..3 * HOUR.cast_signed());
        if change > 0 {
            self.wall_ahead += change;
            self.seems_longer += change.unsigned_abs();
        } else if !self.kind.settings.is_durable {
            self.wall_ahead += change;
        }
    }
}
