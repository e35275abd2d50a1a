//! What the clients hear, together: deliveries, their latency, their faults.

use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::plan::{Plan, Role};
use crate::stamp::{Stamp, StampFinder};
use crate::tally::{Faults, Track};

/// Counts for all clients.
#[derive(Debug)]
pub(crate) struct Ear {
    pub(crate) finder: StampFinder,
    per_channel: u32,
    /// First deliveries to those that are not slow.
    pub(crate) deliveries: u64,
    /// First deliveries to those that are.
    pub(crate) slow_deliveries: u64,
    /// From the stamp to the read that brought it; begun anew for each measurement.
    pub(crate) latency: Histogram,
    /// From the beginning of a connection until it is subscribed.
    pub(crate) connecting: Histogram,
    pub(crate) faults: Faults,
    /// Messages, publications or not.
    pub(crate) frames: u64,
    /// Pings, by message or by frame.
    pub(crate) pings: u64,
    /// Answers to publications.
    pub(crate) published: u64,
    /// Publications that were refused.
    pub(crate) refused: u64,
    /// What went wrong, in words, and how often.
    pub(crate) notes: BTreeMap<String, u64>,
}

impl Ear {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            finder: StampFinder::default(),
            per_channel: plan.per_channel,
            deliveries: 0,
            slow_deliveries: 0,
            latency: Histogram::default(),
            connecting: Histogram::default(),
            faults: Faults::default(),
            frames: 0,
            pings: 0,
            published: 0,
            refused: 0,
            notes: BTreeMap::new(),
        }
    }

    /// Takes note of a delivery to a client in `role`, whose `tracks` are made when the first comes.
    pub(crate) fn deliver(
        &mut self,
        role: &Role,
        tracks: &mut Box<[Track]>,
        stamp: Stamp,
        now: u64,
    ) {
        let is_ours = role.subscribes && stamp.publisher / self.per_channel == role.channel;
        if tracks.is_empty() {
            let count = usize::try_from(self.per_channel).unwrap_or_default();
            *tracks = vec![Track::default(); count].into_boxed_slice();
        }
        let nth = usize::try_from(stamp.publisher % self.per_channel).unwrap_or(usize::MAX);
        let Some(track) = tracks.get_mut(nth).filter(|_| is_ours) else {
            self.faults.misrouted += 1;
            return;
        };
        let arrival = track.arrived(stamp.sequence);
        if !self.faults.count(arrival) {
            return;
        }
        if role.is_slow {
            self.slow_deliveries += 1;
        } else {
            self.deliveries += 1;
            self.latency.add(now.saturating_sub(stamp.time_ns));
        }
    }

    /// Keeps `words`, unless there are too many different ones already.
    pub(crate) fn note(&mut self, words: String) {
        if self.notes.len() < MOST_NOTES || self.notes.contains_key(&words) {
            *self.notes.entry(words).or_default() += 1;
        }
    }
}

const MOST_NOTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::Ear;
    use crate::dialect::Dialect;
    use crate::options::{Mode, Options};
    use crate::plan::Plan;
    use crate::stamp::Stamp;
    use crate::target::Target;

    #[test]
    fn a_publication_of_another_channel_is_misrouted() {
        let target = Target::parse("ws://127.0.0.1:1", "/").expect("an address");
        let plan = Plan::new(&Options::new(Mode::Chat, target, Dialect::Plain));
        let mut ear = Ear::new(&plan);
        let mut tracks = Box::default();
        let role = plan.roles[25];
        let stamp = |publisher| Stamp {
            publisher,
            sequence: 0,
            time_ns: 1,
        };
        for publisher in [20, 29, 30, 19, u32::MAX] {
            ear.deliver(&role, &mut tracks, stamp(publisher), 5);
        }
        assert_eq!((ear.deliveries, ear.faults.misrouted), (2, 3));
        assert_eq!(ear.latency.highest(), 4);
    }
}
