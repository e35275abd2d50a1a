//! Both clocks of the system, as the machine wants them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::machine::Now;

/// The monotonic clock since the start of the client, and the wall clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            mono_ms: millis(self.start.elapsed()),
            // A clock that stands before 1970 is as wrong as one that stands there.
            wall_ms: millis(wall.unwrap_or_default()),
        }
    }

    /// The moment at which the monotonic clock shows `mono_ms`.
    pub(super) fn instant(&self, mono_ms: u64) -> Instant {
        self.start + Duration::from_millis(mono_ms)
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
