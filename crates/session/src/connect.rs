//! `connect`: lets a known user in, and makes the server-side subscriptions of the connection.

use veche_protocol::channel::Channel;
use veche_protocol::claims::ConnectionClaims;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::identity::UserId;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Expiry};

use crate::effect::{Effect, Effects};
use crate::limits;
use crate::permission::Asker;
use crate::profile::{Direction, Ping};
use crate::question::{Notice, Question};
use crate::recovery::{self, Start};
use crate::refresh::told_expiry;
use crate::refusal::{About, Refusal};
use crate::session::pending::PendingQuestion;
use crate::session::phase::Phase;
use crate::session::{Emulation, Session};
use crate::subscription::{Making, Source, Stage, Subscription};
use crate::timers::Timer;
use crate::turn::Turn;

pub(crate) mod connecting;
mod identify;
pub(crate) mod plan;

use connecting::Newcomer;
use plan::{Plan, Planned};

impl Session {
    /// Continues with a known user: plans the server-side subscriptions, which `by` grants, and checks the limit of
    /// connections.
    fn identify(
        &mut self,
        claims: ConnectionClaims,
        by: Source,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let Phase::Connecting(connecting) = &mut self.phase else {
            return;
        };
        let rules = &turn.rules.client;
        let mut claims = claims;
        let subs = std::mem::take(&mut claims.subs);
        let asker = Asker {
            user: &claims.user,
            client: self.client,
            is_subscribed: false,
        };
        let plan = match Plan::new(subs, by, &connecting.subs, asker, turn.rules) {
            Ok(plan) => plan,
            Err(refusal) => return self.refuse_connect(refusal, turn, effects),
        };
        let user = claims.user.clone();
        connecting.newcomer = Some(Box::new(Newcomer { claims, plan }));
        // The user's other connections will be closed, so there is no need to count them.
        if let Some(channel) = turn.rules.sole_channel(&user) {
            let question = Question::PresenceStats { channel };
            return self.ask(PendingQuestion::Connect, question, effects);
        }
        let limit = rules.user_connection_limit;
        if limit > 0 && !user.is_anonymous() {
            let question = Question::UserPlace { user, limit };
            return self.ask(PendingQuestion::Connect, question, effects);
        }
        self.admit(turn, effects);
    }

    pub(crate) fn handle_user_connections(
        &mut self,
        count: usize,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let limit = turn.rules.client.user_connection_limit;
        if limit > 0 && count >= limit {
            let user = self.pending_user().unwrap_or_default();
            let why = format!(
                "user {user:?} has {count} connections; at most {limit} are taken (client.user_connection_limit)"
            );
            let refusal = Refusal::ends(Disconnect::CONNECTION_LIMIT, why);
            return self.refuse_connect(refusal, turn, effects);
        }
        self.admit(turn, effects);
    }

    /// The user of a `connect` that is being answered.
    pub(crate) fn pending_user(&self) -> Option<UserId> {
        match &self.phase {
            Phase::Connecting(connecting) => {
                let newcomer = connecting.newcomer.as_ref()?;
                Some(newcomer.claims.user.clone())
            }
            _ => None,
        }
    }

    /// Admits the client. From here on the connection belongs to the user, and an error ends it.
    pub(crate) fn admit(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let Phase::Connecting(connecting) = &mut self.phase else {
            return;
        };
        let Some(newcomer) = connecting.newcomer.take() else {
            return self.close(Disconnect::SERVER_ERROR, effects);
        };
        let Newcomer { claims, plan } = *newcomer;
        let now = turn.now.unix_secs();
        let expire_at = claims.expire_at.filter(|_| !turn.rules.client.insecure);
        let expiry = match plan.expiry(expire_at, now) {
            Ok(expiry) => expiry,
            Err(refusal) => return self.refuse_connect(refusal, turn, effects),
        };
        connecting.expiry = told_expiry(expiry, turn);
        let app = connecting.app.take();
        self.timers.clear(Timer::Stale);
        self.user = claims.user;
        self.set_meta(claims.meta);
        self.info = claims.info.map(Box::new);
        self.expire_at = limits::capped(expire_at, now);
        effects.push(Effect::Tell(Notice::Connected {
            client: self.client,
            user: self.user.clone(),
            app,
        }));
        let is_alone = plan.subscriptions.is_empty();
        for (channel, planned) in plan.subscriptions {
            let Planned {
                source,
                grant,
                recovery,
            } = planned;
            self.begin_making(channel, source, 0, grant, recovery, effects);
        }
        if is_alone {
            self.finish_connect(turn, effects);
        }
    }

    /// Answers `connect` once all server-side subscriptions are there.
    pub(crate) fn finish_connect(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let is_ready = self.subscriptions.iter().all(|(_, subscription)| {
            matches!(subscription, Subscription::Making(making) if matches!(making.stage, Stage::Ready(_)))
        });
        if !is_ready || !matches!(self.phase, Phase::Connecting(_)) {
            return;
        }
        let made: Vec<_> = self.subscriptions.take_all().collect();
        let mut beginnings = Vec::with_capacity(made.len());
        let mut subs = Vec::with_capacity(made.len());
        let mut has_lost = false;
        for (channel, subscription) in made {
            let Subscription::Making(mut making) = subscription else {
                continue;
            };
            let mut start = start_of(&mut making);
            has_lost |= start.has_lost;
            subs.push((
                channel.clone(),
                making.grant.reply(Expiry::Never, &mut start),
            ));
            beginnings.push((channel.clone(), start));
            self.subscriptions
                .insert(channel, Subscription::Making(making));
        }
        if has_lost {
            // The client got no reply yet, so it connects again and recovers from its old position.
            return self.close(Disconnect::INSUFFICIENT_STATE, effects);
        }
        let Phase::Connecting(mut connecting) =
            std::mem::replace(&mut self.phase, Phase::Connected)
        else {
            return;
        };
        self.start_timers(turn);
        let data = connecting.data.take();
        let connected = Box::new(reply::Connect {
            data,
            ..self.connected(connecting.expiry, subs, turn)
        });
        if self.profile.direction == Direction::Unidirectional {
            self.finish_command();
            let body = push::Body::Connect(connected);
            effects.push(Effect::Push(Push::connection(body)));
        } else {
            self.reply(connecting.id, reply::Body::Connect(connected), effects);
        }
        for (channel, start) in beginnings {
            if let Some((channel, making)) = self.subscriptions.take_making(channel.as_str()) {
                self.go_live(channel, *making, start, turn, effects);
            }
        }
        for order in connecting.orders {
            self.handle_order(order, turn, effects);
        }
    }

    fn connected(
        &self,
        expiry: Expiry,
        subs: Vec<(Channel, reply::Subscribe)>,
        turn: &Turn<'_>,
    ) -> reply::Connect {
        let rules = &turn.rules.client;
        // Ping frames belong to the WebSocket layer; the protocol promises none.
        let told = |part: fn(&Emulation) -> &str| self.emulation().map_or("", part).to_owned();
        let promised = rules
            .ping_interval
            .filter(|_| self.profile.ping != Ping::Frame);
        let ping_secs = promised.map_or(0, |interval| interval.as_secs());
        reply::Connect {
            client: self.client,
            user: self.user.clone(),
            version: rules.version.clone(),
            expiry,
            data: None,
            subs,
            ping_secs: u32::try_from(ping_secs).unwrap_or(u32::MAX),
            pong: self.profile.ping == Ping::Message && rules.pong_timeout.is_some(),
            session: told(|emulation| &emulation.session),
            node: told(|emulation| &emulation.node),
            time_ms: if rules.connect_include_server_time {
                turn.now.unix_ms
            } else {
                0
            },
        }
    }

    fn start_timers(&mut self, turn: &Turn<'_>) {
        if let Some(interval) = turn.rules.client.ping_interval {
            let first = self.spread.first(interval);
            let first = turn.now.monotonic.saturating_add(first);
            self.timers.set(Timer::Ping, first);
        }
        self.watch_expiry(turn);
    }

    /// `connect` is refused; the client may try again with other credentials.
    fn refuse_connect(&mut self, refusal: Refusal, turn: &Turn<'_>, effects: &mut Effects) {
        let Phase::Connecting(connecting) = std::mem::replace(&mut self.phase, Phase::Refused)
        else {
            return;
        };
        let refusal = if self.profile.direction == Direction::Unidirectional {
            refusal.without_reply(unidirectional)
        } else {
            refusal
        };
        self.refuse(
            About::connection(connecting.id, "connect"),
            refusal,
            turn,
            effects,
        );
    }
}

/// The disconnect that replaces an error for a client that cannot receive replies.
///
/// Source: client protocol, unidirectional transports.
fn unidirectional(code: ErrorCode) -> Disconnect {
    match code {
        ErrorCode::TOKEN_EXPIRED | ErrorCode::EXPIRED => Disconnect::EXPIRED,
        ErrorCode::TOO_MANY_REQUESTS => Disconnect::TOO_MANY_REQUESTS,
        ErrorCode::PERMISSION_DENIED => Disconnect::PERMISSION_DENIED,
        _ => Disconnect::SERVER_ERROR,
    }
}

fn start_of(making: &mut Making) -> Start {
    let stage = std::mem::replace(&mut making.stage, Stage::Ready(None));
    let page = match stage {
        Stage::Ready(page) => page,
        _ => None,
    };
    let buffer = std::mem::take(&mut making.buffer);
    recovery::begin(&making.grant, &making.recovery, page, buffer).unwrap_or_default()
}
