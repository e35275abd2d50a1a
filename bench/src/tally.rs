//! What arrived against what was published: loss, doubling, disorder.

/// What one subscriber received from one publisher.
///
/// Remembers the last 64 publications one by one. What is older than that when it arrives counts
/// as disorder, though it may have been there before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Track {
    /// Above the highest that arrived.
    next: u32,
    /// Bit n is set if `next - 1 - n` arrived.
    seen: u64,
    received: u32,
}

/// How a delivery stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Later than all before.
    InOrder,
    /// After one that was published later.
    OutOfOrder,
    /// Once more.
    Doubled,
}

impl Track {
    /// Takes note of the publication `sequence`.
    pub fn arrived(&mut self, sequence: u32) -> Arrival {
        if let Some(ahead) = sequence.checked_sub(self.next) {
            self.seen = self.seen.checked_shl(ahead.saturating_add(1)).unwrap_or(0) | 1;
            self.next = sequence.saturating_add(1);
            self.received += 1;
            return Arrival::InOrder;
        }
        let bit = 1_u64.checked_shl(self.next - 1 - sequence).unwrap_or(0);
        if self.seen & bit != 0 {
            return Arrival::Doubled;
        }
        self.seen |= bit;
        self.received += 1;
        Arrival::OutOfOrder
    }

    /// How many of `published` never arrived.
    #[must_use]
    pub fn lost(&self, published: u32) -> u64 {
        u64::from(published.saturating_sub(self.received))
    }
}

/// Faults of delivery, summed over all subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Published, and not delivered until the end.
    pub lost: u64,
    /// Delivered again.
    pub doubled: u64,
    /// Delivered after one that its publisher made later.
    pub disordered: u64,
    /// Delivered to a client that is not in the channel.
    pub misrouted: u64,
}

impl Faults {
    /// Counts an arrival; whether it was a first one.
    pub fn count(&mut self, arrival: Arrival) -> bool {
        match arrival {
            Arrival::InOrder => {}
            Arrival::OutOfOrder => self.disordered += 1,
            Arrival::Doubled => self.doubled += 1,
        }
        arrival != Arrival::Doubled
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Track};

    /// Faults of these arrivals, of five publications.
    fn faults(arrivals: &[u32]) -> (u64, u64, u64) {
        let (mut track, mut faults) = (Track::default(), Faults::default());
        for sequence in arrivals {
            faults.count(track.arrived(*sequence));
        }
        (track.lost(5), faults.doubled, faults.disordered)
    }

    #[test]
    fn loss_doubling_and_disorder_are_told_apart() {
        assert_eq!(faults(&[0, 1, 2, 3, 4]), (0, 0, 0));
        assert_eq!(faults(&[]), (5, 0, 0));
        assert_eq!(faults(&[0, 1, 3, 4]), (1, 0, 0));
        assert_eq!(faults(&[0, 1, 1, 2, 3, 4, 0]), (0, 2, 0));
        assert_eq!(faults(&[0, 2, 1, 3, 4]), (0, 0, 1));
        assert_eq!(faults(&[4, 3, 2, 1, 0, 0]), (0, 1, 4));
    }

    #[test]
    fn a_gap_wider_than_the_memory_is_still_a_gap() {
        let mut track = Track::default();
        track.arrived(0);
        track.arrived(1000);
        track.arrived(u32::MAX);
        assert_eq!(track.lost(1001), 998);
    }
}
