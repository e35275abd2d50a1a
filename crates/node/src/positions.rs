//! Whether what was published has come: the positions of channels, compared with their streams from time to time.
//!
//! Each worker asks once per channel, whoever is subscribed there. Beside live traffic the top of a stream is ahead of
//! what was delivered at any moment, and that says nothing. What says something is a channel that stands still: its
//! stream has gone on, or is another one, and for a while nothing came.

use std::collections::VecDeque;
use std::time::Duration;

use smallvec::SmallVec;
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::position::StreamPosition;

use crate::inbox::Item;
use crate::worker::Worker;

/// Which channels are looked at next, and those of which the stream was elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    next: Duration,
    /// A place in the hub.
    cursor: usize,
    /// Oldest first.
    doubts: VecDeque<Doubt>,
}

/// A channel that seems to be behind its stream.
#[derive(Debug)]
struct Doubt {
    channel: Channel,
    /// Up to where it was delivered.
    stood: StreamPosition,
    /// When it is looked at again.
    due: Duration,
}

/// Between two steps, and how long a channel in doubt may stand still; less where all channels are due sooner.
const STEP: Duration = Duration::from_secs(1);

impl Positions {
    /// How many places are looked at in a step, so that each comes once in `delay`.
    fn share(places: usize, delay: Duration) -> usize {
        let steps = delay.as_millis() / step(delay).as_millis().max(1);
        places.div_ceil(usize::try_from(steps).unwrap_or(usize::MAX).max(1))
    }

    /// The next places, of `places`.
    fn advance(&mut self, places: usize, share: usize) -> impl Iterator<Item = usize> + use<> {
        let from = if self.cursor < places { self.cursor } else { 0 };
        let to = from.saturating_add(share).min(places);
        self.cursor = to;
        from..to
    }

    /// Notes a stream that is elsewhere.
    fn doubt(&mut self, channel: Channel, stood: StreamPosition, due: Duration) {
        self.doubts.push_back(Doubt {
            channel,
            stood,
            due,
        });
    }

    /// The channels in doubt that are due at `now`, and where they stood.
    fn take_due(&mut self, now: Duration) -> Vec<(Channel, StreamPosition)> {
        let mut due = Vec::new();
        while self.doubts.front().is_some_and(|doubt| doubt.due <= now)
            && let Some(doubt) = self.doubts.pop_front()
        {
            due.push((doubt.channel, doubt.stood));
        }
        due
    }
}

/// Whether a stream whose top is there has nothing that does not come before a position. At the beginning of a stream
/// the epoch may not be known, there or here.
fn is_at(stood: &StreamPosition, top: &StreamPosition) -> bool {
    let is_beginning = stood.offset == 0 && top.offset == 0;
    stood == top || (is_beginning && (stood.epoch.is_empty() || top.epoch.is_empty()))
}

fn step(delay: Duration) -> Duration {
    delay.min(STEP)
}

impl Worker {
    /// When [`Self::check_positions`] is to be called next.
    pub(crate) fn next_check(&self) -> Option<Duration> {
        let is_idle = self.hub.is_empty() || self.delay().is_zero();
        (!is_idle).then_some(self.positions.next)
    }

    /// Looks at some channels, and again at those in doubt. Call it after the inbox was taken.
    pub(crate) fn check_positions(&mut self) {
        let (now, delay) = (self.now.monotonic, self.delay());
        if delay.is_zero() || now < self.positions.next {
            return;
        }
        self.positions.next = now + step(delay);
        for (channel, stood) in self.positions.take_due(now) {
            if self.hub.is_watched_at(&channel, &stood) {
                self.loss_log.report_lost(&channel, &stood, now);
                self.lose(&channel, &stood);
            }
        }
        let places = self.hub.places();
        let share = Positions::share(places, delay);
        for place in self.positions.advance(places, share) {
            let watched = self.hub.watched_at(place);
            let watched: SmallVec<[_; 1]> = watched
                .map(|(channel, stood)| (channel.clone(), stood.clone()))
                .collect();
            for (channel, stood) in watched {
                self.look(channel, stood);
            }
        }
    }

    /// Asks where a channel's stream is.
    fn look(&mut self, channel: Channel, stood: StreamPosition) {
        let Some(resolved) = self.rules.resolve(channel.as_str()) else {
            return;
        };
        let query = Query {
            limit: Some(0),
            meta_ttl: resolved.options.history_meta_ttl,
            ..Query::default()
        };
        // What can't be found out now may be next time.
        match self.node.engine().broker.history(&channel, &query) {
            Pending::Ready(Ok(Page { position, .. })) => self.found(channel, stood, &position),
            Pending::Ready(Err(_)) => {}
            Pending::Later(page) => {
                let inbox = self.node.inbox(self.index).clone();
                self.node.answers().spawn(async move {
                    if let Ok(Page { position, .. }) = page.await {
                        inbox.push(Item::Top {
                            channel,
                            stood,
                            top: position,
                        });
                    }
                });
            }
        }
    }

    /// The stream is there.
    pub(crate) fn found(&mut self, channel: Channel, stood: StreamPosition, top: &StreamPosition) {
        if !is_at(&stood, top) {
            // What is on its way through the inbox, or from the engine, has until then.
            let due = self.now.monotonic + step(self.delay());
            self.positions.doubt(channel, stood, due);
        }
    }

    fn delay(&self) -> Duration {
        self.rules.client.position_check_delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_looked_at_once_in_the_delay() {
        for (places, delay_ms) in [
            (0, 40_000),
            (7, 40_000),
            (100_000, 40_000),
            (9, 300),
            (9, 1),
        ] {
            let delay = Duration::from_millis(delay_ms);
            let mut positions = Positions::default();
            let steps = delay.as_millis() / step(delay).as_millis();
            let share = Positions::share(places, delay);
            let mut seen = Vec::new();
            for _ in 0..steps {
                seen.extend(positions.advance(places, share));
            }
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, (0..places).collect::<Vec<_>>(), "{places} {delay_ms}");
        }
    }

    #[test]
    fn a_hub_that_has_shrunk_is_looked_at_from_its_beginning() {
        let mut positions = Positions::default();
        assert_eq!(positions.advance(10, 6).collect::<Vec<_>>().len(), 6);
        assert_eq!(positions.advance(4, 3).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_stream_in_which_nothing_was_published_is_where_its_subscribers_are_whoever_knows_its_epoch()
     {
        let at = |offset, epoch: &str| StreamPosition::new(offset, epoch.into());
        for (stood, top, expected) in [
            (at(0, ""), at(0, ""), true),
            (at(0, ""), at(0, "a"), true),
            (at(0, "a"), at(0, ""), true),
            (at(0, "a"), at(0, "b"), false),
            (at(0, ""), at(1, "a"), false),
            (at(1, "a"), at(0, ""), false),
            (at(3, "a"), at(3, "a"), true),
            (at(3, "a"), at(3, "b"), false),
        ] {
            assert_eq!(is_at(&stood, &top), expected, "{stood:?} {top:?}");
        }
    }

    #[test]
    fn a_doubt_waits_for_its_time_and_comes_once() {
        let mut positions = Positions::default();
        let stood = StreamPosition::default();
        positions.doubt(Channel::new("a"), stood.clone(), Duration::from_secs(1));
        positions.doubt(Channel::new("b"), stood.clone(), Duration::from_secs(2));
        assert!(positions.take_due(Duration::from_millis(999)).is_empty());
        let due = positions.take_due(Duration::from_secs(1));
        assert_eq!(due, [(Channel::new("a"), stood.clone())]);
        let due = positions.take_due(Duration::from_secs(9));
        assert_eq!(due, [(Channel::new("b"), stood)]);
    }
}
