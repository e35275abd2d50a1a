//! `refresh` and `sub_refresh`: when a connection and a subscription end.

use std::collections::BTreeSet;
use std::num::NonZeroI64;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::claims::{
    ConnectionClaims, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::payload::Payload;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Expiry};

use crate::authorities;
use crate::effect::{Effect, Effects};
use crate::limits;
use crate::permission::{self, refuse_late_token};
use crate::question::Question;
use crate::refusal::{About, NO_CHANNEL, Refusal};
use crate::rule::{Rule, Silent};
use crate::session::Session;
use crate::session::pending::{PendingQuestion, SubRefreshing};
use crate::subscription::{Source, Subscription};
use crate::timers::Timer;
use crate::turn::Turn;

mod renewal;

const SUB_REFRESH: &str = "sub_refresh";

impl Session {
    pub(crate) fn handle_refresh(
        &mut self,
        id: u32,
        request: command::Refresh,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if authorities::refreshes(turn.rules) {
            let why = "the application refreshes connections (client.proxy.refresh.enabled)";
            return self.violate(id, "refresh", why, turn, effects);
        }
        if request.token.is_empty() {
            return self.violate(id, "refresh", "the token is missing", turn, effects);
        }
        let token = request.token;
        self.ask(
            PendingQuestion::Refresh(id),
            Question::ConnectionToken { token },
            effects,
        );
    }

    pub(crate) fn handle_refresh_token(
        &mut self,
        id: u32,
        token: Result<Box<ConnectionClaims>, TokenError>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let claims = match token {
            Ok(claims) => *claims,
            Err(error) => {
                let about = About::connection(id, "refresh");
                let expired = Disconnect::EXPIRED;
                let refusal = refuse_late_token(Rule::ConnectionToken, error, expired);
                return self.refuse(about, refusal, turn, effects);
            }
        };
        let expire_at = claims.expire_at;
        match self.check_refresh(&claims, expire_at, turn) {
            Ok(expiry) => {
                self.set_meta(claims.meta);
                self.prolong(expire_at, claims.info, turn);
                self.reply(id, reply::Body::Refresh(expiry), effects);
            }
            Err(refusal) => {
                self.refuse(About::connection(id, "refresh"), refusal, turn, effects);
            }
        }
    }

    fn check_refresh(
        &self,
        claims: &ConnectionClaims,
        expire_at: Option<i64>,
        turn: &Turn<'_>,
    ) -> Result<Expiry, Refusal> {
        if let Some((name, _)) = claims
            .subs
            .iter()
            .find(|(name, _)| turn.rules.resolve(name).is_none())
        {
            let why = format!("the token subscribes to {name:?}, whose namespace does not exist");
            return Err(Refusal::because(ErrorCode::UNKNOWN_CHANNEL, why));
        }
        if claims.user != self.user {
            let why = format!(
                "the token is for user {:?}, and the connection is of user {:?}",
                claims.user, self.user
            );
            return Err(Refusal::ends(Disconnect::INVALID_TOKEN, why));
        }
        if self.has_other_channels(&claims.subs) {
            let why = "the token subscribes to other channels than the one before it";
            return Err(Refusal::ends(Disconnect::INSUFFICIENT_STATE, why));
        }
        limits::expiry(expire_at, turn.now.unix_secs()).ok_or_else(|| {
            let why = "the connection's new time (expire_at) has run out already";
            Refusal::because(ErrorCode::EXPIRED, why)
        })
    }

    /// Whether a token subscribes to other channels than the last one did.
    fn has_other_channels(&self, subs: &[(String, SubscriptionOptions)]) -> bool {
        let named: BTreeSet<&str> = subs
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !name.is_empty())
            .collect();
        let has_new = named
            .iter()
            .any(|name| self.subscriptions.live(name).is_none());
        let has_old = self.subscriptions.iter().any(|(channel, subscription)| {
            matches!(subscription, Subscription::Live(live) if live.source == Source::ConnectionToken)
                && !named.contains(channel.as_str())
        });
        has_new || has_old
    }

    /// The server says when the connection ends; a time that has passed ends it.
    pub(crate) fn apply_refresh(
        &mut self,
        expire_at: Option<i64>,
        info: Option<Payload>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let Some(expiry) = limits::expiry(expire_at, turn.now.unix_secs()) else {
            return self.close(Disconnect::EXPIRED, effects);
        };
        self.prolong(expire_at, info, turn);
        let told = told_expiry(expiry, turn);
        effects.push(Effect::Push(Push::connection(push::Body::Refresh(told))));
    }

    fn prolong(&mut self, expire_at: Option<i64>, info: Option<Payload>, turn: &Turn<'_>) {
        self.expire_at = limits::capped(expire_at, turn.now.unix_secs());
        if let Some(info) = info {
            self.info = Some(Box::new(info));
        }
        self.watch_expiry(turn);
    }

    /// Sets the timer for the end of the connection: its time, and the grace for a late refresh by the client.
    pub(crate) fn watch_expiry(&mut self, turn: &Turn<'_>) {
        let Some(expire_at) = self.expire_at else {
            return self.timers.clear(Timer::Expire);
        };
        let left = expire_at.get().saturating_sub(turn.now.unix_secs());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
        let grace = match authorities::refreshes(turn.rules) {
            true => Duration::ZERO,
            false => turn.rules.client.expired_close_delay,
        };
        let end = turn
            .now
            .monotonic
            .saturating_add(left)
            .saturating_add(grace);
        self.timers.set(Timer::Expire, end);
    }

    /// Whether the connection lives on. The wall clock decides; it may have been set meanwhile.
    pub(crate) fn check_expiry(&mut self, turn: &Turn<'_>, effects: &mut Effects) -> bool {
        let is_over = self
            .expire_at
            .is_some_and(|expire_at| expire_at.get() <= turn.now.unix_secs());
        match (is_over, authorities::refreshes(turn.rules)) {
            (false, _) => self.watch_expiry(turn),
            (true, true) => self.ask_refresh(effects),
            (true, false) => self.close(Disconnect::EXPIRED, effects),
        }
        !self.is_closed()
    }

    pub(crate) fn handle_sub_refresh(
        &mut self,
        id: u32,
        request: command::SubRefresh,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if request.channel.is_empty() {
            return self.violate(id, SUB_REFRESH, NO_CHANNEL, turn, effects);
        }
        let about = About::channel(id, SUB_REFRESH, &request.channel);
        let Some(live) = self.subscriptions.live(&request.channel) else {
            let refusal = permission::length(turn.rules, &request.channel, &mut Silent)
                .err()
                .unwrap_or_else(|| not_subscribed(&request.channel));
            return self.refuse(about, refusal, turn, effects);
        };
        if live.source.is_server_side() {
            let why = "the server made this subscription, and it refreshes it";
            let refusal = Refusal::ends(Disconnect::BAD_REQUEST, why);
            return self.refuse(about, refusal, turn, effects);
        }
        let resolved = turn.rules.resolve(&request.channel);
        if resolved.is_some_and(|it| authorities::sub_refreshes(it.options).is_some()) {
            let why = "the application refreshes subscriptions here (sub_refresh_proxy_enabled)";
            let refusal = Refusal::ends(Disconnect::BAD_REQUEST, why);
            return self.refuse(about, refusal, turn, effects);
        }
        if request.token.is_empty() {
            let refusal = Refusal::because(ErrorCode::BAD_REQUEST, "the token is missing");
            return self.refuse(about, refusal, turn, effects);
        }
        let refreshing = SubRefreshing {
            id,
            generation: live.generation,
            channel: Channel::from(request.channel),
        };
        let question = Question::SubscriptionToken {
            token: request.token,
        };
        self.ask(
            PendingQuestion::SubRefresh(Box::new(refreshing)),
            question,
            effects,
        );
    }

    pub(crate) fn handle_sub_refresh_token(
        &mut self,
        refreshing: SubRefreshing,
        token: Result<Box<SubscriptionClaims>, TokenError>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let id = refreshing.id;
        match self.refresh_subscription(&refreshing, token, turn) {
            Ok(expiry) => {
                self.watch_subscription(&refreshing.channel, turn);
                self.reply(id, reply::Body::SubRefresh(expiry), effects);
            }
            Err(refusal) => {
                let about = About::channel(id, SUB_REFRESH, refreshing.channel.as_str());
                self.refuse(about, refusal, turn, effects);
            }
        }
    }

    /// An expired token, however well signed, never prolongs anything. It ends the connection, since SDKs take an error
    /// for the end of the subscription for good: after connecting again they subscribe with a new token.
    fn refresh_subscription(
        &mut self,
        refreshing: &SubRefreshing,
        token: Result<Box<SubscriptionClaims>, TokenError>,
        turn: &Turn<'_>,
    ) -> Result<Expiry, Refusal> {
        let claims = token.map_err(|error| {
            refuse_late_token(Rule::Token, error, Disconnect::SUBSCRIPTION_EXPIRED)
        })?;
        let channel = refreshing.channel.as_str();
        let resolved = permission::resolve(turn.rules, channel, &mut Silent)?;
        permission::token_is_for(&resolved, self.asker(channel), &claims, &mut Silent)?;
        let now = turn.now.unix_secs();
        let expire_at = claims.options.expire_at.or(claims.expire_at);
        let expiry = limits::expiry(expire_at, now).ok_or_else(|| {
            let why = "the subscription's new time (expire_at) has run out already";
            Refusal::because(ErrorCode::EXPIRED, why)
        })?;
        match self.subscriptions.get_mut(channel) {
            Some(Subscription::Live(live)) if live.generation == refreshing.generation => {
                live.expire_at = limits::capped(expire_at, now).map(NonZeroI64::get);
                live.info = claims.options.info.map(Box::new);
                Ok(expiry)
            }
            _ => Err(not_subscribed(channel)),
        }
    }
}

/// What a client is told of the time at which its connection ends: nothing, where the application refreshes it.
pub(crate) fn told_expiry(expiry: Expiry, turn: &Turn<'_>) -> Expiry {
    match authorities::refreshes(turn.rules) {
        true => Expiry::Never,
        false => expiry,
    }
}

fn not_subscribed(channel: &str) -> Refusal {
    let why = format!("there is no subscription to {channel:?} to refresh");
    Refusal::because(ErrorCode::PERMISSION_DENIED, why)
}
