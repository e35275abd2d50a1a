//! The generator's clock: nanoseconds since it began.

use std::time::{Duration, Instant};

/// A monotonic clock that begins at 0 and fits into a stamp.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock at 0.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn nanos(&self) -> u64 {
        nanos(self.0.elapsed())
    }
}

/// A duration in nanoseconds; what is longer than 584 years is 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
