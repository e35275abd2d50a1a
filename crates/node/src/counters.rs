//! What a worker counts: atomic numbers that one thread writes, and that metrics read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Cell(AtomicU64);

impl Cell {
    pub(crate) fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(count),
            Ordering::Relaxed,
        );
    }

    pub(crate) fn set(&self, value: usize) {
        self.0
            .store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, in buckets that are an eighth of a power of two wide.
#[derive(Debug)]
pub struct Durations {
    buckets: Box<[AtomicU64]>,
    total_ns: AtomicU64,
}

/// Buckets for a power of two.
const STEPS: u64 = 8;
/// Durations of 2^40 ns (18 minutes) and more share the last bucket.
const BUCKETS: u64 = 40 * STEPS;

impl Default for Durations {
    fn default() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            total_ns: AtomicU64::new(0),
        }
    }
}

impl Durations {
    /// Counts one.
    pub fn add(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = usize::try_from(bucket(ns)).unwrap_or(0);
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.total_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Adds what this has counted to `sum`.
    pub fn add_to(&self, sum: &mut Durations) {
        for (count, sum) in self.buckets.iter().zip(&mut sum.buckets) {
            *sum.get_mut() += count.load(Ordering::Relaxed);
        }
        *sum.total_ns.get_mut() += self.total_ns.load(Ordering::Relaxed);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.total_ns.load(Ordering::Relaxed))
    }

    /// What so many thousandths of them did not exceed, to an eighth; zero while there are none.
    #[must_use]
    pub fn quantile(&self, thousandths: u64) -> Duration {
        let wanted = (self.count() * thousandths).div_ceil(1000);
        let mut seen = 0;
        for (bucket, count) in (0..).zip(&self.buckets) {
            seen += count.load(Ordering::Relaxed);
            if seen >= wanted && seen > 0 {
                return Duration::from_nanos(upper_bound(bucket));
            }
        }
        Duration::ZERO
    }
}

fn bucket(ns: u64) -> u64 {
    if ns < STEPS {
        return ns;
    }
    let power = u64::from(ns.ilog2());
    let step = (ns >> (power - 3)) & (STEPS - 1);
    ((power - 2) * STEPS + step).min(BUCKETS - 1)
}

/// The first value past a bucket.
fn upper_bound(bucket: u64) -> u64 {
    if bucket < STEPS {
        return bucket + 1;
    }
    let power = bucket / STEPS + 2;
    let step = bucket % STEPS + 1;
    (STEPS + step) << (power - 3)
}

/// What one worker counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sockets open now, in whatever stage.
    pub sockets: Cell,
    /// Clients connected now (after `connect`).
    pub clients: Cell,
    /// Distinct users of these clients.
    pub users: Cell,
    /// Subscriptions attached now.
    pub subscriptions: Cell,
    /// Clients that have connected.
    pub connections_accepted: Cell,
    /// Messages that clients have sent, and their bytes.
    pub messages_received: Cell,
    /// Bytes of those messages.
    pub bytes_received: Cell,
    /// Publications delivered to clients.
    pub publications_sent: Cell,
    /// Joins delivered to clients.
    pub joins_sent: Cell,
    /// Leaves delivered to clients.
    pub leaves_sent: Cell,
    /// Replies and other pushes sent to clients.
    pub replies_sent: Cell,
    /// Bytes queued for clients, as frames.
    pub bytes_sent: Cell,
    /// How long handing an event to all its subscribers took.
    pub broadcasts: Durations,
    /// Bytes that short writes left behind, now.
    pub backlog: Cell,
    /// Sessions that ended by a fault of ours while they handled input.
    pub panics: Cell,
    /// How long commands took, by name, up to their reply or to the first wait for somebody else.
    pub commands: Timings,
    /// Errors replied, by code.
    pub reply_errors: Tally<u32>,
    /// Disconnects by the server, by code.
    pub disconnects: Tally<u32>,
    /// Unsubscribes by the server, by code.
    pub unsubscribes: Tally<u32>,
    /// Recoveries tried, by whether they succeeded.
    pub recoveries: Tally<bool>,
}

/// Durations by a label that has few values.
#[derive(Debug, Default)]
pub struct Timings(Mutex<Vec<(&'static str, Durations)>>);

impl Timings {
    /// Counts one.
    pub fn add(&self, label: &'static str, took: Duration) {
        let mut rows = self.0.lock();
        let known = rows.iter().position(|(known, _)| *known == label);
        let at = known.unwrap_or_else(|| {
            rows.push((label, Durations::default()));
            rows.len() - 1
        });
        if let Some((_, durations)) = rows.get(at) {
            durations.add(took);
        }
    }

    /// Adds what this has counted to `sums`.
    pub fn add_to(&self, sums: &mut BTreeMap<&'static str, Durations>) {
        for (label, durations) in self.0.lock().iter() {
            durations.add_to(sums.entry(label).or_default());
        }
    }
}

/// Numbers by a label that has few values.
#[derive(Debug)]
pub struct Tally<K>(Mutex<Vec<(K, u64)>>);

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<K: Copy + PartialEq> Tally<K> {
    /// Counts one.
    pub fn add(&self, label: K) {
        let mut rows = self.0.lock();
        match rows.iter_mut().find(|(known, _)| *known == label) {
            Some((_, count)) => *count += 1,
            None => rows.push((label, 1)),
        }
    }

    /// The numbers.
    #[must_use]
    pub fn values(&self) -> Vec<(K, u64)> {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_an_eighth() {
        let durations = Durations::default();
        for micros in 1..=1000 {
            durations.add(Duration::from_micros(micros));
        }
        assert_eq!(durations.count(), 1000);
        assert_eq!(durations.total(), Duration::from_micros(500_500));
        for (thousandths, micros) in [(500, 500), (900, 900), (990, 990), (1, 1)] {
            let quantile = durations.quantile(thousandths);
            let exact = Duration::from_micros(micros);
            assert!(
                quantile >= exact && quantile <= exact + exact / 8 + Duration::from_nanos(1),
                "{quantile:?}"
            );
        }
    }

    #[test]
    fn every_value_lies_below_the_upper_bound_of_its_bucket() {
        for ns in (0..100)
            .chain((6..39).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]))
        {
            let bucket = bucket(ns);
            assert!(ns < upper_bound(bucket), "{ns}");
            assert!(bucket == 0 || ns >= upper_bound(bucket - 1), "{ns}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
