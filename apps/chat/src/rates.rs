//! How often a user may do something: a number at once, then one by one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A rate for each user. Users who have been quiet for a while cost nothing.
#[derive(Debug)]
pub(crate) struct Rate {
    burst: u32,
    every: Duration,
    users: Mutex<Users>,
}

#[derive(Debug, Default)]
struct Users {
    /// When a user's allowance is whole again.
    whole_at: HashMap<String, Instant>,
    /// The size at which those whose allowance is whole are forgotten.
    prune_at: usize,
}

/// Below this many users none is forgotten.
const PRUNE_MIN: usize = 1_024;

impl Rate {
    /// Allows `burst` at once, and one more for each `every` that passes.
    pub(crate) fn new(burst: u32, every: Duration) -> Self {
        Self {
            burst,
            every,
            users: Mutex::default(),
        }
    }

    /// Takes one from the user's allowance.
    ///
    /// # Errors
    /// How long to wait, when nothing is left.
    pub(crate) fn take(&self, user: &str, now: Instant) -> Result<(), Duration> {
        let mut users = self.users.lock();
        let known = users.whole_at.get(user).copied();
        let whole_at = known.map_or(now, |at| at.max(now)) + self.every;
        let excess = whole_at
            .saturating_duration_since(now)
            .saturating_sub(self.every * self.burst);
        if !excess.is_zero() {
            return Err(excess);
        }
        users.whole_at.insert(user.to_owned(), whole_at);
        if users.whole_at.len() >= users.prune_at.max(PRUNE_MIN) {
            users.whole_at.retain(|_, at| *at > now);
            users.prune_at = users.whole_at.len() * 2;
        }
        Ok(())
    }

    /// Gives back what was taken: it was no use of the allowance after all.
    pub(crate) fn give_back(&self, user: &str) {
        if let Some(whole_at) = self.users.lock().whole_at.get_mut(user) {
            *whole_at = whole_at.checked_sub(self.every).unwrap_or(*whole_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_passes_and_then_one_for_each_pause() {
        let rate = Rate::new(3, SECOND);
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(rate.take("anna", now), Ok(()));
        }
        assert_eq!(rate.take("anna", now), Err(SECOND));
        assert_eq!(rate.take("boris", now), Ok(()));
        assert_eq!(rate.take("anna", now + SECOND), Ok(()));
        assert_eq!(rate.take("anna", now + SECOND), Err(SECOND));
        for _ in 0..3 {
            assert_eq!(rate.take("anna", now + 5 * SECOND), Ok(()));
        }
        assert!(rate.take("anna", now + 5 * SECOND).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let rate = Rate::new(1, SECOND);
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(rate.take("anna", now), Ok(()));
            rate.give_back("anna");
        }
        assert_eq!(rate.take("anna", now), Ok(()));
        assert!(rate.take("anna", now).is_err());
        rate.give_back("nobody");
    }

    #[test]
    fn users_who_are_quiet_again_are_forgotten() {
        let rate = Rate::new(3, SECOND);
        let now = Instant::now();
        for step in 0..10 {
            for user in 0..PRUNE_MIN {
                let name = format!("{step}-{user}");
                assert_eq!(rate.take(&name, now + 2 * step * SECOND), Ok(()));
            }
        }
        assert!(rate.users.lock().whole_at.len() <= 2 * PRUNE_MIN);
    }
}
