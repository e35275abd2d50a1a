//! A histogram of durations: fixed size, any length, exact to a sixty-fourth.

/// Counts of durations in nanoseconds.
///
/// Below 64 ns each has its own bucket, above that an octave has 64 of them.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
    highest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
            sum: 0,
            highest: 0,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn add(&mut self, nanos: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(nanos)) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum += u128::from(nanos);
        self.highest = self.highest.max(nanos);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest, exactly; 0 if there is none.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The mean; 0 if there is none.
    #[must_use]
    pub fn mean(&self) -> u64 {
        let mean = self.sum / u128::from(self.count.max(1));
        u64::try_from(mean).unwrap_or(u64::MAX)
    }

    /// The duration that `per_mille` of all do not exceed; 0 if there is none.
    #[must_use]
    pub fn quantile(&self, per_mille: u64) -> u64 {
        let wanted = (self.count * per_mille).div_ceil(1000).max(1);
        let mut counted = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            counted += count;
            if counted >= wanted {
                return end_of(index).min(self.highest);
            }
        }
        self.highest
    }

    /// How many there are in each step of 1, 2, 5, 10, ...: the step's end in nanoseconds and the
    /// count, from the first step that has any to the last. A bucket counts where it ends.
    #[must_use]
    pub fn steps(&self) -> Vec<(u64, u64)> {
        let mut steps: Vec<(u64, u64)> = Vec::new();
        let mut buckets = self.buckets.iter().enumerate().peekable();
        let mut end = 1_u64;
        for factor in [2, 5, 10].into_iter().cycle() {
            let mut count = 0;
            while let Some((_, more)) = buckets.next_if(|(index, _)| end_of(*index) <= end) {
                count += more;
            }
            if count > 0 || !steps.is_empty() {
                steps.push((end, count));
            }
            let told: u64 = steps.iter().map(|(_, count)| count).sum();
            if told >= self.count || end > u64::MAX / 10 {
                return steps;
            }
            end = match factor {
                5 => end / 2 * 5,
                _ => end * 2,
            };
        }
        steps
    }
}

fn bucket_of(nanos: u64) -> usize {
    let octave = (64 - nanos.leading_zeros()).saturating_sub(EXACT_BITS + 1);
    let within = nanos >> octave;
    usize::try_from(u64::from(octave) * PER_OCTAVE + within).unwrap_or(usize::MAX)
}

/// The longest duration of a bucket.
fn end_of(index: usize) -> u64 {
    let index = index as u64;
    let octave = (index / PER_OCTAVE).saturating_sub(1);
    let within = index - octave * PER_OCTAVE;
    let shift = u32::try_from(octave).unwrap_or(u32::MAX);
    let begin = (u128::from(within) + 1)
        .checked_shl(shift)
        .unwrap_or(u128::MAX);
    u64::try_from(begin - 1).unwrap_or(u64::MAX)
}

const EXACT_BITS: u32 = 6;
const PER_OCTAVE: u64 = 1 << EXACT_BITS;
const BUCKETS: usize = 60 * 64;

#[cfg(test)]
mod tests {
    use super::{Histogram, bucket_of, end_of};

    fn histogram(durations: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        for nanos in durations {
            histogram.add(nanos);
        }
        histogram
    }

    #[test]
    fn every_duration_has_a_bucket_that_ends_close_above_it() {
        for shift in 0..64 {
            for nanos in [
                1 << shift,
                (1 << shift) + 1,
                (1_u64 << shift).saturating_mul(3) / 2,
                u64::MAX >> shift,
            ] {
                let index = bucket_of(nanos);
                assert!(index < super::BUCKETS, "{nanos}");
                let end = end_of(index);
                assert!(
                    end >= nanos && end - nanos <= nanos / 64,
                    "{nanos} in a bucket to {end}"
                );
                assert!(index == 0 || end_of(index - 1) < nanos, "{nanos}");
            }
        }
    }

    #[test]
    fn quantiles_are_exact_to_a_sixty_fourth() {
        let histogram = histogram((1..=1000).map(|micros| micros * 1000));
        for (per_mille, exact) in [(500, 500_000), (990, 990_000), (999, 999_000)] {
            let told = histogram.quantile(per_mille);
            assert!(
                told >= exact && told <= exact + exact / 64,
                "{told} for {exact}"
            );
        }
        assert_eq!(histogram.quantile(1000), 1_000_000);
        assert_eq!(
            (histogram.highest(), histogram.mean()),
            (1_000_000, 500_500)
        );
    }

    #[test]
    fn nothing_is_a_histogram_too() {
        let empty = Histogram::default();
        assert_eq!(
            (empty.quantile(500), empty.highest(), empty.mean()),
            (0, 0, 0)
        );
        assert_eq!(empty.steps(), []);
    }

    #[test]
    fn steps_are_one_two_five_and_hold_everything() {
        let histogram = histogram([3, 9, 10, 11, 450]);
        assert_eq!(
            histogram.steps(),
            [
                (5, 1),
                (10, 2),
                (20, 1),
                (50, 0),
                (100, 0),
                (200, 0),
                (500, 1)
            ]
        );
    }
}
