//! Connections and subscriptions whose time has run out, where the application says whether they go on.
//!
//! Only the application's word ends them: while it fails, or answers something that does not say so, they are kept and
//! it is asked again.

use std::num::NonZeroI64;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push, Unsubscribe};

use crate::application::{
    Denial, ProxyName, RefreshResult, Request, SubRefreshRequest, Verdict, unusable,
};
use crate::effect::{Effect, Effects};
use crate::limits;
use crate::question::Question;
use crate::refusal::{About, Refusal, RefusalKind};
use crate::rule::Rule;
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::subscription::Subscription;
use crate::turn::Turn;

impl Session {
    /// Asks whether the connection goes on, unless that is asked already.
    pub(super) fn ask_refresh(&mut self, effects: &mut Effects) {
        if self.waits_for(|pending| matches!(pending, PendingQuestion::Renewal)) {
            return;
        }
        let question = Question::Application(Request::Refresh);
        self.ask(PendingQuestion::Renewal, question, effects);
    }

    pub(crate) fn handle_refresh_result(
        &mut self,
        result: Verdict<Box<RefreshResult>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let result = match result {
            Ok(result) => *result,
            Err(denial) => {
                let about = About::connection(0, "refresh");
                if self.is_ended_by(denial, Rule::RefreshProxy, about, effects) {
                    return;
                }
                let retry_at = self.retry_at(turn);
                let is_over = |at: &NonZeroI64| at.get() <= turn.now.unix_secs();
                if self.expire_at.as_ref().is_some_and(is_over) {
                    self.expire_at = NonZeroI64::new(retry_at);
                }
                return self.watch_expiry(turn);
            }
        };
        if !goes_on(&result, turn) {
            return self.close(Disconnect::EXPIRED, effects);
        }
        self.set_meta(result.meta);
        self.prolong(result.expire_at, result.info, turn);
    }

    /// Asks whether a subscription goes on, unless that is asked already.
    pub(crate) fn ask_sub_refresh(
        &mut self,
        channel: Channel,
        proxy: ProxyName,
        effects: &mut Effects,
    ) {
        let Some(live) = self.subscriptions.live(channel.as_str()) else {
            return;
        };
        let generation = live.generation;
        let is_asked = self.waits_for(|pending| match pending {
            PendingQuestion::SubRenewal(asked, of) => *asked == channel && *of == generation,
            _ => false,
        });
        if is_asked {
            return;
        }
        let pending = PendingQuestion::SubRenewal(channel.clone(), generation);
        let request = Request::SubRefresh(Box::new(SubRefreshRequest { proxy, channel }));
        self.ask(pending, Question::Application(request), effects);
    }

    /// Handles the answer about a subscription; `generation` tells it from a later one in the same channel.
    pub(crate) fn handle_sub_refresh_result(
        &mut self,
        channel: &Channel,
        generation: u32,
        result: Verdict<Box<RefreshResult>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let is_same = |session: &Self| {
            let live = session.subscriptions.live(channel.as_str());
            live.is_some_and(|live| live.generation == generation)
        };
        if !is_same(self) {
            return;
        }
        let now = turn.now.unix_secs();
        let result = match result {
            Ok(result) if !goes_on(&result, turn) => return self.expire(channel, effects),
            Ok(result) => Some(*result),
            Err(denial) => {
                let about = About::channel(0, super::SUB_REFRESH, channel.as_str());
                if self.is_ended_by(denial, Rule::SubRefreshProxy, about, effects) {
                    return;
                }
                None
            }
        };
        let retry_at = self.retry_at(turn);
        let Some(Subscription::Live(live)) = self.subscriptions.get_mut(channel.as_str()) else {
            return;
        };
        match result {
            Some(result) => {
                live.expire_at = limits::capped(result.expire_at, now).map(NonZeroI64::get);
                if let Some(info) = result.info {
                    live.info = Some(Box::new(info));
                }
            }
            None if live.expire_at.is_some_and(|at| at <= now) => live.expire_at = Some(retry_at),
            None => {}
        }
        self.watch_subscription(channel, turn);
    }

    /// Ends a subscription whose time has run out. One that the server has made ends the connection.
    pub(crate) fn expire(&mut self, channel: &Channel, effects: &mut Effects) {
        let live = self.subscriptions.live(channel.as_str());
        if live.is_some_and(|live| live.source.is_server_side()) {
            return self.close(Disconnect::SUBSCRIPTION_EXPIRED, effects);
        }
        self.end(channel.as_str(), effects);
        let body = push::Body::Unsubscribe(Unsubscribe::EXPIRED);
        effects.push(Effect::Push(Push::new(channel.clone(), body)));
    }

    /// Ends the connection if the application wants that. Else its answer says nothing about the time; unless it was
    /// told before, the operator is told.
    fn is_ended_by(
        &mut self,
        denial: Denial,
        rule: Rule,
        about: About<'_>,
        effects: &mut Effects,
    ) -> bool {
        let refusal = match denial {
            Denial::Failed => return false,
            Denial::Error(error) => {
                let code = error.code.0;
                unusable(
                    rule,
                    &format!("the error {code}: it does not say \"expired\""),
                )
            }
            Denial::Disconnect(_) => denial.into_refusal(rule),
        };
        if let Refusal {
            kind: RefusalKind::Disconnect(disconnect),
            ..
        } = refusal
        {
            self.close(disconnect, effects);
            return true;
        }
        self.report(about, &refusal, effects);
        false
    }

    /// When the application is asked again, in seconds of Unix time: within [`RETRY`], so that clients which it could
    /// not be asked about at once do not all come at once again.
    fn retry_at(&mut self, turn: &Turn<'_>) -> i64 {
        let delay = self.spread.first(RETRY).as_secs();
        let delay = i64::try_from(delay).unwrap_or(i64::MAX);
        turn.now.unix_secs().saturating_add(delay)
    }
}

/// Whether a connection or subscription goes on for a while.
fn goes_on(result: &RefreshResult, turn: &Turn<'_>) -> bool {
    !result.expired && limits::expiry(result.expire_at, turn.now.unix_secs()).is_some()
}

/// How long a connection or subscription lives on when the application could not say.
///
/// Source: Centrifugo.
const RETRY: Duration = Duration::from_secs(60);
