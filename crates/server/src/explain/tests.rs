//! Questions and answers, by whole configurations.

use base64::Engine as _;

use veche_config::{File, Sources};
use veche_session::refusal::Reason;

use super::*;
use crate::configuration;
use crate::issue::{Sample, issue};

#[tokio::main(flavor = "current_thread")]
async fn explain(loaded: &Loaded, question: &Question, now: i64) -> Explanation {
    super::explain(loaded, question, now).await
}

const NOW: i64 = 1_000_000;

fn loaded(text: &str) -> Loaded {
    let file = File {
        name: "config.json".to_owned(),
        text: text.to_owned(),
    };
    configuration::load(&Sources {
        file: Some(file),
        ..Sources::default()
    })
    .expect("a configuration")
}

fn by_user(user: &str, operation: Operation, channel: &str) -> Question {
    Question {
        operation,
        channel: channel.to_owned(),
        user: Some(user.to_owned()),
        ..Question::default()
    }
}

const CHAT: &str = r#"{
    "client": {"token": {"hmac_secret_key": "key"}},
    "channel": {"namespaces": [
        {"name": "chat", "allow_subscribe_for_client": true, "allow_publish_for_subscriber": true}
    ]}
}"#;

/// The refusal as `error 103` or `disconnect 3500`, and its reason.
fn denial(explanation: &Explanation) -> (String, Reason) {
    match &explanation.parts.last().expect("a part").verdict {
        Err(refusal) => {
            let kind = match &refusal.kind {
                RefusalKind::Error(error) => format!("error {}", error.code.0),
                RefusalKind::Disconnect(disconnect) => format!("disconnect {}", disconnect.code),
            };
            let reason = refusal.reason.clone().expect("a reason");
            (kind, *reason)
        }
        Ok(rule) => panic!("allowed by {rule:?}"),
    }
}

#[test]
fn a_denial_names_the_key_its_value_and_where_that_comes_from() {
    let chat = loaded(CHAT);
    let question = by_user("anna", Operation::Publish, "chat:lobby");
    let answer = explain(&chat, &question, NOW);
    let (told, reason) = denial(&answer);
    assert_eq!(told, "error 103");
    let changes: Vec<_> = reason.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "subscribe to the channel first",
            "set channel.namespaces[chat].allow_publish_for_client to true",
        ]
    );
    let held: Vec<String> = answer.parts[1]
        .steps
        .iter()
        .map(|step| chat.origins.lookup(&chat.config, &step.option))
        .filter(|held| held.key.contains("allow_"))
        .map(|held| format!("{} {} {}", held.key, held.value, held.origin))
        .collect();
    assert_eq!(
        held,
        [
            "channel.namespaces[chat].allow_publish_for_client false default",
            "channel.namespaces[chat].allow_publish_for_subscriber true config.json",
        ]
    );
    let subscribed = Question {
        is_subscribed: true,
        ..question
    };
    assert!(explain(&chat, &subscribed, NOW).is_allowed());
}

#[test]
fn who_cannot_connect_is_not_asked_any_further() {
    let chat = loaded(CHAT);
    let question = Question {
        channel: "chat:lobby".to_owned(),
        ..Question::default()
    };
    let answer = explain(&chat, &question, NOW);
    assert_eq!(answer.parts.len(), 1);
    let (told, reason) = denial(&answer);
    assert_eq!(told, "disconnect 3501");
    assert!(
        reason
            .why
            .contains("client.allow_anonymous_connect_without_token")
    );
}

#[test]
fn tokens_are_checked_and_say_who_it_is() {
    let chat = loaded(CHAT);
    let sample = |channel, expires| Sample {
        user: "anna",
        channel,
        now: NOW,
        expires,
    };
    let make = |sample: &Sample<'_>| issue(&chat.config.client, sample).expect("a token");
    let token = make(&sample(None, Some(NOW + 60)));
    let question = Question {
        channel: "$chat:secret".to_owned(),
        token: Some(token.clone()),
        ..Question::default()
    };
    let answer = explain(&chat, &question, NOW);
    assert!(answer.parts[0].title.contains("\"anna\""), "{answer:?}");
    assert_eq!(denial(&answer).1.rule, Some(Rule::Private));
    let question = Question {
        subscription_token: Some(make(&sample(Some("$chat:secret"), Some(NOW + 60)))),
        ..question
    };
    assert!(explain(&chat, &question, NOW).is_allowed());
    let elsewhere = Question {
        channel: "$chat:other".to_owned(),
        ..question.clone()
    };
    let answer = explain(&chat, &elsewhere, NOW);
    assert_eq!(denial(&answer).0, "disconnect 3500");
    let late = explain(&chat, &question, NOW + 61);
    assert_eq!(denial(&late).0, "error 109");
    let forged = Question {
        token: Some(format!("{token}x")),
        ..question
    };
    let answer = explain(&chat, &forged, NOW);
    assert_eq!(denial(&answer).0, "disconnect 3500");
}

#[test]
fn a_key_set_that_cannot_be_reached_is_error_100_as_in_a_session() {
    // Nothing listens there: the listener is dropped before anybody connects.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let chat = loaded(&format!(
        r#"{{"client": {{
            "token": {{"jwks_public_endpoint": "http://127.0.0.1:{port}/keys"}}
        }}}}"#
    ));
    // Signed by nobody: the keys are asked for before the signature is looked at.
    let part = |json: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json);
    let token = format!(
        "{}.{}.{}",
        part(r#"{"alg": "RS256", "kid": "one"}"#),
        part(r#"{"sub": "anna", "channel": "chat"}"#),
        part("signature")
    );
    for question in [
        Question {
            channel: "chat".to_owned(),
            token: Some(token.clone()),
            ..Question::default()
        },
        Question {
            subscription_token: Some(token),
            ..by_user("anna", Operation::Subscribe, "chat")
        },
    ] {
        let answer = explain(&chat, &question, NOW);
        let (told, reason) = denial(&answer);
        assert_eq!(told, "error 100", "{reason:?}");
        assert!(reason.why.contains("the keys of"), "{reason:?}");
    }
}

#[test]
fn a_name_that_is_too_long_is_refused_for_every_operation_but_to_subscribers() {
    let chat = loaded(CHAT);
    let long = format!("chat:{}", "x".repeat(255));
    for operation in [
        Operation::Subscribe,
        Operation::Publish,
        Operation::History,
        Operation::Presence,
    ] {
        let answer = explain(&chat, &by_user("anna", operation, &long), NOW);
        assert_eq!(
            denial(&answer).1.rule,
            Some(Rule::MaxLength),
            "{operation:?}"
        );
    }
    let subscribed = Question {
        is_subscribed: true,
        ..by_user("anna", Operation::Publish, &long)
    };
    assert!(explain(&chat, &subscribed, NOW).is_allowed());
}
