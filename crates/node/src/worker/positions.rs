//! Whether what was published has come: the positions of channels, compared with their streams from time to time.
//!
//! Each worker asks once per channel, whoever is subscribed there. Beside live traffic the top of a stream is ahead of
//! what was delivered at any moment, and that says nothing. What says something is a channel that stands still: its
//! stream has gone on, or is another one, and for a while nothing came.
//!
//! Where the engine says that publications may have been lost, the channels in doubt are compared at once, a slice in
//! each turn ([`doubts`]).

use std::time::Duration;

use veche_engine::error::{EngineError, Retry};
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::position::StreamPosition;

use crate::compared::{Compared, Why};
use crate::context::Context;
use crate::hub::Hub;
use crate::inbox::Item;
use crate::trouble_log::LossLog;

mod doubts;

use doubts::Doubts;

/// Which channels are to be compared, and when.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// When the next share is compared in the course of time.
    next: Duration,
    /// The index in the hub at which that share begins.
    cursor: usize,
    doubts: Doubts,
    log: LossLog,
}

/// Between two steps, and how long a channel behind its stream may stand still; less where all channels are due sooner.
const STEP: Duration = Duration::from_secs(1);
/// When a channel in doubt is compared again after the engine could not tell.
const RETRY: Duration = Duration::from_secs(5);

impl Positions {
    /// How many indices are looked at in a step, so that each comes once in `delay`.
    fn share(indices: usize, delay: Duration) -> usize {
        let steps = delay.as_millis() / step(delay).as_millis().max(1);
        indices.div_ceil(usize::try_from(steps).unwrap_or(usize::MAX).max(1))
    }

    /// The next indices, below `indices`.
    fn advance(&mut self, indices: usize, share: usize) -> impl Iterator<Item = usize> + use<> {
        let from = if self.cursor < indices {
            self.cursor
        } else {
            0
        };
        let to = from.saturating_add(share).min(indices);
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

impl Positions {
    /// Publications of a channel may have been lost; it is looked at when `due` has come.
    pub(super) fn doubt(&mut self, channel: &Channel, due: Duration) {
        self.doubts.doubt(channel, due);
    }

    /// Publications of any channel may have been lost.
    pub(super) fn doubt_all(&mut self) {
        self.doubts.doubt_all();
    }

    /// When there is something to do next.
    pub(super) fn next_check(&self, hub: &Hub, context: &Context) -> Option<Duration> {
        let is_idle = hub.is_empty() || delay(context).is_zero();
        let in_turn = (!is_idle).then_some(self.next);
        let doubted = self.doubts.next(context.monotonic());
        in_turn.into_iter().chain(doubted).min()
    }

    /// A channel that has lost what was published after a position, and those who stand there are to be told; `None`
    /// when no other has. Call it after the inbox was taken.
    pub(super) fn next_lost(
        &mut self,
        hub: &Hub,
        now: Duration,
    ) -> Option<(Channel, StreamPosition)> {
        while let Some((channel, stood)) = self.doubts.take_behind(now) {
            if hub.is_watched_at(&channel, &stood) {
                self.log.report_lost(&channel, &stood, now);
                return Some((channel, stood));
            }
        }
        None
    }

    /// Tells the operator that the worker's inbox was full: so many deliveries were dropped, among them some of a
    /// channel.
    pub(super) fn report_dropped(
        &mut self,
        dropped: usize,
        channel: Option<&Channel>,
        context: &Context,
    ) {
        let (worker, now) = (context.index(), context.monotonic());
        self.log.report_dropped(dropped, channel, worker, now);
    }

    /// Compares channels with their streams: those in doubt, and some of the others. Call it after the inbox was taken.
    pub(super) fn compare_some(&mut self, hub: &Hub, context: &Context) {
        while let Some(channel) = self.doubts.take_unchecked(context.monotonic()) {
            if let Some(index) = hub.index_of(&channel) {
                self.compare_at(index, Why::Doubted, hub, context);
            }
        }
        for index in self.doubts.take_slice(hub.indices()) {
            self.compare_at(index, Why::Doubted, hub, context);
        }
        self.compare_share(hub, context);
    }

    /// Compares those channels whose turn it is.
    fn compare_share(&mut self, hub: &Hub, context: &Context) {
        let (now, delay) = (context.monotonic(), delay(context));
        if delay.is_zero() || now < self.next {
            return;
        }
        self.next = now + step(delay);
        // An engine that is so slow gets no further questions.
        if !self.doubts.may_ask() {
            return;
        }
        let indices = hub.indices();
        let share = Self::share(indices, delay);
        for index in self.advance(indices, share) {
            self.compare_at(index, Why::InTurn, hub, context);
        }
    }

    fn compare_at(&mut self, index: usize, why: Why, hub: &Hub, context: &Context) {
        for (channel, stood) in hub.watched_at(index) {
            self.compare(channel.clone(), stood.clone(), why, context);
        }
        // Who is making a subscription may have read the stream before the loss: it is compared when it has begun.
        if why == Why::Doubted
            && let Some(channel) = hub.making_at(index)
        {
            let due = context.monotonic() + step(delay(context));
            self.doubts.doubt(channel, due);
        }
    }

    /// Asks where a channel's stream is.
    fn compare(&mut self, channel: Channel, stood: StreamPosition, why: Why, context: &Context) {
        let Some(resolved) = context.rules().resolve(channel.as_str()) else {
            return;
        };
        let query = Query {
            limit: Some(0),
            meta_ttl: resolved.options.history_meta_ttl,
            ..Query::default()
        };
        let page = context.node().engine().broker.history(&channel, &query);
        let of = move |page: Result<Page, EngineError>| Compared {
            channel,
            stood,
            top: page.map(|page| page.position),
            why,
        };
        match page {
            Pending::Ready(page) => self.compared(of(page), context),
            Pending::Later(page) => {
                self.doubts.asked();
                let inbox = context.inbox().clone();
                context.node().answers().spawn(async move {
                    inbox.push(Item::Compared(of(page.await)));
                });
            }
        }
    }

    /// The engine has answered later.
    pub(super) fn handle_compared(&mut self, compared: Compared, context: &Context) {
        self.doubts.answered();
        self.compared(compared, context);
    }

    fn compared(&mut self, compared: Compared, context: &Context) {
        let Compared {
            channel,
            stood,
            top,
            why,
        } = compared;
        let now = context.monotonic();
        match top {
            Ok(top) if is_at(&stood, &top) => {}
            Ok(_) => {
                // What is on its way through the inbox, or from the engine, has until then.
                let due = now + step(delay(context));
                self.doubts.is_behind(channel, stood, due);
            }
            // What can't be found out now may be next time.
            Err(error) if why == Why::Doubted && error.retry() != Retry::Never => {
                self.doubts.doubt(&channel, now + RETRY);
            }
            Err(_) => {}
        }
    }
}

fn delay(context: &Context) -> Duration {
    context.rules().client.position_check_delay
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
