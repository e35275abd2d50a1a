//! What time it is, for an engine that has to forget.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time. The monotonic part never goes back.
    fn now(&self) -> Now;
}

/// A moment, by both of the clocks that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Since some fixed moment; what deadlines are made of.
    pub monotonic: Duration,
    /// Milliseconds of Unix time; what publications are stamped with.
    pub unix_ms: i64,
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            monotonic: self.start.elapsed(),
            unix_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// A clock that moves when it is told to.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: Mutex<Now>,
}

impl ManualClock {
    /// A clock that shows `unix_ms`.
    #[must_use]
    pub fn at(unix_ms: i64) -> Self {
        Self {
            now: Mutex::new(Now {
                monotonic: Duration::ZERO,
                unix_ms,
            }),
        }
    }

    /// Lets `time` pass.
    pub fn pass(&self, time: Duration) {
        let mut now = self.now.lock();
        now.monotonic = now.monotonic.saturating_add(time);
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        now.unix_ms = now.unix_ms.saturating_add(millis);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        *self.now.lock()
    }
}
