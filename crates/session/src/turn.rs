//! The context of each input to a session: the time, and the rules in force.

use std::time::Duration;

use crate::rules::Rules;

/// The time, read once a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The time since the node started. It never goes back, and deadlines refer to it.
    pub monotonic: Duration,
    /// Milliseconds of Unix time.
    pub unix_ms: i64,
}

impl Now {
    /// Seconds of Unix time.
    #[must_use]
    pub fn unix_secs(self) -> i64 {
        self.unix_ms.div_euclid(1000)
    }
}

/// The time and the rules in force.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The time.
    pub now: Now,
    /// The rules; a subscription keeps what it was granted under earlier ones.
    pub rules: &'a Rules,
}
