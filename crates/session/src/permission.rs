//! Permissions: one pure function for each operation, of the rules, the claims and the command.
//!
//! Each function checks its rules in order and reports each step to a [`Trail`]. Sessions need the verdict only;
//! `veche explain` prints the steps. A refusal names the rule and the option that decided, and what would change it.

use veche_protocol::claims::SubscriptionClaims;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::identity::{ClientId, UserId};

use crate::authorities::{self, SubscribeAuthority};
use crate::namespace::ResolvedChannel;
use crate::refusal::{NO_CHANNEL, Refusal, RefusalKind};
use crate::rule::{Act, Change, Decision, Outcome, Rule, Step, Trail};
use crate::rules::Rules;

mod access;
mod connect;
mod token;

#[cfg(test)]
mod tests;

pub use access::{
    has_format, history, may_position, may_recover, may_see_join_leave, presence, publish,
};
pub(crate) use connect::asks_who_connects;
pub use connect::{connect, may_try_without_token};
pub(crate) use token::refuse_late_token;
pub use token::{connect_by_token, lasts, subscribe_by, token_is_for};

/// The client that asks for something.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The user; may be anonymous.
    pub user: &'a UserId,
    /// The connection.
    pub client: ClientId,
    /// Whether it is subscribed to the channel in question.
    pub is_subscribed: bool,
}

/// Finds the channel of a client's command. A name that is too long is refused, unless the client is subscribed: then
/// the server gave it the channel, by a token or by the API, whose names have no limit.
///
/// # Errors
/// As [`length`] and [`resolve`]; disconnect 3501 where the command names no channel.
pub fn find<'a>(
    rules: &'a Rules,
    channel: &'a str,
    is_subscribed: bool,
    trail: &mut impl Trail,
) -> Result<ResolvedChannel<'a>, Refusal> {
    if channel.is_empty() {
        return Err(Refusal::ends(Disconnect::BAD_REQUEST, NO_CHANNEL));
    }
    if !is_subscribed {
        length(rules, channel, trail)?;
    }
    resolve(rules, channel, trail)
}

/// Whether a channel's name is short enough to subscribe to.
///
/// # Errors
/// 107.
pub fn length(rules: &Rules, channel: &str, trail: &mut impl Trail) -> Result<(), Refusal> {
    let (length, limit) = (channel.len(), rules.channel.max_length);
    if length <= limit {
        trail.step(|| {
            let finding = format!("the name has {length} bytes, of at most {limit}");
            Step::new(Rule::MaxLength, Outcome::Passes, finding).by(MAX_LENGTH)
        });
        return Ok(());
    }
    let finding = format!("the channel's name has {length} bytes; at most {limit} are taken");
    let step = Step::new(Rule::MaxLength, Outcome::Refuses, finding).by(MAX_LENGTH);
    let changes = vec![
        Change::act(Act::Rename("that is shorter")),
        Change::set([(MAX_LENGTH.to_owned(), "a higher number")]),
    ];
    Err(refuse(step, ErrorCode::BAD_REQUEST, trail).unless(changes))
}

/// Finds a channel for a command of a client.
///
/// # Errors
/// 102 where the namespace does not exist, 107 where the name is not one that clients may use.
pub fn resolve<'a>(
    rules: &'a Rules,
    channel: &'a str,
    trail: &mut impl Trail,
) -> Result<ResolvedChannel<'a>, Refusal> {
    let Some(resolved) = rules.resolve(channel) else {
        return Err(unknown_namespace(rules, channel, trail));
    };
    trail.step(|| {
        let finding = if resolved.options.namespace.is_empty() {
            "the name has no namespace: channel.without_namespace holds".to_owned()
        } else {
            format!("the name is in {}", resolved.owner())
        };
        Step::new(Rule::Namespace, Outcome::Passes, finding).by("channel.namespace_boundary")
    });
    if !resolved.has_valid_name() {
        return Err(invalid_name(&resolved, trail));
    }
    trail.step(|| {
        let finding = match &resolved.options.channel_regex {
            Some(pattern) => format!("{:?} matches {:?}", resolved.rest, pattern.text),
            None => "the name is ASCII".to_owned(),
        };
        Step::new(Rule::Name, Outcome::Passes, finding).by(resolved.key("channel_regex"))
    });
    Ok(resolved)
}

fn invalid_name(resolved: &ResolvedChannel<'_>, trail: &mut impl Trail) -> Refusal {
    let option = resolved.key("channel_regex");
    let set = Change::set([(option.clone(), "an expression that matches it")]);
    let step = |finding| Step::new(Rule::Name, Outcome::Refuses, finding).by(option.clone());
    let Some(pattern) = &resolved.options.channel_regex else {
        let finding = format!("channel {:?} is not ASCII", resolved.channel);
        let why = format!("{finding}; {option} would allow it");
        let rename = Change::act(Act::Rename("of ASCII characters"));
        return refuse(step(finding), ErrorCode::BAD_REQUEST, trail)
            .with_why(why)
            .unless(vec![rename, set]);
    };
    let finding = format!("{:?} does not match {:?}", resolved.rest, pattern.text);
    let rename = Change::act(Act::Rename("that matches"));
    refuse(step(finding), ErrorCode::BAD_REQUEST, trail)
        .with_public(format!("{:?} is not allowed by {option}", resolved.rest))
        .unless(vec![rename, set])
}

fn unknown_namespace(rules: &Rules, channel: &str, trail: &mut impl Trail) -> Refusal {
    let (namespace, _) = rules.channel.split(channel);
    let finding = format!("namespace {namespace:?} does not exist");
    let step = Step::new(Rule::Namespace, Outcome::Refuses, finding).by("channel.namespaces");
    refuse(step, ErrorCode::UNKNOWN_CHANNEL, trail).unless(vec![
        Change::act(Act::AddNamespace(namespace.to_owned())),
        Change::act(Act::Rename("in a namespace that exists, or in none")),
    ])
}

/// Whether a client may subscribe, or the application decides. `claims` is what its subscription token says, if the
/// command had one.
///
/// # Errors
/// 103; 102 where the namespace of the token's channel does not exist; disconnect 3500 where the token is for another
/// channel, user or connection.
pub fn subscribe(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    claims: Option<&SubscriptionClaims>,
    trail: &mut impl Trail,
) -> Result<Decision, Refusal> {
    let authority = authorities::subscribe(resolved, asker.user, claims.is_some());
    if let Some(claims) = claims {
        token_is_for(resolved, asker, claims, trail)?;
        let rule = allow(Rule::Token, "the token allows it", trail);
        return Ok(Decision::Allowed(rule));
    }
    trail.step(|| Step::new(Rule::Token, Outcome::No, "there is no subscription token"));
    let prefix = &resolved.rules.channel.private_prefix;
    if authority == SubscribeAuthority::Nobody {
        let finding = format!("its name begins with {prefix:?}");
        let step = Step::new(Rule::Private, Outcome::Refuses, finding).by("channel.private_prefix");
        trail.step(|| step.clone());
        let change = Change::act(Act::Rename("without this prefix"));
        return Err(needs_token(resolved, step, vec![change]));
    }
    trail.step(|| {
        let finding = format!("the name does not begin with {prefix:?}, as private channels' do");
        Step::new(Rule::Private, Outcome::Passes, finding).by("channel.private_prefix")
    });
    let is_listed = authority == SubscribeAuthority::Name;
    trail.step(|| user_limited(resolved, asker, is_listed));
    if is_listed {
        return Ok(Decision::Allowed(Rule::UserLimited));
    }
    if let SubscribeAuthority::Application(_) = authority {
        trail.step(|| asks(resolved, Rule::SubscribeProxy, "subscribe"));
        return Ok(Decision::Asked(Rule::SubscribeProxy));
    }
    if is_open_to(resolved, asker, trail) {
        return Ok(Decision::Allowed(Rule::ForClient));
    }
    if is_insecure(resolved.rules, trail) {
        return Ok(Decision::Allowed(Rule::Insecure));
    }
    Err(not_open_to(resolved, asker))
}

/// The step at which the application is asked whether clients may do something.
fn asks(resolved: &ResolvedChannel<'_>, rule: Rule, verb: &str) -> Step {
    let owner = resolved.owner();
    let finding = format!("the application is asked who may {verb}, in {owner}");
    Step::new(rule, Outcome::Asks, finding).by(resolved.key(&format!("{verb}_proxy_enabled")))
}

fn user_limited(resolved: &ResolvedChannel<'_>, asker: Asker<'_>, is_listed: bool) -> Step {
    let boundary = &resolved.rules.channel.user_boundary;
    let step = |outcome, finding| {
        Step::new(Rule::UserLimited, outcome, finding).by("channel.user_boundary")
    };
    if is_listed {
        let finding = format!("the name lists user {:?} after {boundary:?}", asker.user);
        return step(Outcome::Allows, finding);
    }
    if !resolved.options.allow_user_limited_channels {
        return step(Outcome::No, "names do not list users here".to_owned())
            .by(resolved.key("allow_user_limited_channels"));
    }
    let finding = if !resolved.is_user_limited() {
        format!("the name lists no users after {boundary:?}")
    } else if asker.user.is_anonymous() {
        format!("its name lists users after {boundary:?}, and the client has none")
    } else {
        let user = asker.user;
        format!("its name does not list user {user:?} after {boundary:?}")
    };
    step(Outcome::No, finding)
}

/// The rule of channels that are open to all clients.
fn is_open_to(resolved: &ResolvedChannel<'_>, asker: Asker<'_>, trail: &mut impl Trail) -> bool {
    let options = resolved.options;
    if resolved.is_user_limited() {
        trail.step(|| {
            let finding = "what all clients may do does not count where the name lists users";
            Step::new(Rule::ForClient, Outcome::No, finding)
        });
        return false;
    }
    let all = options.allow_subscribe_for_client;
    let counts = !asker.user.is_anonymous() || options.allow_subscribe_for_anonymous;
    trail.step(|| {
        for_client(
            resolved,
            match (all, counts) {
                (true, true) => Outcome::Allows,
                (true, false) => Outcome::Passes,
                (false, _) => Outcome::No,
            },
        )
    });
    if all && !counts {
        trail.step(|| for_anonymous(resolved));
    }
    all && counts
}

fn for_client(resolved: &ResolvedChannel<'_>, outcome: Outcome) -> Step {
    let is_on = outcome != Outcome::No;
    let finding = switch(resolved, is_on, "clients to subscribe");
    Step::new(Rule::ForClient, outcome, finding).by(resolved.key("allow_subscribe_for_client"))
}

fn for_anonymous(resolved: &ResolvedChannel<'_>) -> Step {
    let finding = switch(resolved, false, "anonymous subscribers");
    Step::new(Rule::ForAnonymous, Outcome::No, finding)
        .by(resolved.key("allow_subscribe_for_anonymous"))
}

fn is_insecure(rules: &Rules, trail: &mut impl Trail) -> bool {
    let insecure = rules.client.insecure;
    trail.step(|| {
        let (outcome, finding) = if insecure {
            (Outcome::Allows, "everything is allowed")
        } else {
            (Outcome::No, "not everything is allowed")
        };
        Step::new(Rule::Insecure, outcome, finding).by("client.insecure")
    });
    insecure
}

/// The refusal when no rule allows the operation, made from the step that would have allowed it.
fn not_open_to(resolved: &ResolvedChannel<'_>, asker: Asker<'_>) -> Refusal {
    let options = resolved.options;
    let is_nobody = asker.user.is_anonymous();
    if resolved.is_user_limited() {
        let rename = Change::act(Act::Rename("that lists the user"));
        let changes = (!is_nobody).then_some(rename).into_iter().collect();
        return needs_token(resolved, user_limited(resolved, asker, false), changes);
    }
    let mut switches = Vec::new();
    if !options.allow_subscribe_for_client {
        switches.push(resolved.key("allow_subscribe_for_client"));
    }
    if is_nobody && !options.allow_subscribe_for_anonymous {
        switches.push(resolved.key("allow_subscribe_for_anonymous"));
    }
    let mut changes = vec![Change::switch_on(switches)];
    let step = if options.allow_subscribe_for_client {
        changes.push(Change::act(Act::NameUser));
        for_anonymous(resolved)
    } else {
        for_client(resolved, Outcome::No)
    };
    needs_token(resolved, step, changes)
}

/// The refusal of a channel that a subscription token would open, made from the step that did not allow it.
fn needs_token(resolved: &ResolvedChannel<'_>, step: Step, mut changes: Vec<Change>) -> Refusal {
    changes.push(Change::act(Act::BringSubscriptionToken));
    let why = format!(
        "channel {:?} needs a subscription token: {}",
        resolved.channel,
        step.reason()
    );
    Refusal::by(step, ErrorCode::PERMISSION_DENIED)
        .with_why(why)
        .unless(changes)
}

/// Reports a step that refuses to the trail, and makes the refusal from it.
fn refuse(step: Step, kind: impl Into<RefusalKind>, trail: &mut impl Trail) -> Refusal {
    trail.step(|| step.clone());
    Refusal::by(step, kind)
}

fn allow(rule: Rule, finding: &'static str, trail: &mut impl Trail) -> Rule {
    trail.step(|| Step::new(rule, Outcome::Allows, finding));
    rule
}

/// Whether the owner of a channel's options allows something, in words.
fn switch(resolved: &ResolvedChannel<'_>, is_on: bool, what: &str) -> String {
    let verb = match is_on {
        true => resolved.agree("allow", "allows"),
        false => resolved.agree("do not allow", "does not allow"),
    };
    format!("{} {verb} {what}", resolved.owner())
}

const MAX_LENGTH: &str = "channel.max_length";

pub(crate) fn person(user: &UserId) -> String {
    if user.is_anonymous() {
        "an anonymous user".to_owned()
    } else {
        format!("user {user:?}")
    }
}
