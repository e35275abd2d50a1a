//! Time as the machine is told it, and what two clocks together say: how long ago something was, and whether the
//! device slept.

/// A moment, as two clocks show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that never goes back. It may rest while the device sleeps.
    pub mono_ms: u64,
    /// Milliseconds of Unix time. It may be set, forward and back.
    pub wall_ms: u64,
}

/// Compares both clocks from one moment to the next.
#[derive(Debug)]
pub(super) struct Clock {
    now: Now,
    /// The longest time that may have passed since the start, by whichever clock went further each
    /// time. What must not be believed for too long is measured by it.
    longest_ms: u64,
}

/// The clocks disagree: the device slept, or its clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// How much more time may have passed than the monotonic clock shows.
    pub(super) hidden_ms: u64,
}

impl Clock {
    pub(super) fn new(now: Now) -> Self {
        Self { now, longest_ms: 0 }
    }

    /// Goes on to `now`. `due` is when the machine had asked to be called: being called much later
    /// means that the process did not run.
    pub(super) fn advance(&mut self, now: Now, due: Option<u64>) -> Option<Jump> {
        let mono = now.mono_ms.saturating_sub(self.now.mono_ms);
        let wall = now.wall_ms.saturating_sub(self.now.wall_ms);
        let set_back = self.now.wall_ms.saturating_sub(now.wall_ms);
        self.now = Now {
            mono_ms: now.mono_ms.max(self.now.mono_ms),
            wall_ms: now.wall_ms,
        };
        self.longest_ms = self.longest_ms.saturating_add(mono.max(wall));
        let hidden_ms = wall.saturating_sub(mono);
        let late = due.map_or(0, |due| now.mono_ms.saturating_sub(due));
        let is_jump = hidden_ms.max(set_back).max(late) >= JUMP_MS;
        is_jump.then_some(Jump { hidden_ms })
    }

    pub(super) fn mono(&self) -> u64 {
        self.now.mono_ms
    }

    pub(super) fn wall(&self) -> u64 {
        self.now.wall_ms
    }

    pub(super) fn longest(&self) -> u64 {
        self.longest_ms
    }
}

/// Clocks that differ by less are slewed, or the machine was busy.
const JUMP_MS: u64 = 3_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn now(mono_ms: u64, wall_ms: u64) -> Now {
        Now { mono_ms, wall_ms }
    }

    #[test]
    fn a_sleep_shows_whether_or_not_the_monotonic_clock_rests() {
        let mut clock = Clock::new(now(0, 1_000_000));
        assert_eq!(clock.advance(now(1_000, 1_001_200), None), None);
        let jump = clock.advance(now(1_100, 8_001_300), None);
        assert_eq!(
            jump,
            Some(Jump {
                hidden_ms: 7_000_000
            })
        );
        assert_eq!(clock.longest(), 1_200 + 7_000_100);
        // This one counts through the sleep: only its being late shows.
        let jump = clock.advance(now(9_001_100, 17_001_300), Some(6_100));
        assert_eq!(jump, Some(Jump { hidden_ms: 0 }));
    }

    #[test]
    fn a_clock_that_is_set_back_takes_no_time_away() {
        let mut clock = Clock::new(now(0, 1_000_000));
        let jump = clock.advance(now(500, 1_000), None);
        assert_eq!(jump, Some(Jump { hidden_ms: 0 }));
        assert_eq!((clock.longest(), clock.wall()), (500, 1_000));
    }
}
