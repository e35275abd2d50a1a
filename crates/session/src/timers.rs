//! The deadlines of one session.

use std::time::Duration;

/// Something that is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Nobody has connected.
    Stale,
    /// A ping is to be sent.
    Ping,
    /// The last ping should have been answered.
    Pong,
    /// Presence is to be refreshed and expired subscriptions are to be found.
    Presence,
    /// The connection's time has run out.
    Expire,
}

/// Deadlines in microseconds of the monotonic time; `u64::MAX` is never.
#[derive(Debug)]
pub(crate) struct Timers([u64; 5]);

const NEVER: u64 = u64::MAX;

impl Timers {
    pub(crate) fn new() -> Self {
        Self([NEVER; 5])
    }

    /// Sets a deadline; one beyond half a million years is never.
    pub(crate) fn set(&mut self, timer: Timer, at: Duration) {
        *self.slot(timer) = u64::try_from(at.as_micros()).unwrap_or(NEVER);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        *self.slot(timer) = NEVER;
    }

    pub(crate) fn clear_all(&mut self) {
        *self = Self::new();
    }

    /// The deadline, if one is set.
    pub(crate) fn at(&mut self, timer: Timer) -> Option<Duration> {
        let at = *self.slot(timer);
        (at != NEVER).then(|| Duration::from_micros(at))
    }

    pub(crate) fn is_set(&mut self, timer: Timer) -> bool {
        *self.slot(timer) != NEVER
    }

    /// Whether the timer is due; if so it is cleared.
    pub(crate) fn take_due(&mut self, timer: Timer, now: Duration) -> bool {
        let slot = self.slot(timer);
        let is_due = *slot != NEVER && u128::from(*slot) <= now.as_micros();
        if is_due {
            *slot = NEVER;
        }
        is_due
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Duration> {
        let earliest = self.0.iter().copied().min().unwrap_or(NEVER);
        (earliest != NEVER).then(|| Duration::from_micros(earliest))
    }

    fn slot(&mut self, timer: Timer) -> &mut u64 {
        let [stale, ping, pong, presence, expire] = &mut self.0;
        match timer {
            Timer::Stale => stale,
            Timer::Ping => ping,
            Timer::Pong => pong,
            Timer::Presence => presence,
            Timer::Expire => expire,
        }
    }
}

/// Spreads first times over [interval/2, interval), so that clients that came together do not stay together.
#[derive(Debug)]
pub(crate) struct Spread(u64);

impl Spread {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn first(&mut self, interval: Duration) -> Duration {
        let half = u64::try_from(interval.as_micros() / 2).unwrap_or(NEVER);
        if half == 0 {
            return interval;
        }
        Duration::from_micros(half.saturating_add(self.next() % half))
    }

    /// SplitMix64 by Sebastiano Vigna (public domain).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_is_next_and_is_taken_once() {
        let mut timers = Timers::new();
        assert_eq!(timers.next(), None);
        timers.set(Timer::Ping, Duration::from_secs(25));
        timers.set(Timer::Pong, Duration::from_secs(8));
        assert_eq!(timers.next(), Some(Duration::from_secs(8)));
        assert!(!timers.take_due(Timer::Pong, Duration::from_millis(7999)));
        assert!(timers.take_due(Timer::Pong, Duration::from_secs(8)));
        assert!(!timers.take_due(Timer::Pong, Duration::from_secs(9)));
        assert_eq!(timers.next(), Some(Duration::from_secs(25)));
    }

    #[test]
    fn first_times_lie_in_the_second_half_of_the_interval_and_differ() {
        let interval = Duration::from_secs(25);
        let firsts: Vec<_> = (0..1000)
            .map(|seed| Spread::new(seed).first(interval))
            .collect();
        for first in &firsts {
            assert!(*first >= interval / 2 && *first < interval, "{first:?}");
        }
        let distinct: std::collections::HashSet<_> = firsts.iter().collect();
        assert!(distinct.len() > 990);
    }
}
