//! A coarse timer wheel: one entry per connection, put back lazily.

use std::time::Duration;

/// Deadlines of connections, to a tick of 100 ms.
///
/// The wheel never forgets a deadline that moved later: the entry comes early, and the owner puts it back.
#[derive(Debug)]
pub(crate) struct Wheel {
    ticks: Vec<Vec<u32>>,
    /// The first tick that has not been taken.
    next: u64,
    len: usize,
}

/// The tick.
pub(crate) const TICK: Duration = Duration::from_millis(100);
/// Ticks in one turn of the wheel; what is due later comes early once a turn.
const TURN: u64 = 512;
/// Entries for which a tick keeps memory. All ticks together keep 128 KiB, however many connections came at once.
const KEPT_ENTRIES: usize = 64;

impl Wheel {
    /// An empty wheel.
    pub(crate) fn new() -> Self {
        Self {
            ticks: vec![Vec::new(); usize::try_from(TURN).expect("a small constant")],
            next: 0,
            len: 0,
        }
    }

    /// Puts `slot` where it comes at or after `deadline` (or early, if that is more than a turn away). Returns the
    /// tick, by which the owner tells a stale entry from its present one.
    pub(crate) fn insert(&mut self, slot: u32, deadline: Duration) -> u64 {
        let tick = tick_of(deadline).clamp(self.next, self.next + TURN - 1);
        self.bucket(tick).push(slot);
        self.len += 1;
        tick
    }

    /// Takes all entries due at `now`, with the tick each was put at.
    pub(crate) fn take_due(&mut self, now: Duration, due: &mut Vec<(u32, u64)>) {
        let now = now.as_millis() / TICK.as_millis();
        while u128::from(self.next) <= now {
            if self.len == 0 {
                self.next = u64::try_from(now).unwrap_or(u64::MAX).saturating_add(1);
                return;
            }
            let tick = self.next;
            let mut bucket = std::mem::take(self.bucket(tick));
            self.len -= bucket.len();
            due.extend(bucket.drain(..).map(|slot| (slot, tick)));
            if bucket.capacity() <= KEPT_ENTRIES {
                *self.bucket(tick) = bucket;
            }
            self.next += 1;
        }
    }

    /// Whether [`Self::take_due`] would take an entry at `now`.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        let now = u64::try_from(now.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        let passed = now.saturating_add(1).saturating_sub(self.next);
        self.len > 0 && (0..passed.min(TURN)).any(|ahead| !self.is_empty_at(self.next + ahead))
    }

    /// When the next entry is due; `None` while there is none.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        if self.len == 0 {
            return None;
        }
        let ahead = (0..TURN).find(|ahead| !self.is_empty_at(self.next + ahead))?;
        let millis =
            (self.next + ahead).saturating_mul(u64::try_from(TICK.as_millis()).unwrap_or(100));
        Some(Duration::from_millis(millis))
    }

    fn is_empty_at(&self, tick: u64) -> bool {
        let index = usize::try_from(tick % TURN).unwrap_or(0);
        self.ticks.get(index).is_none_or(Vec::is_empty)
    }

    fn bucket(&mut self, tick: u64) -> &mut Vec<u32> {
        let index = usize::try_from(tick % TURN).unwrap_or(0);
        self.ticks
            .get_mut(index)
            .expect("the wheel has TURN buckets")
    }
}

/// The first tick that is not before `deadline`.
pub(crate) fn tick_of(deadline: Duration) -> u64 {
    u64::try_from(deadline.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn take(wheel: &mut Wheel, now: u64) -> Vec<u32> {
        let mut due = Vec::new();
        wheel.take_due(ms(now), &mut due);
        due.into_iter().map(|(slot, _)| slot).collect()
    }

    #[test]
    fn ticks_that_many_have_gone_through_keep_little() {
        let mut wheel = Wheel::new();
        for tick in 0..TURN {
            for slot in 0..200 {
                wheel.insert(slot, ms(tick * 100));
            }
            assert_eq!(take(&mut wheel, tick * 100).len(), 200);
        }
        let kept: usize = wheel.ticks.iter().map(Vec::capacity).sum();
        assert!(kept <= KEPT_ENTRIES * wheel.ticks.len(), "{kept}");
    }

    #[test]
    fn nothing_comes_before_its_time_and_all_comes_within_a_tick() {
        let mut wheel = Wheel::new();
        wheel.insert(1, ms(250));
        wheel.insert(2, ms(900));
        assert!(take(&mut wheel, 249).is_empty());
        assert_eq!(wheel.next_due(), Some(ms(300)));
        assert!(!wheel.is_due(ms(299)) && wheel.is_due(ms(300)) && wheel.is_due(ms(90_000)));
        assert_eq!(take(&mut wheel, 300), [1]);
        assert!(!wheel.is_due(ms(899)) && wheel.is_due(ms(900)));
        assert!(take(&mut wheel, 899).is_empty());
        assert_eq!(take(&mut wheel, 5000), [2]);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn a_far_deadline_comes_early_once_a_turn() {
        let mut wheel = Wheel::new();
        let tick = wheel.insert(7, ms(3_600_000));
        assert_eq!(tick, TURN - 1);
        assert_eq!(take(&mut wheel, 51_100), [7]);
    }

    #[test]
    fn a_deadline_in_the_past_comes_at_once() {
        let mut wheel = Wheel::new();
        assert!(take(&mut wheel, 10_000).is_empty());
        wheel.insert(3, ms(1));
        assert_eq!(take(&mut wheel, 10_100), [3]);
    }

    /// A connection, as its worker keeps it.
    #[derive(Clone, Copy, Default)]
    struct Owner {
        deadline: Option<Duration>,
        tick: Option<u64>,
    }

    impl Owner {
        fn set(&mut self, slot: u32, wheel: &mut Wheel) {
            if let Some(deadline) = self.deadline
                && self.tick.is_none_or(|tick| tick_of(deadline) < tick)
            {
                self.tick = Some(wheel.insert(slot, deadline));
            }
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..proptest::prelude::ProptestConfig::default()
        })]

        #[test]
        fn however_deadlines_move_each_is_seen_within_a_tick_and_never_before(
            steps in proptest::collection::vec((0..5_u32, 0..200_000_u64, 0..3_000_u64), 1..300),
        ) {
            let mut wheel = Wheel::new();
            let mut owners = [Owner::default(); 5];
            let mut now = 0;
            for (slot, ahead, pass) in steps {
                // Many deadlines are near, some are turns of the wheel away.
                let ahead = if ahead % 3 == 0 { ahead } else { ahead % 2_000 };
                owners[slot as usize].deadline = Some(ms(now + ahead));
                owners[slot as usize].set(slot, &mut wheel);
                for _ in 0..pass / 50 {
                    now += 50;
                    let mut due = Vec::new();
                    wheel.take_due(ms(now), &mut due);
                    for (slot, tick) in due {
                        let owner = &mut owners[slot as usize];
                        if owner.tick == Some(tick) {
                            owner.tick = None;
                            owner.deadline = owner.deadline.filter(|deadline| *deadline > ms(now));
                            owner.set(slot, &mut wheel);
                        }
                    }
                    for deadline in owners.iter().filter_map(|owner| owner.deadline) {
                        proptest::prop_assert!(ms(now) < deadline + TICK, "it is late");
                    }
                    let next = wheel.next_due();
                    proptest::prop_assert!(owners.iter().all(|owner| owner.deadline.is_none() || next.is_some()));
                }
            }
        }
    }
}
