//! Permissions of publishing, history and presence: the switches of each operation, and the features it needs.

use veche_protocol::error_code::ErrorCode;
use veche_protocol::payload::Payload;

use super::{Asker, asks, is_insecure, refuse, switch};
use crate::authorities;
use crate::namespace::ResolvedChannel;
use crate::refusal::Refusal;
use crate::rule::{Act, Change, Decision, Outcome, Rule, Step, Trail};
use crate::rules::DataFormat;

/// Whether a client may publish this data, or the application decides.
///
/// # Errors
/// 103; 107 where the data has the wrong format.
pub fn publish(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    data: Option<&Payload>,
    trail: &mut impl Trail,
) -> Result<Decision, Refusal> {
    has_format(resolved, data, trail)?;
    let options = resolved.options;
    if authorities::publish(options).is_some() {
        trail.step(|| asks(resolved, Rule::PublishProxy, "publish"));
        return Ok(Decision::Asked(Rule::PublishProxy));
    }
    let access = Access {
        for_client: options.allow_publish_for_client,
        for_subscriber: options.allow_publish_for_subscriber,
        for_anonymous: options.allow_publish_for_anonymous,
        verb: "publish",
        noun: "publishing",
    };
    let rule = access.decide(resolved, asker, trail)?;
    Ok(Decision::Allowed(rule))
}

/// Whether a client may ask who is in a channel.
///
/// # Errors
/// 108 where the channel keeps no presence; 103.
pub fn presence(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let set = [("presence", "true")];
    feature(
        resolved,
        Rule::Presence,
        resolved.options.presence,
        &set,
        trail,
    )?;
    may_see_presence(resolved, asker, trail)
}

/// Whether a client may read a channel's history.
///
/// # Errors
/// 108 where the channel keeps no history; 103.
pub fn history(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let set = [("history_size", "a number"), ("history_ttl", "a time")];
    let keeps = resolved.options.retention.is_some();
    feature(resolved, Rule::History, keeps, &set, trail)?;
    may_see_history(resolved, asker, trail)
}

/// Whether a subscriber's position is watched if it asks for it: an option is granted where the namespace gives it to
/// all, or the client may see the same by asking.
///
/// # Errors
/// The missing permission. The client is not told; it subscribes without the option.
pub fn may_position(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let options = resolved.options;
    let switches = [
        ("force_positioning", options.force_positioning),
        ("allow_positioning", options.allow_positioning),
    ];
    if given(resolved, Rule::Positioning, switches, trail) {
        return Ok(Rule::Positioning);
    }
    may_see_history(resolved, subscribed(asker), trail)
}

/// As [`may_position`], for recovery.
///
/// # Errors
/// As [`may_position`].
pub fn may_recover(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let options = resolved.options;
    let switches = [
        ("force_recovery", options.force_recovery),
        ("allow_recovery", options.allow_recovery),
    ];
    if given(resolved, Rule::Recovery, switches, trail) {
        return Ok(Rule::Recovery);
    }
    may_see_history(resolved, subscribed(asker), trail)
}

/// As [`may_position`], for others' joins and leaves.
///
/// # Errors
/// As [`may_position`].
pub fn may_see_join_leave(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let set = [("join_leave", "true")];
    feature(
        resolved,
        Rule::JoinLeave,
        resolved.options.join_leave,
        &set,
        trail,
    )?;
    may_see_presence(resolved, subscribed(asker), trail)
}

fn subscribed(asker: Asker<'_>) -> Asker<'_> {
    Asker {
        is_subscribed: true,
        ..asker
    }
}

/// Whether one of the switches gives it to all subscribers.
fn given(
    resolved: &ResolvedChannel<'_>,
    rule: Rule,
    switches: [(&'static str, bool); 2],
    trail: &mut impl Trail,
) -> bool {
    for (option, is_on) in switches {
        trail.step(|| {
            let outcome = if is_on { Outcome::Allows } else { Outcome::No };
            let finding = format!("{option} is {}", if is_on { "on" } else { "off" });
            Step::new(rule, outcome, finding).by(resolved.key(option))
        });
        if is_on {
            return true;
        }
    }
    false
}

/// Whether the channel has a feature. The first key of `set` is named as the reason; all of them enable it.
fn feature(
    resolved: &ResolvedChannel<'_>,
    rule: Rule,
    is_there: bool,
    set: &[(&'static str, &'static str)],
    trail: &mut impl Trail,
) -> Result<(), Refusal> {
    let finding = || {
        let (verb, what) = match (rule, is_there) {
            (Rule::JoinLeave, true) => (resolved.agree("tell", "tells"), "who comes and goes"),
            (Rule::JoinLeave, false) => (
                resolved.agree("do not tell", "does not tell"),
                "who comes and goes",
            ),
            (Rule::Presence, true) => (resolved.agree("keep", "keeps"), "presence"),
            (Rule::Presence, false) => (resolved.agree("keep", "keeps"), "no presence"),
            (_, true) => (resolved.agree("keep", "keeps"), "history"),
            (_, false) => (resolved.agree("keep", "keeps"), "no history"),
        };
        format!("{} {verb} {what}", resolved.owner())
    };
    let outcome = match is_there {
        true => Outcome::Passes,
        false => Outcome::Refuses,
    };
    let step = || {
        let option = set.first().map(|(name, _)| resolved.key(name));
        Step::new(rule, outcome, finding()).by(option.unwrap_or_default())
    };
    if is_there {
        trail.step(step);
        return Ok(());
    }
    let set = set.iter().map(|(name, value)| (resolved.key(name), *value));
    let refusal = refuse(step(), ErrorCode::NOT_AVAILABLE, trail);
    Err(refusal.unless(vec![Change::set(set)]))
}

fn may_see_presence(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let options = resolved.options;
    let access = Access {
        for_client: options.allow_presence_for_client,
        for_subscriber: options.allow_presence_for_subscriber,
        for_anonymous: options.allow_presence_for_anonymous,
        verb: "presence",
        noun: "presence calls",
    };
    access.decide(resolved, asker, trail)
}

fn may_see_history(
    resolved: &ResolvedChannel<'_>,
    asker: Asker<'_>,
    trail: &mut impl Trail,
) -> Result<Rule, Refusal> {
    let options = resolved.options;
    let access = Access {
        for_client: options.allow_history_for_client,
        for_subscriber: options.allow_history_for_subscriber,
        for_anonymous: options.allow_history_for_anonymous,
        verb: "history",
        noun: "history calls",
    };
    access.decide(resolved, asker, trail)
}

/// The three switches of an operation.
struct Access {
    for_client: bool,
    for_subscriber: bool,
    for_anonymous: bool,
    verb: &'static str,
    noun: &'static str,
}

impl Access {
    fn decide(
        &self,
        resolved: &ResolvedChannel<'_>,
        asker: Asker<'_>,
        trail: &mut impl Trail,
    ) -> Result<Rule, Refusal> {
        let counts = !asker.user.is_anonymous() || self.for_anonymous;
        if self.switch(resolved, Rule::ForClient, counts, trail) {
            return Ok(Rule::ForClient);
        }
        if self.switch(
            resolved,
            Rule::ForSubscriber,
            counts && asker.is_subscribed,
            trail,
        ) {
            return Ok(Rule::ForSubscriber);
        }
        if self.for_subscriber && !asker.is_subscribed {
            trail.step(|| {
                let finding = format!("the client is not subscribed to {:?}", resolved.channel);
                Step::new(Rule::ForSubscriber, Outcome::No, finding)
            });
        }
        if (self.for_client || self.for_subscriber) && !counts {
            trail.step(|| self.not_for_anonymous(resolved));
        }
        if is_insecure(resolved.rules, trail) {
            return Ok(Rule::Insecure);
        }
        Err(self.refusal(resolved, asker, counts))
    }

    /// Whether one of the switches is on and applies to the client.
    fn switch(
        &self,
        resolved: &ResolvedChannel<'_>,
        rule: Rule,
        counts: bool,
        trail: &mut impl Trail,
    ) -> bool {
        let is_on = match rule {
            Rule::ForSubscriber => self.for_subscriber,
            _ => self.for_client,
        };
        trail.step(|| {
            let outcome = match (is_on, counts) {
                (true, true) => Outcome::Allows,
                (true, false) => Outcome::Passes,
                (false, _) => Outcome::No,
            };
            self.switched(resolved, rule, outcome)
        });
        is_on && counts
    }

    fn switched(&self, resolved: &ResolvedChannel<'_>, rule: Rule, outcome: Outcome) -> Step {
        let who = match rule {
            Rule::ForSubscriber => "subscriber",
            _ => "client",
        };
        let is_on = outcome != Outcome::No;
        let finding = switch(resolved, is_on, &format!("{} by {who}s", self.noun));
        Step::new(rule, outcome, finding).by(self.key(resolved, who))
    }

    fn not_for_anonymous(&self, resolved: &ResolvedChannel<'_>) -> Step {
        let finding = switch(
            resolved,
            false,
            &format!("{} by anonymous clients", self.noun),
        );
        Step::new(Rule::ForAnonymous, Outcome::No, finding).by(self.key(resolved, "anonymous"))
    }

    /// The refusal where no switch has allowed it, by the step that stood in the way.
    fn refusal(&self, resolved: &ResolvedChannel<'_>, asker: Asker<'_>, counts: bool) -> Refusal {
        let changes = self.changes(resolved, asker, counts);
        let by = |step| Refusal::by(step, ErrorCode::PERMISSION_DENIED).unless(changes);
        if !self.for_client && !self.for_subscriber {
            return by(self.switched(resolved, Rule::ForClient, Outcome::No));
        }
        if !counts {
            return by(self.not_for_anonymous(resolved));
        }
        let step = self.switched(resolved, Rule::ForSubscriber, Outcome::Passes);
        let why = format!(
            "{} only ({}); subscribe to {:?} first",
            step.finding, step.option, resolved.channel
        );
        by(step).with_why(why)
    }

    /// For clients and for subscribers, what would allow the operation.
    fn changes(
        &self,
        resolved: &ResolvedChannel<'_>,
        asker: Asker<'_>,
        counts: bool,
    ) -> Vec<Change> {
        let with_anonymous = |is_on: bool, who: &str| {
            let mut keys = Vec::new();
            if !is_on {
                keys.push(self.key(resolved, who));
            }
            if !counts {
                keys.push(self.key(resolved, "anonymous"));
            }
            Change::switch_on(keys)
        };
        let all = with_anonymous(self.for_client, "client");
        let mut subscribers = with_anonymous(self.for_subscriber, "subscriber");
        if !asker.is_subscribed {
            subscribers = subscribers.and(Act::SubscribeFirst);
        }
        if self.for_subscriber && !self.for_client {
            vec![subscribers, all]
        } else {
            vec![all, subscribers]
        }
    }

    fn key(&self, resolved: &ResolvedChannel<'_>, who: &str) -> String {
        resolved.key(&format!("allow_{}_for_{who}", self.verb))
    }
}

/// Whether data has the format that the channel asks for.
///
/// # Errors
/// 107.
pub fn has_format(
    resolved: &ResolvedChannel<'_>,
    data: Option<&Payload>,
    trail: &mut impl Trail,
) -> Result<(), Refusal> {
    let is_there = data.is_some_and(|data| !data.is_empty());
    let (wanted, is_right) = match resolved.options.data_format {
        DataFormat::Any => ("anything but nothing", is_there),
        DataFormat::Json => ("one JSON value", data.is_some_and(Payload::is_json)),
        DataFormat::JsonObject => ("one JSON object", data.is_some_and(is_json_object)),
        DataFormat::Binary => ("bytes, even none", true),
    };
    let key = "publication_data_format";
    if is_right {
        trail.step(|| {
            let finding = format!("data must be {wanted}");
            Step::new(Rule::DataFormat, Outcome::Passes, finding).by(resolved.key(key))
        });
        return Ok(());
    }
    let is_missing = resolved.options.data_format == DataFormat::Any;
    let finding = if is_missing {
        "data is missing or empty".to_owned()
    } else {
        let verb = resolved.agree("want", "wants");
        format!("data is not {wanted}, as {} {verb} it", resolved.owner())
    };
    let step = Step::new(Rule::DataFormat, Outcome::Refuses, finding).by(resolved.key(key));
    let refusal = refuse(step, ErrorCode::BAD_REQUEST, trail)
        .unless(vec![Change::act(Act::SendOther(wanted))]);
    if is_missing {
        // No configuration allows it, so the reason names no key.
        return Err(refusal.with_why("data is missing or empty"));
    }
    Err(refusal)
}

fn is_json_object(data: &Payload) -> bool {
    data.is_json() && data.bytes().trim_ascii_start().starts_with(b"{")
}
