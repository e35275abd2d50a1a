//! When to publish: by a clock, or when what was published has arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::Waker;

/// The rule by which publications leave.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// An open loop: `burst` publications each `period_ns`.
    Clock { period_ns: u64, burst: u64 },
    /// A closed loop: `window` publications are on their way.
    Window(u64),
}

impl Pace {
    /// `rate` publications per second in all, or a window if it is 0.
    pub(crate) fn new(rate: f64, burst: u32, window: u32) -> Self {
        if rate <= 0.0 {
            return Self::Window(u64::from(window));
        }
        let period = Duration::try_from_secs_f64(f64::from(burst) / rate).unwrap_or(Duration::MAX);
        Self::Clock {
            period_ns: crate::clock::nanos(period).max(1),
            burst: u64::from(burst),
        }
    }

    /// How many more are to leave now, `elapsed_ns` after the first was due: `published` have left,
    /// and `missing` deliveries of them have not arrived, of which each publication makes `fan`.
    pub(crate) fn due(self, elapsed_ns: u64, published: u64, missing: u64, fan: u64) -> u64 {
        match self {
            Self::Clock { period_ns, burst } => {
                let due = (elapsed_ns / period_ns + 1).saturating_mul(burst);
                due.saturating_sub(published)
            }
            Self::Window(window) => window.saturating_sub(missing.div_ceil(fan)),
        }
    }
}

/// Wakes the loop at each beat. The poller alone knows milliseconds only, and a loop that asks all
/// the time would spare the server the price of waking its clients.
#[derive(Debug)]
pub(crate) struct Metronome(Arc<AtomicBool>);

impl Metronome {
    /// Begins to wake `waker` each `period`, but not more often than [`SHORTEST_BEAT`].
    pub(crate) fn start(period: Duration, waker: Waker) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let period = period.max(SHORTEST_BEAT);
        let stop = is_over.clone();
        thread::spawn(move || {
            let mut beat = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                // A loop that is gone misses nothing.
                let _ = waker.wake();
                beat = (beat + period).max(Instant::now());
                thread::sleep(beat.saturating_duration_since(Instant::now()));
            }
        });
        Self(is_over)
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const SHORTEST_BEAT: Duration = Duration::from_micros(100);

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn a_clock_catches_up_with_what_it_missed() {
        let pace = Pace::new(1000.0, 2, 1);
        assert_eq!(pace.due(0, 0, 0, 10), 2);
        assert_eq!(pace.due(1_999_999, 2, 99, 10), 0);
        assert_eq!(pace.due(2_000_000, 2, 99, 10), 2);
        assert_eq!(pace.due(20_000_000, 4, 0, 10), 18);
    }

    #[test]
    fn a_window_waits_for_all_deliveries_of_the_oldest() {
        let pace = Pace::new(0.0, 1, 2);
        assert_eq!(pace.due(0, 0, 0, 10), 2);
        assert_eq!(pace.due(0, 2, 20, 10), 0);
        assert_eq!(pace.due(0, 2, 11, 10), 0);
        assert_eq!(pace.due(0, 2, 10, 10), 1);
        assert_eq!(pace.due(0, 2, 0, 10), 2);
    }
}
