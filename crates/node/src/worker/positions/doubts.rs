//! Channels of a worker of which publications may have been lost, and how far looking at them has come.
//!
//! A doubt says nothing to a client. The channel is compared with its stream; where the stream is elsewhere the channel
//! is *behind*, and has lost something only if, a moment and an inbox later, it still stands where it stood.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;

/// Indices in the hub that are looked at in one turn while all channels are in doubt.
const SLICE: usize = 256;
/// Questions to the engine about positions, under way at once. So an engine that is just up again is not flooded.
const MAX_ASKED: usize = 256;

/// What is still to be looked at.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Channels to be compared with their streams, and when; oldest first.
    unchecked: VecDeque<(Duration, Channel)>,
    /// Those in `unchecked`.
    queued: HashSet<Channel>,
    /// Oldest first.
    behind: VecDeque<Behind>,
    /// Where in the hub the walk over all channels goes on, if all are in doubt.
    walk: Option<usize>,
    /// Questions to the engine that are not answered.
    asked: usize,
}

/// A channel that seems to be behind its stream.
#[derive(Debug)]
struct Behind {
    channel: Channel,
    /// Up to where it was delivered.
    stood: StreamPosition,
    /// When it is looked at again.
    due: Duration,
}

impl Doubts {
    /// Publications of the channel may have been lost; it is looked at when `due` has come.
    pub(super) fn doubt(&mut self, channel: &Channel, due: Duration) {
        if self.queued.insert(channel.clone()) {
            self.unchecked.push_back((due, channel.clone()));
        }
    }

    /// Publications of any channel may have been lost.
    pub(super) fn doubt_all(&mut self) {
        self.unchecked.clear();
        self.queued.clear();
        self.walk = Some(0);
    }

    /// The stream of the channel is elsewhere.
    pub(super) fn is_behind(&mut self, channel: Channel, stood: StreamPosition, due: Duration) {
        self.behind.push_back(Behind {
            channel,
            stood,
            due,
        });
    }

    /// The next channel behind that is due at `now`, and where it stood.
    pub(super) fn take_behind(&mut self, now: Duration) -> Option<(Channel, StreamPosition)> {
        let behind = self.behind.pop_front_if(|behind| behind.due <= now)?;
        Some((behind.channel, behind.stood))
    }

    /// The next channel to be compared with its stream, if one is due and the engine may be asked.
    pub(super) fn take_unchecked(&mut self, now: Duration) -> Option<Channel> {
        if !self.may_ask() || self.unchecked.front()?.0 > now {
            return None;
        }
        let (_, channel) = self.unchecked.pop_front()?;
        self.queued.remove(&channel);
        Some(channel)
    }

    /// The next slice of the walk over all of so many indices of the hub.
    pub(super) fn take_slice(&mut self, indices: usize) -> Range<usize> {
        let Some(from) = self.walk.filter(|_| self.may_ask()) else {
            return 0..0;
        };
        let to = from.saturating_add(SLICE).min(indices);
        self.walk = (to < indices).then_some(to);
        from.min(to)..to
    }

    /// When there is something to do next; `now` if at once.
    pub(super) fn next(&self, now: Duration) -> Option<Duration> {
        let walk = self.walk.map(|_| now);
        let unchecked = self.unchecked.front().map(|(due, _)| *due);
        let asking = walk.into_iter().chain(unchecked).min();
        // While the engine must not be asked its answers wake the worker.
        let asking = asking.filter(|_| self.may_ask());
        let behind = self.behind.front().map(|behind| behind.due);
        asking.into_iter().chain(behind).min()
    }

    /// Whether the engine may be asked something more.
    pub(super) fn may_ask(&self) -> bool {
        self.asked < MAX_ASKED
    }

    /// The engine was asked, and will answer later.
    pub(super) fn asked(&mut self) {
        self.asked += 1;
    }

    /// The engine has answered.
    pub(super) fn answered(&mut self) {
        self.asked = self.asked.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_channel_behind_waits_for_its_time_and_comes_once() {
        let mut doubts = Doubts::default();
        let stood = StreamPosition::default();
        doubts.is_behind(Channel::new("a"), stood.clone(), at(1));
        doubts.is_behind(Channel::new("b"), stood.clone(), at(2));
        assert_eq!(doubts.next(at(0)), Some(at(1)));
        assert_eq!(doubts.take_behind(Duration::from_millis(999)), None);
        let due = doubts.take_behind(at(1));
        assert_eq!(due, Some((Channel::new("a"), stood.clone())));
        assert_eq!(doubts.take_behind(at(1)), None);
        let due = doubts.take_behind(at(9));
        assert_eq!(due, Some((Channel::new("b"), stood)));
        assert_eq!(doubts.take_behind(at(9)), None);
        assert_eq!(doubts.next(at(9)), None);
    }

    #[test]
    fn a_channel_in_doubt_is_queued_once_however_often_it_is_doubted() {
        let mut doubts = Doubts::default();
        let (a, b) = (Channel::new("a"), Channel::new("b"));
        for _ in 0..1000 {
            doubts.doubt(&a, at(1));
        }
        doubts.doubt(&b, at(2));
        assert_eq!(doubts.take_unchecked(at(0)), None);
        assert_eq!(doubts.take_unchecked(at(1)), Some(a.clone()));
        assert_eq!(doubts.take_unchecked(at(1)), None);
        doubts.doubt(&a, at(3));
        assert_eq!(doubts.take_unchecked(at(3)), Some(b));
        assert_eq!(doubts.take_unchecked(at(3)), Some(a));
    }

    #[test]
    fn a_walk_goes_over_all_places_in_slices_and_waits_for_the_engine() {
        let mut doubts = Doubts::default();
        let places = 10 * SLICE + 1;
        doubts.doubt_all();
        let mut seen = Vec::new();
        for _ in 0..11 {
            assert_eq!(doubts.next(at(5)), Some(at(5)));
            let slice = doubts.take_slice(places);
            assert!(slice.len() <= SLICE);
            seen.extend(slice);
        }
        assert_eq!(seen, (0..places).collect::<Vec<_>>());
        assert_eq!(doubts.next(at(5)), None);

        doubts.doubt_all();
        (0..MAX_ASKED).for_each(|_| doubts.asked());
        assert_eq!(doubts.next(at(5)), None);
        assert!(doubts.take_slice(places).is_empty());
        doubts.answered();
        assert_eq!(doubts.take_slice(places), 0..SLICE);
    }
}
