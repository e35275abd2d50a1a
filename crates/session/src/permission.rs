//! Who may do what: one pure function a verb, of rules, claims and command.
//!
//! Each goes through its rules in order and says what it finds to a [`Trail`]: sessions take the verdict alone, and
//! `veche explain` prints the steps. A denial names the rule and the option that decided, and what would change it.

use veche_protocol::claims::SubscriptionClaims;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::identity::{ClientId, UserId};

use crate::limits;
use crate::namespace::Place;
use crate::refusal::{Answer, Denial, Refusal};
use crate::rule::{Act, Change, Outcome, Rule, Step, Trail};
use crate::rules::Rules;

mod access;
mod connect;

#[cfg(test)]
mod tests;

pub use access::{
    has_format, history, may_position, may_recover, may_see_join_leave, presence, publish,
};
pub use connect::{Proof, connect, may_connect_without_token};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The user; may be anonymous.
    pub user: &'a UserId,
    /// The connection.
    pub client: ClientId,
    /// Whether it is subscribed to the channel in question.
    pub is_subscribed: bool,
}

/// Whether a channel's name is short enough to subscribe to.
///
/// # Errors
/// 107.
pub fn length(rules: &Rules, channel: &str, trail: &mut impl Trail) -> Result<(), Refusal> {
    let (length, limit) = (channel.len(), rules.channel.max_length);
    let fits = length <= limit;
    trail.step(|| {
        let finding = format!("the name has {length} bytes, of at most {limit}");
        let outcome = if fits {
            Outcome::Passes
        } else {
            Outcome::Refuses
        };
        Step::new(Rule::MaxLength, outcome, finding).by("channel.max_length")
    });
    if fits {
        return Ok(());
    }
    Err(Denial {
        answer: Answer::Error(ErrorCode::BAD_REQUEST),
        rule: Some(Rule::MaxLength),
        why: format!(
            "the channel's name has {length} bytes; at most {limit} are taken (channel.max_length)"
        ),
        public: None,
        option: "channel.max_length".to_owned(),
        changes: vec![
            Change::act(Act::Rename("that is shorter")),
            Change::set([("channel.max_length".to_owned(), "a higher number")]),
        ],
    }
    .into())
}

/// Finds a channel for a command of a client.
///
/// # Errors
/// 102 where the namespace does not exist, 107 where the name is not one that clients may use.
pub fn place<'a>(
    rules: &'a Rules,
    channel: &'a str,
    trail: &mut impl Trail,
) -> Result<Place<'a>, Refusal> {
    let Some(place) = rules.place(channel) else {
        return Err(unknown_namespace(rules, channel, trail));
    };
    trail.step(|| {
        let finding = if place.options.namespace.is_empty() {
            "the name has no namespace: channel.without_namespace holds".to_owned()
        } else {
            format!("the name is in {}", place.owner())
        };
        Step::new(Rule::Namespace, Outcome::Passes, finding).by("channel.namespace_boundary")
    });
    let is_valid = place.has_valid_name();
    trail.step(|| {
        let finding = match (&place.options.channel_regex, is_valid) {
            (Some(pattern), true) => format!("{:?} matches {:?}", place.rest, pattern.text),
            (Some(pattern), false) => {
                format!("{:?} does not match {:?}", place.rest, pattern.text)
            }
            (None, true) => "the name is ASCII".to_owned(),
            (None, false) => "the name is not ASCII".to_owned(),
        };
        let outcome = if is_valid {
            Outcome::Passes
        } else {
            Outcome::Refuses
        };
        Step::new(Rule::Name, outcome, finding).by(place.key("channel_regex"))
    });
    if is_valid {
        return Ok(place);
    }
    let option = place.key("channel_regex");
    let (why, public, rename) = match &place.options.channel_regex {
        Some(pattern) => (
            format!(
                "{:?} does not match {:?} ({option})",
                place.rest, pattern.text
            ),
            Some(format!("{:?} is not allowed by {option}", place.rest)),
            "that matches",
        ),
        None => (
            format!("channel {channel:?} is not ASCII; {option} would allow it"),
            None,
            "of ASCII characters",
        ),
    };
    Err(Denial {
        answer: Answer::Error(ErrorCode::BAD_REQUEST),
        rule: Some(Rule::Name),
        why,
        public,
        changes: vec![
            Change::act(Act::Rename(rename)),
            Change::set([(option.clone(), "an expression that matches it")]),
        ],
        option,
    }
    .into())
}

fn unknown_namespace(rules: &Rules, channel: &str, trail: &mut impl Trail) -> Refusal {
    let (namespace, _) = rules.channel.split(channel);
    let option = "channel.namespaces".to_owned();
    trail.step(|| {
        let finding = format!("namespace {namespace:?} does not exist");
        Step::new(Rule::Namespace, Outcome::Refuses, finding).by(option.clone())
    });
    Denial {
        answer: Answer::Error(ErrorCode::UNKNOWN_CHANNEL),
        rule: Some(Rule::Namespace),
        why: format!("namespace {namespace:?} does not exist (channel.namespaces)"),
        public: None,
        option,
        changes: vec![
            Change::act(Act::AddNamespace(namespace.to_owned())),
            Change::act(Act::Rename("in a namespace that exists, or in none")),
        ],
    }
    .into()
}

/// Whether a client may subscribe. `claims` is what its subscription token says, if the command had one.
///
/// # Errors
/// 103; 102 where the token's channel has no namespace of ours; disconnect 3500 where the token is for another channel,
/// user or connection.
pub fn subscribe(
    place: &Place<'_>,
    asker: Asker<'_>,
    claims: Option<&SubscriptionClaims>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    if let Some(claims) = claims {
        token_is_for(place, asker, claims, trail)?;
        return Ok(allow(Rule::Token, "the token allows it", trail));
    }
    trail.step(|| Step::new(Rule::Token, Outcome::No, "there is no subscription token"));
    let prefix = &place.rules.channel.private_prefix;
    if place.is_private() {
        let finding = format!("its name begins with {prefix:?}");
        trail.step(|| {
            Step::new(Rule::Private, Outcome::Refuses, finding.clone()).by("channel.private_prefix")
        });
        let change = Change::act(Act::Rename("without this prefix"));
        let option = "channel.private_prefix".to_owned();
        return Err(needs_token(
            place,
            Rule::Private,
            &finding,
            option,
            vec![change],
        ));
    }
    trail.step(|| {
        let finding = format!("the name does not begin with {prefix:?}, as private channels' do");
        Step::new(Rule::Private, Outcome::Passes, finding).by("channel.private_prefix")
    });
    if lists_asker(place, asker, trail) {
        return Ok(Rule::UserLimited);
    }
    if is_open_to(place, asker, trail) {
        return Ok(Rule::ForClient);
    }
    if is_insecure(place.rules, trail) {
        return Ok(Rule::Insecure);
    }
    Err(not_open_to(place, asker))
}

/// The rule of channels whose names list their users.
fn lists_asker(place: &Place<'_>, asker: Asker<'_>, trail: &mut impl Trail) -> bool {
    let boundary = &place.rules.channel.user_boundary;
    let is_limited = place.is_user_limited();
    let is_listed = is_limited && place.lists_user(asker.user.as_str());
    trail.step(|| {
        let mut option = "channel.user_boundary".to_owned();
        let (outcome, finding) = match (is_limited, is_listed) {
            (true, true) => (
                Outcome::Allows,
                format!("the name lists {} after {boundary:?}", person(asker.user)),
            ),
            (true, false) => (
                Outcome::No,
                format!(
                    "the name does not list {} after {boundary:?}",
                    person(asker.user)
                ),
            ),
            (false, _) if place.options.allow_user_limited_channels => (
                Outcome::No,
                format!("the name lists no users after {boundary:?}"),
            ),
            (false, _) => {
                option = place.key("allow_user_limited_channels");
                (Outcome::No, "names do not list users here".to_owned())
            }
        };
        Step::new(Rule::UserLimited, outcome, finding).by(option)
    });
    is_listed
}

/// The rule of channels that are open to all clients.
fn is_open_to(place: &Place<'_>, asker: Asker<'_>, trail: &mut impl Trail) -> bool {
    let options = place.options;
    if place.is_user_limited() {
        trail.step(|| {
            let finding = "what all clients may do does not count where the name lists users";
            Step::new(Rule::ForClient, Outcome::No, finding)
        });
        return false;
    }
    let all = options.allow_subscribe_for_client;
    let counts = !asker.user.is_anonymous() || options.allow_subscribe_for_anonymous;
    trail.step(|| {
        let finding = switch(place, all, "clients to subscribe");
        let outcome = match (all, counts) {
            (true, true) => Outcome::Allows,
            (true, false) => Outcome::Passes,
            (false, _) => Outcome::No,
        };
        Step::new(Rule::ForClient, outcome, finding).by(place.key("allow_subscribe_for_client"))
    });
    if all && !counts {
        trail.step(|| {
            let finding = switch(place, false, "anonymous subscribers");
            Step::new(Rule::ForAnonymous, Outcome::No, finding)
                .by(place.key("allow_subscribe_for_anonymous"))
        });
    }
    all && counts
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

fn not_open_to(place: &Place<'_>, asker: Asker<'_>) -> Refusal {
    let options = place.options;
    if place.is_user_limited() {
        let boundary = &place.rules.channel.user_boundary;
        let option = "channel.user_boundary".to_owned();
        let (because, changes) = if asker.user.is_anonymous() {
            let because =
                format!("its name lists users after {boundary:?}, and the client has none");
            (because, Vec::new())
        } else {
            let because = format!(
                "its name does not list user {:?} after {boundary:?}",
                asker.user
            );
            let change = Change::act(Act::Rename("that lists the user"));
            (because, vec![change])
        };
        return needs_token(place, Rule::UserLimited, &because, option, changes);
    }
    let mut switches = Vec::new();
    if !options.allow_subscribe_for_client {
        switches.push(place.key("allow_subscribe_for_client"));
    }
    let is_nobody = asker.user.is_anonymous();
    if is_nobody && !options.allow_subscribe_for_anonymous {
        switches.push(place.key("allow_subscribe_for_anonymous"));
    }
    let mut changes = vec![Change::switch_on(switches)];
    let (rule, option, what) = if options.allow_subscribe_for_client {
        changes.push(Change::act(Act::NameUser));
        (
            Rule::ForAnonymous,
            "allow_subscribe_for_anonymous",
            "anonymous subscribers",
        )
    } else {
        (
            Rule::ForClient,
            "allow_subscribe_for_client",
            "clients to subscribe",
        )
    };
    let because = switch(place, false, what);
    needs_token(place, rule, &because, place.key(option), changes)
}

/// Whether a subscription token is for this channel, user and connection.
///
/// # Errors
/// As [`subscribe`].
pub fn token_is_for(
    place: &Place<'_>,
    asker: Asker<'_>,
    claims: &SubscriptionClaims,
    trail: &mut impl Trail,
) -> Result<(), Refusal> {
    if place.rules.place(&claims.channel).is_none() {
        let finding = format!(
            "the token is for channel {:?}, whose namespace does not exist",
            claims.channel
        );
        trail.step(|| Step::new(Rule::Token, Outcome::Refuses, finding.clone()));
        return Err(Denial {
            answer: Answer::Error(ErrorCode::UNKNOWN_CHANNEL),
            rule: Some(Rule::Token),
            why: finding,
            public: None,
            option: String::new(),
            changes: vec![for_channel(place)],
        }
        .into());
    }
    let client = asker.client.to_string();
    let is_for_client = claims.client.is_empty() || claims.client == client;
    let (wrong, change) = if claims.channel != place.channel {
        let wrong = format!("channel {:?}, not {:?}", claims.channel, place.channel);
        (wrong, for_channel(place))
    } else if claims.user != *asker.user {
        let wrong = format!("{}, not {}", person(&claims.user), person(asker.user));
        let how = format!("for {}, in the claim sub", person(asker.user));
        (wrong, Change::act(Act::MakeToken(how)))
    } else if !is_for_client {
        let wrong = format!("connection {:?}, not {client:?}", claims.client);
        let how = "without the claim client, or anew for each connection".to_owned();
        (wrong, Change::act(Act::MakeToken(how)))
    } else {
        trail.step(|| {
            let finding = "the token is for this channel, user and connection";
            Step::new(Rule::Token, Outcome::Passes, finding)
        });
        return Ok(());
    };
    let finding = format!("the subscription token is for {wrong}");
    trail.step(|| Step::new(Rule::Token, Outcome::Refuses, finding.clone()));
    Err(Denial {
        answer: Answer::Disconnect(Disconnect::INVALID_TOKEN),
        rule: Some(Rule::Token),
        why: finding,
        public: None,
        option: String::new(),
        changes: vec![change],
    }
    .into())
}

/// Whether a subscription that ends at `expire_at` may begin at `now_secs`, both in seconds of Unix time.
///
/// # Errors
/// 110.
pub fn lasts(expire_at: Option<i64>, now_secs: i64, trail: &mut impl Trail) -> Result<(), Refusal> {
    let Some(at) = expire_at else {
        return Ok(());
    };
    let left = at.saturating_sub(now_secs);
    let is_over = limits::expiry(expire_at, now_secs).is_none();
    trail.step(|| {
        let (outcome, finding) = if is_over {
            let ago = left.saturating_neg();
            (
                Outcome::Refuses,
                format!("its time ran out {ago} seconds ago"),
            )
        } else {
            (
                Outcome::Passes,
                format!("its time runs out in {left} seconds"),
            )
        };
        Step::new(Rule::Expiry, outcome, finding)
    });
    if !is_over {
        return Ok(());
    }
    let how = "with a later expire_at, or with none".to_owned();
    Err(Denial {
        answer: Answer::Error(ErrorCode::EXPIRED),
        rule: Some(Rule::Expiry),
        why: "the subscription's time (expire_at) has run out".to_owned(),
        public: None,
        option: String::new(),
        changes: vec![Change::act(Act::MakeToken(how))],
    }
    .into())
}

fn for_channel(place: &Place<'_>) -> Change {
    Change::act(Act::MakeToken(format!(
        "for channel {:?}, in the claim channel",
        place.channel
    )))
}

fn needs_token(
    place: &Place<'_>,
    rule: Rule,
    because: &str,
    option: String,
    mut changes: Vec<Change>,
) -> Refusal {
    changes.push(Change::act(Act::BringSubscriptionToken));
    Denial {
        answer: Answer::Error(ErrorCode::PERMISSION_DENIED),
        rule: Some(rule),
        why: format!(
            "channel {:?} needs a subscription token: {because} ({option})",
            place.channel
        ),
        public: None,
        option,
        changes,
    }
    .into()
}

fn allow(rule: Rule, finding: &'static str, trail: &mut impl Trail) -> Rule {
    trail.step(|| Step::new(rule, Outcome::Allows, finding));
    rule
}

/// Whether the owner of a channel's options allows something, in words.
fn switch(place: &Place<'_>, is_on: bool, what: &str) -> String {
    let verb = match is_on {
        true => place.agree("allow", "allows"),
        false => place.agree("do not allow", "does not allow"),
    };
    format!("{} {verb} {what}", place.owner())
}

fn person(user: &UserId) -> String {
    if user.is_anonymous() {
        "an anonymous user".to_owned()
    } else {
        format!("user {user:?}")
    }
}
