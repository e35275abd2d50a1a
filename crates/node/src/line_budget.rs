//! How many lines of one kind the log gets: a few in a second, and of the others only the number.

use std::time::Duration;

/// Lines of a kind in one second; what is more is counted.
const LINES: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// What is left of the lines of one second.
#[derive(Debug, Default)]
pub(crate) struct LineBudget {
    /// When the second began in which `written` lines were written.
    began: Duration,
    written: u32,
    omitted: u64,
}

impl LineBudget {
    /// Takes a line at `now`, which is monotonic. Returns how many lines were omitted since the last one that was
    /// written; `None` if this one must be omitted, too.
    pub(crate) fn take(&mut self, now: Duration) -> Option<u64> {
        if now.saturating_sub(self.began) >= SECOND {
            (self.began, self.written) = (now, 0);
        }
        if self.written >= LINES {
            self.omitted += 1;
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.omitted))
    }
}

/// Says how many lines of a kind were omitted before one that is written; nothing if none was.
pub(crate) fn report_omitted(omitted: u64, kind: &str) {
    if omitted > 0 {
        tracing::info!("{omitted} more {kind} were not logged: at most {LINES} are in a second");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_ten_lines_a_second_and_a_number() {
        let mut budget = LineBudget::default();
        let mut lines = |ms: u64, count: usize| {
            let now = Duration::from_millis(ms);
            let taken: Vec<_> = (0..count).map(|_| budget.take(now)).collect();
            (taken.iter().flatten().count(), taken.first().copied())
        };
        assert_eq!(lines(5000, 1000).0, 10);
        assert_eq!(lines(5999, 1000), (0, Some(None)));
        assert_eq!(lines(6000, 3), (3, Some(Some(1990))));
        assert_eq!(lines(6001, 1), (1, Some(Some(0))));
    }
}
