//! Who may come in: so many connections at once, and so many in a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Bounds the connections of a node.
#[derive(Debug)]
pub struct Gate {
    limit: usize,
    inside: Arc<AtomicUsize>,
    rate: Option<Mutex<Rate>>,
    began: Instant,
}

/// Stands for one connection; who drops it makes room for another.
#[derive(Debug)]
pub struct Pass(Arc<AtomicUsize>);

/// Why nobody comes in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// There are as many connections as there may be.
    #[error("the server has as many connections as it may (client.connection_limit): try later")]
    Full,
    /// Too many came within a short time.
    #[error("too many connect at once (client.connection_rate_limit): try later")]
    TooFast,
}

/// A bucket that holds `burst` and gets one more each second.
#[derive(Debug)]
struct Rate {
    burst: f64,
    left: f64,
    at: Duration,
}

impl Gate {
    /// Lets `limit` connections in, and `burst` at once and then one each second; 0 is no bound.
    #[must_use]
    pub fn new(limit: usize, burst: usize) -> Self {
        let burst = f64::from(u32::try_from(burst).unwrap_or(u32::MAX));
        Self {
            limit,
            inside: Arc::default(),
            rate: (burst > 0.0).then(|| {
                Mutex::new(Rate {
                    burst,
                    left: burst,
                    at: Duration::ZERO,
                })
            }),
            began: Instant::now(),
        }
    }

    /// Lets one more in, if there is room. Who is turned away for want of room counts for the rate all the same.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn enter(&self) -> Result<Option<Pass>, Closed> {
        self.enter_at(self.began.elapsed())
    }

    fn enter_at(&self, now: Duration) -> Result<Option<Pass>, Closed> {
        if let Some(rate) = &self.rate
            && !rate.lock().take(now)
        {
            return Err(Closed::TooFast);
        }
        if self.limit == 0 {
            return Ok(None);
        }
        self.inside
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |inside| {
                (inside < self.limit).then_some(inside + 1)
            })
            .map_err(|_| Closed::Full)?;
        Ok(Some(Pass(self.inside.clone())))
    }
}

impl Default for Gate {
    /// A gate that is always open.
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Rate {
    fn take(&mut self, now: Duration) -> bool {
        let since = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        self.left = (self.left + since.as_secs_f64()).min(self.burst);
        let is_left = self.left >= 1.0;
        if is_left {
            self.left -= 1.0;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_without_bounds_is_open() {
        let gate = Gate::default();
        assert!((0..1000).all(|_| matches!(gate.enter(), Ok(None))));
    }

    #[test]
    fn who_leaves_makes_room_for_one() {
        let gate = Gate::new(2, 0);
        let (first, second) = (gate.enter(), gate.enter());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(gate.enter().unwrap_err(), Closed::Full);
        drop(first);
        let third = gate.enter();
        assert!(third.is_ok());
        assert_eq!(gate.enter().unwrap_err(), Closed::Full);
    }

    #[test]
    fn a_burst_comes_in_and_then_one_each_second() {
        let gate = Gate::new(0, 3);
        let at = |ms| gate.enter_at(Duration::from_millis(ms)).is_ok();
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(999), at(1000), at(1001)], [false, true, false]);
        assert_eq!([at(2500), at(2600), at(3000)], [true, false, true]);
    }

    #[test]
    fn the_bucket_holds_no_more_than_a_burst() {
        let gate = Gate::new(0, 2);
        let at = |secs| gate.enter_at(Duration::from_secs(secs)).is_ok();
        assert_eq!([at(3600), at(3600), at(3600)], [true, true, false]);
    }

    #[test]
    fn who_finds_no_room_counts_for_the_rate() {
        let gate = Gate::new(1, 2);
        let at = |ms| gate.enter_at(Duration::from_millis(ms));
        let first = at(0);
        assert!(first.is_ok());
        assert_eq!(at(0).unwrap_err(), Closed::Full);
        assert_eq!(at(0).unwrap_err(), Closed::TooFast);
    }
}
