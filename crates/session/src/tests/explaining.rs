//! What is explained is what a session does: the same questions, put to both.

use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::command::{self, Command, Verb};
use veche_protocol::identity::ClientId;
use veche_protocol::payload::Payload;
use veche_protocol::reply::Body;

use super::harness::BIRTH;
use super::{options, rules};
use crate::application::Request;
use crate::effect::{Effect, Effects};
use crate::explain::{Credentials, Operation, Question, explain};
use crate::profile::Profile;
use crate::question::{Answer, Ask, Notice, Question as Asked};
use crate::rule::{Decision, Outcome, Rule};
use crate::rules::Rules;
use crate::session::{Session, SessionInit};
use crate::turn::{Now, Turn};

/// Code, rule, option, reason and remedy; `None` where it is allowed.
type Verdict = Option<(u32, Option<&'static str>, String, String, String)>;

/// What the session does: it is let in, and asked.
fn done(question: &Question<'_>, rules: &Rules) -> Verdict {
    let turn = Turn {
        now: Now {
            unix_ms: question.now_secs * 1000,
            ..Now::default()
        },
        rules,
    };
    let mut effects = Effects::new();
    let init = SessionInit {
        client: ClientId::from_random([0; 16]),
        user: None,
        seed: 1,
        profile: Profile::WEBSOCKET,
        emulation: None,
        headers: None,
    };
    let mut session = Session::new(init, &turn);
    let token = match &question.credentials {
        Credentials::Nothing => None,
        Credentials::User(user) => Some(Ok(Box::new(ConnectionClaims {
            user: user.clone(),
            ..ConnectionClaims::default()
        }))),
        Credentials::Token(checked) => Some(checked.clone()),
    };
    let connect = Verb::Connect(Box::new(command::Connect {
        token: if token.is_some() { "token" } else { "" }.to_owned(),
        ..command::Connect::default()
    }));
    session.handle_command(
        Command {
            id: 1,
            verb: connect,
        },
        &turn,
        &mut effects,
    );
    if let Some(token) = token {
        let answer = Answer::ConnectionToken(token);
        session.handle_answer(Ask(1), answer, &turn, &mut effects);
    }
    if let Some(decided) = verdict(&effects) {
        return Some(decided);
    }
    effects.clear();
    let verb = verb(question)?;
    session.handle_command(Command { id: 2, verb }, &turn, &mut effects);
    let token = question.subscription_token.clone();
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Ask { ask, .. } => Some(*ask),
        _ => None,
    });
    if let (Operation::Subscribe, Some(ask), Some(token)) = (question.operation, asked, token) {
        let answer = Answer::SubscriptionToken(token);
        session.handle_answer(ask, answer, &turn, &mut effects);
    }
    verdict(&effects)
}

/// The command that a question is about, if a command is.
fn verb(question: &Question<'_>) -> Option<Verb> {
    let channel = question.channel.to_owned();
    Some(match question.operation {
        Operation::Subscribe => {
            let token = question
                .subscription_token
                .as_ref()
                .map(|_| "token".to_owned());
            Verb::Subscribe(Box::new(command::Subscribe {
                channel,
                token: token.unwrap_or_default(),
                ..command::Subscribe::default()
            }))
        }
        Operation::Publish => Verb::Publish(Box::new(command::Publish {
            channel,
            data: Some(Payload::detect(
                question.data.unwrap_or("{}").to_owned().into(),
            )),
            ..command::Publish::default()
        })),
        Operation::History => Verb::History(command::History {
            channel,
            ..command::History::default()
        }),
        Operation::Presence => Verb::Presence(command::Presence { channel }),
        Operation::PresenceStats => Verb::PresenceStats(command::Presence { channel }),
        _ => return None,
    })
}

/// What an application's question is told as: no code, and the rule by which it is asked.
fn asked(rule: Rule) -> Verdict {
    let nothing = String::new;
    Some((0, Some(rule.name()), nothing(), nothing(), nothing()))
}

fn verdict(effects: &Effects) -> Verdict {
    let request = effects.iter().find_map(|effect| match effect {
        Effect::Ask {
            question: Asked::Application(request),
            ..
        } => Some(request),
        _ => None,
    });
    match request {
        Some(Request::Connect(_)) => return asked(Rule::ConnectProxy),
        Some(Request::Subscribe(_)) => return asked(Rule::SubscribeProxy),
        Some(Request::Publish(_)) => return asked(Rule::PublishProxy),
        Some(other) => panic!("{other:?}"),
        None => {}
    }
    let report = effects.iter().find_map(|effect| match effect {
        Effect::Tell(Notice::Refused(report)) => Some(report),
        _ => None,
    });
    let is_refused = effects.iter().any(|effect| match effect {
        Effect::Reply(reply) => matches!(reply.body, Body::Error(_)),
        Effect::Close(_) => true,
        _ => false,
    });
    assert_eq!(report.is_some(), is_refused, "{effects:?}");
    report.map(|report| {
        (
            report.code,
            report.rule.map(Rule::name),
            report.option.clone(),
            report.why.clone().into_owned(),
            report.change.clone(),
        )
    })
}

fn explained(question: Question<'_>, rules: &Rules) -> Verdict {
    let explanation = explain(question, rules);
    let last = explanation.parts.last().expect("a part");
    let is_allowed = matches!(last.verdict, Ok(Decision::Allowed(_)));
    assert_eq!(explanation.is_allowed(), is_allowed);
    let refusal = match &last.verdict {
        Ok(Decision::Allowed(_)) => return None,
        Ok(Decision::Asked(rule)) => {
            assert!(explanation.is_asked());
            return asked(*rule);
        }
        Err(refusal) => refusal,
    };
    let reason = refusal.reason.clone().unwrap_or_default();
    let changes: Vec<_> = reason.changes.iter().map(ToString::to_string).collect();
    Some((
        refusal.kind.code(),
        reason.rule.map(Rule::name),
        reason.option,
        reason.why.into_owned(),
        changes.join("; or "),
    ))
}

fn errors<T>() -> [Result<T, TokenError>; 3] {
    [
        Err(TokenError::Expired("it expired 5 s ago".to_owned())),
        Err(TokenError::Invalid("bad signature".to_owned())),
        Err(TokenError::Failed("the keys can't be had".to_owned())),
    ]
}

fn connections() -> Vec<Credentials> {
    let claims = |user: &str, channel: Option<&str>, expire_at| {
        let subs = channel.map(|name| (name.to_owned(), Default::default()));
        Ok(Box::new(ConnectionClaims {
            user: user.into(),
            expire_at,
            subs: subs.into_iter().collect(),
            ..ConnectionClaims::default()
        }))
    };
    let mut all = vec![
        Credentials::Nothing,
        Credentials::User("".into()),
        Credentials::User("anna".into()),
        Credentials::Token(claims("anna", Some("no:where"), None)),
        Credentials::Token(claims("anna", None, Some(BIRTH))),
        Credentials::Token(claims("anna", None, Some(BIRTH + 1))),
    ];
    all.extend(errors().map(Credentials::Token));
    all
}

type SubscriptionToken = Option<Result<Box<SubscriptionClaims>, TokenError>>;

fn subscriptions() -> Vec<SubscriptionToken> {
    let claims = |channel: &str, user: &str, client: &str, expire_at| {
        Some(Ok(Box::new(SubscriptionClaims {
            channel: channel.to_owned(),
            user: user.into(),
            client: client.to_owned(),
            expire_at,
            ..SubscriptionClaims::default()
        })))
    };
    let mut all = vec![
        None,
        claims("news", "anna", "", None),
        claims("$news", "anna", "", Some(BIRTH + 1)),
        claims("$news", "anna", "", Some(BIRTH)),
        claims("news", "bob", "", None),
        claims("no:where", "anna", "", None),
    ];
    all.extend(errors().map(Some));
    all
}

/// All rules of which a switch is on or off, by the bits of a number.
fn rules_of(bits: u32) -> Rules {
    let bit = |at: u32| bits & (1 << at) != 0;
    rules(|rules| {
        rules.client.allow_anonymous_connect_without_token = bit(0);
        rules.client.disallow_anonymous_connection_tokens = bit(1);
        rules.client.insecure = bit(2);
        rules.client.connect_proxy = bit(7) && bit(0);
        rules.channel.max_length = 12;
        options(rules, |options| {
            options.presence = bit(3);
            options.allow_user_limited_channels = bit(4);
            options.allow_subscribe_for_client = bit(5);
            options.allow_subscribe_for_anonymous = bit(6);
            options.allow_publish_for_client = bit(5);
            options.allow_publish_for_subscriber = bit(3);
            options.allow_publish_for_anonymous = bit(6);
            options.allow_presence_for_client = bit(5);
            options.allow_presence_for_anonymous = bit(6);
            options.subscribe_proxy = bit(7).then(|| "default".into());
            options.publish_proxy = bit(7).then(|| "default".into());
        });
    })
}

#[test]
fn an_explanation_has_the_verdict_and_the_words_of_a_session() {
    let operations = [
        Operation::Connect,
        Operation::Subscribe,
        Operation::Publish,
        Operation::History,
        Operation::Presence,
        Operation::PresenceStats,
    ];
    let channels = [
        "news",
        "$news",
        "room#anna",
        "room#bob",
        "no:where",
        "чат",
        "a-long-channel",
        "",
    ];
    let (mut allowed, mut refused, mut asks) = (0, 0, 0);
    for bits in 0..256 {
        let rules = rules_of(bits);
        for credentials in connections() {
            for operation in operations {
                for channel in channels {
                    for subscription_token in subscriptions() {
                        let is_anna =
                            matches!(&credentials, Credentials::User(user) if !user.is_anonymous());
                        let has_token = subscription_token.is_some();
                        if has_token && !(is_anna && operation == Operation::Subscribe) {
                            continue;
                        }
                        let question = Question {
                            operation,
                            channel,
                            credentials: credentials.clone(),
                            subscription_token,
                            now_secs: BIRTH,
                            ..Question::default()
                        };
                        let done = done(&question, &rules);
                        match &done {
                            None => allowed += 1,
                            Some((0, ..)) => asks += 1,
                            Some(_) => refused += 1,
                        }
                        let explained = explained(question.clone(), &rules);
                        assert_eq!(explained, done, "{question:?}\n{rules:?}");
                    }
                }
            }
        }
    }
    let counts = [allowed, refused, asks];
    assert!(counts.iter().all(|count| *count > 1000), "{counts:?}");
}

#[test]
fn where_the_application_is_asked_who_connects_that_is_said_and_nothing_is_guessed() {
    let rules = rules(|rules| rules.client.connect_proxy = true);
    let explanation = explain(Question::default(), &rules);
    let [part] = explanation.parts.as_slice() else {
        panic!("{explanation:?}");
    };
    assert_eq!(part.verdict, Ok(Decision::Asked(Rule::ConnectProxy)));
    let [step] = part.steps.as_slice() else {
        panic!("{part:?}");
    };
    assert_eq!(step.outcome, Outcome::Asks);
    assert_eq!(step.option, "client.proxy.connect.enabled");
    assert!(explanation.is_asked() && !explanation.is_allowed());
    assert_eq!(explanation.notes.len(), 1);
    let anna = Question {
        operation: Operation::Connect,
        credentials: Credentials::User("anna".into()),
        ..Question::default()
    };
    assert!(explain(anna, &rules).is_allowed(), "a token goes first");
}
