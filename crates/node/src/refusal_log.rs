//! What the operator's log says of refusals: each one, but a flood of them only in numbers.

use std::time::Duration;

use veche_session::refusal::Refused;

/// Lines of a worker in one second; what is more is counted.
const LINES: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// Tells refusals to the log, within bounds.
#[derive(Debug, Default)]
pub struct RefusalLog {
    /// When the second began in which `told` lines were written.
    began: Duration,
    told: u32,
    untold: u64,
}

/// Whether a line is written, and how many were not since the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// It is.
    Line { untold: u64 },
    /// It is not.
    None,
}

impl RefusalLog {
    /// Tells what a session has refused. `now` is monotonic.
    pub(crate) fn tell(&mut self, refused: &Refused, now: Duration) {
        if !self.has_room(now) {
            return;
        }
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        tracing::info!(
            client = %refused.client,
            user = refused.user.as_str(),
            operation = refused.operation,
            channel = some(&refused.channel),
            code = refused.code,
            rule = refused.rule.map(|rule| rule.name()),
            option = some(&refused.option),
            change = some(&refused.change),
            "refused: {}",
            refused.why
        );
    }

    /// Tells that a request for an upgrade was answered with `status`. `now` is monotonic.
    pub fn tell_upgrade(&mut self, status: u16, path: &str, why: &str, now: Duration) {
        if self.has_room(now) {
            tracing::info!(status, path, "an upgrade was refused: {why}");
        }
    }

    /// Whether one more line may be written; says how many were left out, as soon as there is room.
    fn has_room(&mut self, now: Duration) -> bool {
        let Room::Line { untold } = self.room(now) else {
            return false;
        };
        if untold > 0 {
            tracing::info!(
                "{untold} more refusals were not logged: at most {LINES} are in a second"
            );
        }
        true
    }

    fn room(&mut self, now: Duration) -> Room {
        if now.saturating_sub(self.began) >= SECOND {
            (self.began, self.told) = (now, 0);
        }
        if self.told >= LINES {
            self.untold += 1;
            return Room::None;
        }
        self.told += 1;
        Room::Line {
            untold: std::mem::take(&mut self.untold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_ten_lines_a_second_and_a_number() {
        let mut log = RefusalLog::default();
        let mut lines = |ms: u64, count: usize| {
            let now = Duration::from_millis(ms);
            let rooms: Vec<Room> = (0..count).map(|_| log.room(now)).collect();
            let written = rooms.iter().filter(|room| **room != Room::None).count();
            (written, rooms.first().copied())
        };
        assert_eq!(lines(5000, 1000).0, 10);
        assert_eq!(lines(5999, 1000), (0, Some(Room::None)));
        assert_eq!(lines(6000, 3), (3, Some(Room::Line { untold: 1990 })));
        assert_eq!(lines(6001, 1), (1, Some(Room::Line { untold: 0 })));
    }
}
