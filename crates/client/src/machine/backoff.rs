//! How long to wait before the next attempt.

use super::random::Random;

/// Exponential backoff with full jitter: any time from nothing up to a ceiling that doubles.
///
/// # Source
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first_ms: u64,
    most_ms: u64,
    attempts: u32,
}

impl Backoff {
    /// The first ceiling, and the last one.
    pub(super) fn new(first_ms: u64, most_ms: u64) -> Self {
        let first_ms = first_ms.clamp(SHORTEST_MS, LONGEST_MS);
        Self {
            first_ms,
            most_ms: most_ms.clamp(first_ms, LONGEST_MS),
            attempts: 0,
        }
    }

    /// Takes other ceilings, as a server advises them, and goes on counting.
    pub(super) fn advise(&mut self, first_ms: u64, most_ms: u64) {
        let attempts = self.attempts;
        *self = Self::new(first_ms, most_ms);
        self.attempts = attempts;
    }

    /// Failures in a row.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Counts one more failure, and says how long to wait.
    pub(super) fn next_ms(&mut self, random: &mut Random) -> u64 {
        let factor = 1_u64.checked_shl(self.attempts).unwrap_or(u64::MAX);
        self.attempts = self.attempts.saturating_add(1);
        random.up_to(self.first_ms.saturating_mul(factor).min(self.most_ms))
    }

    /// Forgets the failures.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// The first ceiling is never lower: a crowd of clients has to spread.
const SHORTEST_MS: u64 = 50;
/// No ceiling is higher, whatever a server advises.
pub(super) const LONGEST_MS: u64 = 300_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_fill_the_whole_range_below_a_ceiling_that_doubles() {
        let mut random = Random::new(1);
        for (attempt, ceiling) in [(0, 500), (1, 1_000), (5, 16_000), (6, 20_000), (99, 20_000)] {
            let mut delays = Vec::new();
            for _ in 0..200 {
                let mut backoff = Backoff::new(500, 20_000);
                backoff.attempts = attempt;
                delays.push(backoff.next_ms(&mut random));
            }
            let (low, high) = (delays.iter().min(), delays.iter().max());
            assert!(low < Some(&(ceiling / 10)), "{attempt}: {low:?}");
            assert!(high > Some(&(ceiling * 9 / 10)), "{attempt}: {high:?}");
            assert!(high <= Some(&ceiling), "{attempt}: {high:?}");
        }
    }

    #[test]
    fn a_server_cannot_advise_a_storm_or_an_eternity() {
        let mut random = Random::new(1);
        let mut backoff = Backoff::new(500, 20_000);
        backoff.advise(0, 0);
        assert!((0..50).any(|_| backoff.next_ms(&mut random) > 10));
        backoff.advise(u64::MAX, u64::MAX);
        assert!((0..50).all(|_| backoff.next_ms(&mut random) <= LONGEST_MS));
    }
}
