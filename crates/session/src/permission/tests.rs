//! The verdicts as a table, and for every combination of switches: who decides, what is shown, and that what is said to
//! change a denial does.

use std::sync::Arc;
use std::time::Duration;

use veche_protocol::claims::SubscriptionClaims;
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::publication::Retention;

use super::*;
use crate::refusal::Reason;
use crate::rule::Silent;
use crate::rules::{ChannelOptions, DataFormat};

/// Everything that a verdict depends on.
#[derive(Clone, Debug, Default)]
struct Case {
    channel: &'static str,
    user: &'static str,
    subscribed: bool,
    insecure: bool,
    options: ChannelOptions,
    token: Option<SubscriptionClaims>,
}

type Verdict = Result<Rule, Refusal>;

impl Case {
    fn new(channel: &'static str, user: &'static str) -> Self {
        Self {
            channel,
            user,
            ..Self::default()
        }
    }

    /// Decides, with and without a trail: both must say the same.
    fn decide(&self, operation: &str) -> (Verdict, Vec<Step>) {
        let mut steps = Vec::new();
        let verdict = self.ask(operation, &mut steps);
        assert_eq!(verdict, self.ask(operation, &mut Silent), "{self:?}");
        (verdict, steps)
    }

    fn ask(&self, operation: &str, trail: &mut impl Trail) -> Verdict {
        let mut rules = Rules::default();
        rules.client.insecure = self.insecure;
        rules.channel.without_namespace = Arc::new(self.options.clone());
        let user = UserId::new(self.user);
        let asker = Asker {
            user: &user,
            client: ClientId::from_random([7; 16]),
            is_subscribed: self.subscribed,
        };
        length(&rules, self.channel, trail)?;
        let resolved = resolve(&rules, self.channel, trail)?;
        match operation {
            "subscribe" => subscribe(&resolved, asker, self.token.as_ref(), trail).map(rule_of),
            "publish" => {
                let data = Payload::json(bytes::Bytes::from_static(b"1"));
                publish(&resolved, asker, Some(&data), trail).map(rule_of)
            }
            "history" => history(&resolved, asker, trail),
            "presence" => presence(&resolved, asker, trail),
            "positioning" => may_position(&resolved, asker, trail),
            "recovery" => may_recover(&resolved, asker, trail),
            "join_leave" => may_see_join_leave(&resolved, asker, trail),
            _ => panic!("{operation}"),
        }
    }
}

/// The rule that allows it, or by which the application is asked: their names differ.
fn rule_of(decision: Decision) -> Rule {
    match decision {
        Decision::Allowed(rule) | Decision::Asked(rule) => rule,
    }
}

fn reason(refusal: &Refusal) -> &Reason {
    refusal.reason.as_ref().expect("a reason")
}

/// `allowed RULE`, or `CODE RULE KEY`.
fn words(verdict: &Verdict) -> String {
    match verdict {
        Ok(rule) => format!("allowed {}", rule.name()),
        Err(refusal) => {
            let (code, reason) = (refusal.kind.code(), reason(refusal));
            let rule = reason.rule.map_or("-", Rule::name);
            let key = reason.option.rsplit('.').next().unwrap_or_default();
            format!("{code} {rule} {key}").trim_end().to_owned()
        }
    }
}

/// Operation, user (`-` for none), channel, what is set (commas between), and the verdict.
const TABLE: &str = "
    subscribe   anna  news           -                => 103 for_client allow_subscribe_for_client
    subscribe   anna  news           open             => allowed for_client
    subscribe   -     news           open             => 103 for_anonymous allow_subscribe_for_anonymous
    subscribe   -     news           open,anonymous   => allowed for_client
    subscribe   anna  $news          open             => 103 private_channel private_prefix
    subscribe   anna  $news          insecure         => 103 private_channel private_prefix
    subscribe   anna  news           insecure         => allowed insecure
    subscribe   anna  room#bob       open             => allowed for_client
    subscribe   anna  room#bob       open,limited     => 103 user_limited user_boundary
    subscribe   anna  room#bob,anna  limited          => allowed user_limited
    subscribe   anna  $news          token=$news/anna => allowed subscription_token
    subscribe   anna  news           token=other/anna => 3500 subscription_token
    subscribe   anna  news           token=news/bob   => 3500 subscription_token
    subscribe   anna  news           token=news/anna/x => 3500 subscription_token
    subscribe   anna  news           token=no:where/anna => 102 subscription_token
    subscribe   anna  no:where       -                => 102 namespace namespaces
    subscribe   anna  чат            -                => 107 name channel_regex
    subscribe   anna  news           asks             => allowed subscribe_proxy
    subscribe   -     news           asks,open        => allowed subscribe_proxy
    subscribe   anna  news           asks,insecure    => allowed subscribe_proxy
    subscribe   anna  $news          asks             => 103 private_channel private_prefix
    subscribe   anna  news           asks,token=news/anna => allowed subscription_token
    subscribe   anna  room#anna      asks,limited     => allowed user_limited
    subscribe   anna  room#bob       asks,limited     => 103 user_limited user_boundary
    publish     anna  news           asks             => allowed publish_proxy
    publish     -     news           asks,insecure    => allowed publish_proxy
    publish     anna  news           asks,object      => 107 data_format publication_data_format
    publish     anna  no:where       -                => 102 namespace namespaces
    publish     anna  news           -                => 103 for_client allow_publish_for_client
    publish     anna  news           object           => 107 data_format publication_data_format
    history     anna  news           -                => 108 history history_size
    presence    anna  news           -                => 108 presence presence
    join_leave  anna  news           -                => 108 join_leave join_leave
    positioning anna  news           -                => 103 for_client allow_history_for_client
    positioning anna  news           history          => allowed for_subscriber
    positioning anna  news           force_positioning => allowed positioning
    recovery    anna  news           allow_recovery   => allowed recovery
";

fn set(case: &mut Case, what: &'static str) {
    let options = &mut case.options;
    match what {
        "-" => {}
        "open" => options.allow_subscribe_for_client = true,
        "anonymous" => options.allow_subscribe_for_anonymous = true,
        "asks" => {
            options.subscribe_proxy = Some("default".into());
            options.publish_proxy = Some("default".into());
        }
        "limited" => options.allow_user_limited_channels = true,
        "object" => options.data_format = DataFormat::JsonObject,
        "history" => options.allow_history_for_subscriber = true,
        "force_positioning" => options.force_positioning = true,
        "allow_recovery" => options.allow_recovery = true,
        "insecure" => case.insecure = true,
        _ => {
            let token = what.strip_prefix("token=").expect("a token");
            let mut parts = token.split('/');
            let mut part = || parts.next().unwrap_or_default();
            case.token = Some(SubscriptionClaims {
                channel: part().to_owned(),
                user: part().into(),
                client: part().to_owned(),
                ..SubscriptionClaims::default()
            });
        }
    }
}

#[test]
fn each_verdict_names_the_rule_and_the_key_that_decided() {
    for line in TABLE.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (asked, expected) = line.split_once("=> ").expect("a verdict");
        let mut asked = asked.split_whitespace();
        let mut word = || asked.next().expect("four words");
        let operation = word();
        let user = Some(word()).filter(|user| *user != "-").unwrap_or_default();
        let mut case = Case::new(word(), user);
        word().split(',').for_each(|what| set(&mut case, what));
        let (verdict, steps) = case.decide(operation);
        assert_eq!(words(&verdict), expected, "{line}\n{steps:#?}");
    }
}

#[test]
fn a_name_that_is_too_long_is_refused_by_its_limit() {
    let name: &'static str = "0123456789".repeat(26).leak();
    let (verdict, _) = Case::new(name, "anna").decide("subscribe");
    assert_eq!(words(&verdict), "107 max_length max_length");
}

/// Every combination of the switches that count for an operation.
fn combinations(operation: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in 0..128_u32 {
        let bit = |at: u32| bits & (1 << at) != 0;
        let names = ["news", "room#anna", "room#bob", "room#"];
        for channel in names {
            let mut case = Case::new(channel, if bit(0) { "anna" } else { "" });
            (case.subscribed, case.insecure) = (bit(1), bit(2));
            let options = &mut case.options;
            let (client, subscriber, anonymous) = (bit(3), bit(4), bit(5));
            options.allow_user_limited_channels = bit(6);
            options.join_leave = true;
            options.presence = true;
            options.retention = Some(Retention {
                size: 1,
                ttl: Duration::from_secs(1),
                meta_ttl: Duration::from_secs(1),
            });
            match operation {
                "subscribe" => {
                    options.allow_subscribe_for_client = client;
                    options.allow_subscribe_for_anonymous = anonymous;
                }
                "publish" => {
                    options.allow_publish_for_client = client;
                    options.allow_publish_for_subscriber = subscriber;
                    options.allow_publish_for_anonymous = anonymous;
                }
                "presence" => {
                    options.allow_presence_for_client = client;
                    options.allow_presence_for_subscriber = subscriber;
                    options.allow_presence_for_anonymous = anonymous;
                }
                _ => {
                    options.allow_history_for_client = client;
                    options.allow_history_for_subscriber = subscriber;
                    options.allow_history_for_anonymous = anonymous;
                }
            }
            cases.push(case);
        }
    }
    cases
}

const OPERATIONS: [&str; 4] = ["subscribe", "publish", "presence", "history"];

#[test]
fn a_verdict_is_what_the_switches_say_in_one_line() {
    for operation in OPERATIONS {
        for case in combinations(operation) {
            let options = &case.options;
            let counts = |anonymous: bool| !case.user.is_empty() || anonymous;
            let by = |client: bool, subscriber: bool, anonymous: bool| {
                (client || (subscriber && case.subscribed)) && counts(anonymous)
            };
            let allowed = match operation {
                "subscribe" => {
                    let limited = options.allow_user_limited_channels;
                    match case.channel.split_once('#').filter(|_| limited) {
                        Some((_, list)) => list == case.user && !case.user.is_empty(),
                        None => {
                            options.allow_subscribe_for_client
                                && counts(options.allow_subscribe_for_anonymous)
                        }
                    }
                }
                "publish" => by(
                    options.allow_publish_for_client,
                    options.allow_publish_for_subscriber,
                    options.allow_publish_for_anonymous,
                ),
                "presence" => by(
                    options.allow_presence_for_client,
                    options.allow_presence_for_subscriber,
                    options.allow_presence_for_anonymous,
                ),
                _ => by(
                    options.allow_history_for_client,
                    options.allow_history_for_subscriber,
                    options.allow_history_for_anonymous,
                ),
            };
            let (verdict, _) = case.decide(operation);
            assert_eq!(
                verdict.is_ok(),
                allowed || case.insecure,
                "{operation} {case:?}"
            );
        }
    }
}

#[test]
fn the_steps_end_with_the_rule_that_allows_or_say_what_the_denial_says() {
    for operation in OPERATIONS {
        for case in combinations(operation) {
            let (verdict, steps) = case.decide(operation);
            let allowing: Vec<_> = steps
                .iter()
                .filter(|step| step.outcome == Outcome::Allows)
                .collect();
            match verdict {
                Ok(rule) => {
                    assert_eq!(allowing.len(), 1, "{operation} {case:?}\n{steps:#?}");
                    let last = steps.last().expect("a step");
                    assert_eq!(
                        (last.rule, last.outcome),
                        (rule, Outcome::Allows),
                        "{case:?}"
                    );
                }
                Err(refusal) => {
                    let denial = reason(&refusal);
                    assert!(allowing.is_empty(), "{operation} {case:?}\n{steps:#?}");
                    let option = &denial.option;
                    assert!(denial.why.contains(option.as_str()), "{}", denial.why);
                    let stands = |step: &Step| {
                        Some(step.rule) == denial.rule && denial.why.contains(&step.finding)
                    };
                    assert!(steps.iter().any(stands), "{denial:?}\n{steps:#?}");
                }
            }
        }
    }
}

#[test]
fn each_change_that_is_named_turns_the_denial() {
    let mut turned = 0;
    for operation in OPERATIONS {
        for case in combinations(operation) {
            let (Err(refusal), _) = case.decide(operation) else {
                continue;
            };
            let denial = reason(&refusal);
            assert!(!denial.changes.is_empty(), "{denial:?}");
            for change in &denial.changes {
                let mut changed = case.clone();
                for (key, value) in &change.set {
                    assert_eq!(*value, "true");
                    switch_on(&mut changed.options, key);
                }
                match &change.act {
                    Some(Act::SubscribeFirst) => changed.subscribed = true,
                    Some(Act::NameUser) => changed.user = "anna",
                    Some(Act::Rename("that lists the user")) => changed.channel = "room#anna",
                    Some(Act::BringSubscriptionToken) => {
                        changed.token = Some(SubscriptionClaims {
                            channel: case.channel.to_owned(),
                            user: case.user.into(),
                            ..SubscriptionClaims::default()
                        });
                    }
                    Some(other) => panic!("{other:?}"),
                    None => {}
                }
                let (verdict, steps) = changed.decide(operation);
                assert!(
                    verdict.is_ok(),
                    "{operation} {case:?}: {change}\n{steps:#?}"
                );
                turned += 1;
            }
        }
    }
    assert!(turned > 1000, "{turned}");
}

fn switch_on(options: &mut ChannelOptions, key: &str) {
    let name = key
        .strip_prefix("channel.without_namespace.")
        .expect("a key of the channel");
    let switch = match name {
        "allow_subscribe_for_client" => &mut options.allow_subscribe_for_client,
        "allow_subscribe_for_anonymous" => &mut options.allow_subscribe_for_anonymous,
        "allow_publish_for_client" => &mut options.allow_publish_for_client,
        "allow_publish_for_subscriber" => &mut options.allow_publish_for_subscriber,
        "allow_publish_for_anonymous" => &mut options.allow_publish_for_anonymous,
        "allow_presence_for_client" => &mut options.allow_presence_for_client,
        "allow_presence_for_subscriber" => &mut options.allow_presence_for_subscriber,
        "allow_presence_for_anonymous" => &mut options.allow_presence_for_anonymous,
        "allow_history_for_client" => &mut options.allow_history_for_client,
        "allow_history_for_subscriber" => &mut options.allow_history_for_subscriber,
        "allow_history_for_anonymous" => &mut options.allow_history_for_anonymous,
        _ => panic!("{key}"),
    };
    *switch = true;
}
