//! Whether what was published has come: the positions of channels, compared with their streams from time to time.
//!
//! Each worker asks once per channel, whoever is subscribed there. Beside live traffic the top of a stream is ahead of
//! what was delivered at any moment, and that says nothing. What says something is a channel that stands still: its
//! stream has gone on, or is another one, and for a while nothing came.
//!
//! Where the engine says that publications may have been lost, the channels in doubt are compared at once, a slice in
//! each turn ([`crate::doubts`]).

use std::time::Duration;

use smallvec::SmallVec;
use veche_engine::error::{EngineError, Retry};
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::position::StreamPosition;

use crate::compared::{Compared, Why};
use crate::inbox::Item;
use crate::worker::Worker;

/// Which channels are compared next in the course of time.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    next: Duration,
    /// A place in the hub.
    cursor: usize,
}

/// Between two steps, and how long a channel behind its stream may stand still; less where all channels are due sooner.
const STEP: Duration = Duration::from_secs(1);
/// When a channel in doubt is compared again after the engine could not tell.
const RETRY: Duration = Duration::from_secs(5);

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
}

/// Whether a stream whose top is there has nothing that does not come before a position. At the beginning of a stream
/// the epoch may not be known, there or here.
fn is_at(stood: &StreamPosition, top: &StreamPosition) -> bool {
    let is_beginning = stood.offset == 0 && top.offset == 0;
    stood == top || (is_beginning && (stood.epoch.is_empty() || top.epoch.is_empty()))
}

fn step(delay: Duration) -> Duration {
    if delay.is_zero() {
        return STEP;
    }
    delay.min(STEP)
}

impl Worker {
    /// When [`Self::check_positions`] is to be called next.
    pub(crate) fn next_check(&self) -> Option<Duration> {
        let is_idle = self.hub.is_empty() || self.delay().is_zero();
        let in_turn = (!is_idle).then_some(self.positions.next);
        let doubted = self.doubts.next(self.now.monotonic);
        in_turn.into_iter().chain(doubted).min()
    }

    /// Compares channels with their streams: those in doubt, and some of the others. Call it after the inbox was taken.
    pub(crate) fn check_positions(&mut self) {
        let now = self.now.monotonic;
        for (channel, stood) in self.doubts.take_behind(now) {
            if self.hub.is_watched_at(&channel, &stood) {
                self.loss_log.report_lost(&channel, &stood, now);
                self.lose(&channel, &stood);
            }
        }
        while let Some(channel) = self.doubts.take_unchecked(now) {
            if let Some(place) = self.hub.place_of(&channel) {
                self.compare_at(place, Why::Doubted);
            }
        }
        for place in self.doubts.take_slice(self.hub.places()) {
            self.compare_at(place, Why::Doubted);
        }
        self.compare_share();
    }

    /// Compares those channels whose turn it is.
    fn compare_share(&mut self) {
        let (now, delay) = (self.now.monotonic, self.delay());
        if delay.is_zero() || now < self.positions.next {
            return;
        }
        self.positions.next = now + step(delay);
        // An engine that is so slow gets no further questions.
        if !self.doubts.may_ask() {
            return;
        }
        let places = self.hub.places();
        let share = Positions::share(places, delay);
        for place in self.positions.advance(places, share) {
            self.compare_at(place, Why::InTurn);
        }
    }

    fn compare_at(&mut self, place: usize, why: Why) {
        let watched = self.hub.watched_at(place);
        let watched: SmallVec<[_; 1]> = watched
            .map(|(channel, stood)| (channel.clone(), stood.clone()))
            .collect();
        for (channel, stood) in watched {
            self.compare(channel, stood, why);
        }
        // Who is making a subscription may have read the stream before the loss: it is compared when it has begun.
        if why == Why::Doubted
            && let Some(channel) = self.hub.making_at(place)
        {
            let due = self.now.monotonic + step(self.delay());
            self.doubts.doubt(&channel.clone(), due);
        }
    }

    /// Asks where a channel's stream is.
    fn compare(&mut self, channel: Channel, stood: StreamPosition, why: Why) {
        let Some(resolved) = self.rules.resolve(channel.as_str()) else {
            return;
        };
        let query = Query {
            limit: Some(0),
            meta_ttl: resolved.options.history_meta_ttl,
            ..Query::default()
        };
        let page = self.node.engine().broker.history(&channel, &query);
        let of = move |page: Result<Page, EngineError>| Compared {
            channel,
            stood,
            top: page.map(|page| page.position),
            why,
        };
        match page {
            Pending::Ready(page) => self.compared(of(page)),
            Pending::Later(page) => {
                self.doubts.asked();
                let inbox = self.node.inbox(self.index).clone();
                self.node.answers().spawn(async move {
                    inbox.push(Item::Compared(of(page.await)));
                });
            }
        }
    }

    /// The engine has answered later.
    pub(crate) fn take_compared(&mut self, compared: Compared) {
        self.doubts.answered();
        self.compared(compared);
    }

    fn compared(&mut self, compared: Compared) {
        let Compared {
            channel,
            stood,
            top,
            why,
        } = compared;
        match top {
            Ok(top) if is_at(&stood, &top) => {}
            Ok(_) => {
                // What is on its way through the inbox, or from the engine, has until then.
                let due = self.now.monotonic + step(self.delay());
                self.doubts.is_behind(channel, stood, due);
            }
            // What can't be found out now may be next time.
            Err(error) if why == Why::Doubted && error.retry() != Retry::Never => {
                let due = self.now.monotonic + RETRY;
                self.doubts.doubt(&channel, due);
            }
            Err(_) => {}
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
}
