//! `subscribe`, by the client's command and by the server's order.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::claims::{SubscriptionClaims, SubscriptionOptions, TokenError};
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::filter::Filter;
use veche_protocol::position::StreamPosition;

use crate::application::{Request, SubscribeRequest, Verdict};
use crate::effect::Effects;
use crate::limits;
use crate::namespace::ResolvedChannel;
use crate::permission;
use crate::question::Question;
use crate::refusal::{About, NO_CHANNEL, Refusal};
use crate::rule::{Decision, Rule, Silent};
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::subscription::buffer::Buffer;
use crate::subscription::request::RecoveryRequest;
use crate::subscription::{Compaction, FOSSIL, Grant, Making, Source, Stage, Subscription};
use crate::turn::Turn;

impl Session {
    pub(crate) fn handle_subscribe(
        &mut self,
        id: u32,
        request: Box<command::Subscribe>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if let Err(refusal) = self.check_subscribe(&request, turn) {
            let about = About::channel(id, "subscribe", &request.channel);
            return self.refuse(about, refusal, turn, effects);
        }
        let channel = Channel::new(&request.channel);
        if !request.token.is_empty() {
            let token = request.token.clone();
            let question = Question::SubscriptionToken { token };
            return self.ask_about(channel, Rule::Token, id, request, question, effects);
        }
        match self.grant(&request, None, turn) {
            Ok((Decision::Allowed(rule), grant)) => {
                let recovery = recovery_of(&request);
                let source = Source::Client(rule);
                self.begin_making(channel, source, id, grant, recovery, effects);
            }
            Ok((Decision::Asked(rule), _)) => {
                let proxy = turn
                    .rules
                    .resolve(&request.channel)
                    .and_then(|resolved| resolved.options.subscribe_proxy.clone())
                    .unwrap_or_default();
                let question = Request::Subscribe(Box::new(SubscribeRequest {
                    proxy,
                    channel: channel.clone(),
                    data: request.data.clone(),
                }));
                let question = Question::Application(question);
                self.ask_about(channel, rule, id, request, question, effects);
            }
            Err(refusal) => {
                let about = About::channel(id, "subscribe", &request.channel);
                self.refuse(about, refusal, turn, effects);
            }
        }
    }

    /// Keeps the command until the question is answered, by which `rule` will allow it.
    fn ask_about(
        &mut self,
        channel: Channel,
        rule: Rule,
        id: u32,
        request: Box<command::Subscribe>,
        question: Question,
        effects: &mut Effects,
    ) {
        let generation = self.next_number();
        let making = Making {
            source: Source::Client(rule),
            reply_to: id,
            recovery: recovery_of(&request),
            stage: Stage::Asked(request),
            grant: Grant::default(),
            buffer: Buffer::default(),
            generation,
            afterwards: None,
        };
        self.subscriptions
            .insert(channel.clone(), Subscription::Making(Box::new(making)));
        self.ask(PendingQuestion::Making(channel), question, effects);
    }

    pub(crate) fn handle_subscription_token(
        &mut self,
        channel: &Channel,
        token: Result<Box<SubscriptionClaims>, TokenError>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        self.go_on_or_fail(channel, Rule::Token, turn, effects, |session, request| {
            let (_, grant) = session.grant(request, Some(token), turn)?;
            Ok(grant)
        });
    }

    pub(crate) fn handle_subscribe_result(
        &mut self,
        channel: &Channel,
        result: Verdict<Box<SubscriptionOptions>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let rule = Rule::SubscribeProxy;
        self.go_on_or_fail(channel, rule, turn, effects, |_, request| {
            let wishes = result.map_err(|denial| denial.into_refusal(rule))?;
            let resolved = permission::resolve(turn.rules, &request.channel, &mut Silent)?;
            permission::lasts(wishes.expire_at, turn.now.unix_secs(), &mut Silent)?;
            requested(request, &resolved, *wishes)
        });
    }

    /// Goes on with a subscription about which a question was answered, or gives it up.
    fn go_on_or_fail(
        &mut self,
        channel: &Channel,
        rule: Rule,
        turn: &Turn<'_>,
        effects: &mut Effects,
        grant: impl FnOnce(&Self, &command::Subscribe) -> Result<Grant, Refusal>,
    ) {
        let Some(making) = self.subscriptions.making(channel.as_str()) else {
            return;
        };
        let is_asked = making.source == Source::Client(rule);
        let stage = std::mem::replace(&mut making.stage, Stage::Entering);
        let (Stage::Asked(request), true) = (stage, is_asked) else {
            return self.close(Disconnect::SERVER_ERROR, effects);
        };
        let granted = grant(self, &request);
        let Some((channel, mut making)) = self.subscriptions.take_making(channel.as_str()) else {
            return;
        };
        match granted {
            Ok(grant) => {
                making.grant = grant;
                self.enter(channel, making, effects);
            }
            Err(refusal) => {
                making.stage = Stage::Asked(request);
                self.give_up(channel, making, refusal, turn, effects);
            }
        }
    }

    /// What can be said without knowing who asks.
    fn check_subscribe(
        &self,
        request: &command::Subscribe,
        turn: &Turn<'_>,
    ) -> Result<(), Refusal> {
        let (channel, rules) = (request.channel.as_str(), turn.rules);
        if channel.is_empty() {
            return Err(Refusal::ends(Disconnect::BAD_REQUEST, NO_CHANNEL));
        }
        if request.kind == SHARED_POLL {
            let why = "the channel is no shared poll (subscription_type)";
            return Err(Refusal::because(ErrorCode::NOT_AVAILABLE, why));
        }
        if !request.delta.is_empty() && request.delta != FOSSIL {
            let why = "there is no such delta encoding: \"fossil\" is the one";
            return Err(Refusal::ends(Disconnect::BAD_REQUEST, why));
        }
        permission::length(rules, channel, &mut Silent)?;
        if self.subscriptions.get(channel).is_some() {
            return Err(ErrorCode::ALREADY_SUBSCRIBED.into());
        }
        let limit = rules.client.channel_limit;
        if limit > 0 && self.subscriptions.len() >= limit {
            let why = format!("a connection has at most {limit} channels (client.channel_limit)");
            return Err(Refusal::because(ErrorCode::LIMIT_EXCEEDED, why));
        }
        permission::resolve(rules, channel, &mut Silent)?;
        match request.kind {
            ..=STREAM => Ok(()),
            MAP..=MAP_OF_USERS => Err(Refusal::because(
                ErrorCode::PERMISSION_DENIED,
                "the channel is a stream, not a map (subscription_type)",
            )),
            _ => Err(Refusal::because(
                ErrorCode::BAD_REQUEST,
                format!("there is no subscription type {}", request.kind),
            )),
        }
    }

    /// Whether the client may, by which rule, and how; or whether the application decides, without a token.
    fn grant(
        &self,
        request: &command::Subscribe,
        token: Option<Result<Box<SubscriptionClaims>, TokenError>>,
        turn: &Turn<'_>,
    ) -> Result<(Decision, Grant), Refusal> {
        let resolved = permission::resolve(turn.rules, &request.channel, &mut Silent)?;
        let asker = self.asker(&request.channel);
        let now = turn.now.unix_secs();
        let (decision, wishes) =
            permission::subscribe_by(&resolved, asker, token, now, &mut Silent)?;
        if let Decision::Asked(_) = decision {
            return Ok((decision, Grant::default()));
        }
        let mut grant = requested(request, &resolved, wishes)?;
        grant.positioned |=
            request.positioned && permission::may_position(&resolved, asker, &mut Silent).is_ok();
        grant.recoverable |=
            request.recoverable && permission::may_recover(&resolved, asker, &mut Silent).is_ok();
        grant.sees_join_leave |= request.join_leave
            && permission::may_see_join_leave(&resolved, asker, &mut Silent).is_ok();
        Ok((decision, grant))
    }

    /// The server wants a subscription, or wants it otherwise.
    ///
    /// What can't be done any more (no such namespace, expired) is left alone: whoever ordered it was told.
    pub(crate) fn apply_subscribe(
        &mut self,
        channel: Channel,
        options: SubscriptionOptions,
        recover_since: Option<StreamPosition>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if let Some(making) = self.subscriptions.making(channel.as_str()) {
            let afterwards = making.afterwards.get_or_insert_default();
            afterwards.again = Some((options, recover_since));
            return;
        }
        let Some(resolved) = turn.rules.resolve(channel.as_str()) else {
            return;
        };
        let grant = Grant {
            // Whoever orders it says from where.
            recovers_unasked: false,
            ..Grant::new(&resolved, options)
        };
        let is_over = limits::expiry(grant.expire_at, turn.now.unix_secs()).is_none();
        if channel.as_str().is_empty() || is_over {
            return;
        }
        let recovery = RecoveryRequest {
            recover: recover_since.is_some(),
            since: recover_since.unwrap_or_default(),
            rejects_unrecovered: false,
        };
        // One that is there ends first; where the server counts one, the client must not have the other.
        self.end(channel.as_str(), effects);
        let limit = turn.rules.client.channel_limit;
        if limit > 0 && self.subscriptions.len() >= limit {
            return self.close(Disconnect::CHANNEL_LIMIT, effects);
        }
        self.begin_making(channel, Source::Order, 0, grant, recovery, effects);
    }
}

/// What the channel's options and the application's wishes give, with those features that any subscriber may ask for.
fn requested(
    request: &command::Subscribe,
    resolved: &ResolvedChannel<'_>,
    wishes: SubscriptionOptions,
) -> Result<Grant, Refusal> {
    let mut grant = Grant::new(resolved, wishes);
    grant.filter = filter(request, resolved)?;
    grant.offer_delta(&request.delta, resolved);
    if request.flag & command::Subscribe::FLAG_COMPACTION != 0
        && resolved.options.allow_channel_compaction
    {
        grant.compaction = Compaction::Requested;
    }
    Ok(grant)
}

/// Subscription type 0; what is less is read as this.
const STREAM: i32 = 0;
/// Subscription types 1 to 3.
const MAP: i32 = 1;
const MAP_OF_USERS: i32 = 3;
/// Subscription type 4.
const SHARED_POLL: i32 = 4;

fn recovery_of(request: &command::Subscribe) -> RecoveryRequest {
    RecoveryRequest {
        recover: request.recover,
        since: request.since.clone(),
        rejects_unrecovered: request.flag & command::Subscribe::FLAG_REJECT_UNRECOVERED != 0,
    }
}

fn filter(
    request: &command::Subscribe,
    resolved: &ResolvedChannel<'_>,
) -> Result<Option<Arc<Filter>>, Refusal> {
    let Some(node) = &request.filter else {
        let names = &request.events;
        return Ok((!names.is_empty()).then(|| Arc::new(Filter::events(names))));
    };
    if !resolved.options.allow_tags_filter {
        let why = format!(
            "filters are off here ({})",
            resolved.key("allow_tags_filter")
        );
        return Err(Refusal::because(ErrorCode::BAD_REQUEST, why));
    }
    match Filter::compile(node) {
        Ok(filter) => Ok(Some(Arc::new(filter.and_events(&request.events)))),
        Err(invalid) => Err(Refusal::because(
            ErrorCode::BAD_REQUEST,
            invalid.to_string(),
        )),
    }
}
