//! `presence` and `presence_stats`, and the tick that keeps a client present and finds expired subscriptions.

use veche_protocol::channel::Channel;
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;

use crate::application::ProxyName;
use crate::authorities;
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
        let mut over = Vec::new();
        let mut asked = Vec::new();
        let mut ticks_again = false;
        for (channel, subscription) in self.subscriptions.iter() {
            let Subscription::Live(live) = subscription else {
                continue;
            };
            match time_of(live, channel, turn) {
                Time::Left => {}
                Time::Over => {
                    over.push(channel.clone());
                    continue;
                }
                Time::Asked(proxy) => asked.push((channel.clone(), proxy.clone())),
            }
            ticks_again |= live.needs_tick();
            if live.presence {
                effects.push(Effect::Tell(Notice::KeepPresence {
                    channel: channel.clone(),
                    info: self.client_info(live.info.as_deref()),
                }));
            }
        }
        let is_server_side = |channel: &Channel| {
            let live = self.subscriptions.live(channel.as_str());
            live.is_some_and(|live| live.source.is_server_side())
        };
        if over.iter().any(is_server_side) {
            return self.close(Disconnect::SUBSCRIPTION_EXPIRED, effects);
        }
        for channel in over {
            self.expire(&channel, effects);
        }
        for (channel, proxy) in asked {
            self.ask_sub_refresh(channel, proxy, effects);
        }
        if ticks_again {
            let next = turn.now.monotonic.saturating_add(turn.rules.client.tick());
            self.timers.set(Timer::Presence, next);
        }
    }
}

/// Whether a subscription's time has run out.
enum Time<'a> {
    /// It has not, or its client may still refresh it.
    Left,
    /// It has.
    Over,
    /// It has, and the application is asked by this proxy.
    Asked(&'a ProxyName),
}

fn time_of<'a>(live: &Live, channel: &'a Channel, turn: &Turn<'a>) -> Time<'a> {
    let Some(at) = live.expire_at.filter(|at| *at <= turn.now.unix_secs()) else {
        return Time::Left;
    };
    let resolved = turn.rules.resolve(channel.as_str());
    if let Some(proxy) = resolved.and_then(|it| authorities::sub_refreshes(it.options)) {
        return Time::Asked(proxy);
    }
    let grace = turn.rules.client.expired_sub_close_delay.as_secs();
    let grace = i64::try_from(grace).unwrap_or(i64::MAX);
    match turn.now.unix_secs() > at.saturating_add(grace) {
        true => Time::Over,
        false => Time::Left,
    }
}

impl Live {
    fn needs_tick(&self) -> bool {
        self.presence || self.expire_at.is_some()
    }
}
