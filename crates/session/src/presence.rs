//! `presence` and `presence_stats`, and the tick that keeps a client present and finds expired subscriptions.

use veche_protocol::channel::Channel;
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push, Unsubscribe};

use crate::effect::{Effect, Effects};
use crate::permission;
use crate::question::{Notice, Question};
use crate::refusal::{About, Refusal};
use crate::rule::Silent;
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::subscription::{Live, Subscription};
use crate::timers::Timer;
use crate::turn::Turn;

impl Session {
    pub(crate) fn handle_presence(
        &mut self,
        id: u32,
        request: command::Presence,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match self.check_presence(&request, turn) {
            Ok(()) => {
                let channel = Channel::from(request.channel);
                self.ask(
                    PendingQuestion::Presence(id),
                    Question::Presence { channel },
                    effects,
                );
            }
            Err(refusal) => {
                let about = About::channel(id, "presence", &request.channel);
                self.refuse(about, refusal, turn, effects);
            }
        }
    }

    pub(crate) fn handle_presence_stats(
        &mut self,
        id: u32,
        request: command::Presence,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match self.check_presence(&request, turn) {
            Ok(()) => {
                let channel = Channel::from(request.channel);
                let question = Question::PresenceStats { channel };
                self.ask(PendingQuestion::PresenceStats(id), question, effects);
            }
            Err(refusal) => {
                let about = About::channel(id, "presence_stats", &request.channel);
                self.refuse(about, refusal, turn, effects);
            }
        }
    }

    fn check_presence(&self, request: &command::Presence, turn: &Turn<'_>) -> Result<(), Refusal> {
        let resolved = self.find_channel(&request.channel, turn.rules)?;
        permission::presence(&resolved, self.asker(&request.channel), &mut Silent)?;
        Ok(())
    }

    /// Sets the timer of the tick, if this subscription needs it. A client without such subscriptions has no timer.
    pub(crate) fn watch_subscription(&mut self, channel: &Channel, turn: &Turn<'_>) {
        let needs_tick = self
            .subscriptions
            .live(channel.as_str())
            .is_some_and(Live::needs_tick);
        if needs_tick && !self.timers.is_set(Timer::Presence) {
            let first = self.spread.first(turn.rules.client.tick());
            let first = turn.now.monotonic.saturating_add(first);
            self.timers.set(Timer::Presence, first);
        }
    }

    pub(crate) fn tick_presence(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let rules = &turn.rules.client;
        let grace = i64::try_from(rules.expired_sub_close_delay.as_secs()).unwrap_or(i64::MAX);
        let mut expired = Vec::new();
        let mut ends_connection = false;
        let mut ticks_again = false;
        for (channel, subscription) in self.subscriptions.iter() {
            let Subscription::Live(live) = subscription else {
                continue;
            };
            let is_expired = live
                .expire_at
                .is_some_and(|at| turn.now.unix_secs() > at.saturating_add(grace));
            if is_expired {
                ends_connection |= live.source.is_server_side();
                expired.push(channel.clone());
                continue;
            }
            ticks_again |= live.needs_tick();
            if live.presence {
                effects.push(Effect::Tell(Notice::KeepPresence {
                    channel: channel.clone(),
                    info: self.client_info(live.info.as_deref()),
                }));
            }
        }
        if ends_connection {
            return self.close(Disconnect::SUBSCRIPTION_EXPIRED, effects);
        }
        for channel in expired {
            self.end(channel.as_str(), effects);
            let body = push::Body::Unsubscribe(Unsubscribe::EXPIRED);
            effects.push(Effect::Push(Push::new(channel, body)));
        }
        if ticks_again {
            let next = turn.now.monotonic.saturating_add(rules.tick());
            self.timers.set(Timer::Presence, next);
        }
    }
}

impl Live {
    fn needs_tick(&self) -> bool {
        self.presence || self.expire_at.is_some()
    }
}
