//! What the operator hears of a refusal, and what the client hears where errors are explained.

use std::sync::Arc;

use veche_protocol::disconnect::Disconnect;
use veche_protocol::reply::Body;

use super::{check, check_with, options, rules};
use crate::effect::Effect;
use crate::profile::Profile;
use crate::question::Notice;
use crate::refusal::Refusal;
use crate::rules::{ChannelOptions, ChannelPattern};

#[test]
fn the_operator_hears_who_was_denied_what_by_which_option_and_what_would_change_it() {
    check("
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 publish chat data=1
        < tell refused publish \"chat\" of \"\" 103 for_client [channel.without_namespace.allow_publish_for_client] channels without a namespace do not allow publishing by clients (channel.without_namespace.allow_publish_for_client) => set channel.without_namespace.allow_publish_for_client to true and channel.without_namespace.allow_publish_for_anonymous to true; or set channel.without_namespace.allow_publish_for_subscriber to true and channel.without_namespace.allow_publish_for_anonymous to true, and subscribe to the channel first
        < 2 error 103: channels without a namespace do not allow publishing by clients (channel.without_namespace.allow_publish_for_client)
        > 3 subscribe $chat
        < tell refused subscribe \"$chat\" of \"\" 103 private_channel [channel.private_prefix] channel \"$chat\" needs a subscription token: its name begins with \"$\" (channel.private_prefix) => use a name without this prefix; or give the client a subscription token for the channel
        < 3 error 103: channel \"$chat\" needs a subscription token: its name begins with \"$\" (channel.private_prefix)
    ");
}

#[test]
fn the_operator_hears_why_a_connection_was_refused_and_the_client_the_code_alone() {
    let rules = rules(|rules| rules.client.allow_anonymous_connect_without_token = false);
    check_with(Profile::WEBSOCKET, &rules, "
        > 1 connect
        < tell refused connect \"\" of \"\" 3501 anonymous_connect [client.allow_anonymous_connect_without_token] a client without a token is not let in (client.allow_anonymous_connect_without_token) => give the client a connection token; or set client.allow_anonymous_connect_without_token to true
        < close 3501 bad request
    ");
}

#[test]
fn a_token_that_is_refused_is_explained_to_the_operator() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 invalid
        < tell refused connect \"\" of \"\" 3500 connection_token [] bad signature => make another token (veche gentoken and gensubtoken make samples)
        < close 3500 invalid token
    ",
    );
}

#[test]
fn the_client_hears_neither_the_pattern_of_names_nor_why_a_token_was_not_checked() {
    let with_pattern = |explains| {
        rules(|rules| {
            rules.client.explain_errors = explains;
            options(rules, |options| {
                options.channel_regex = Some(ChannelPattern {
                    text: "^secret-[0-9]+$".into(),
                    is_match: Arc::new(|_| false),
                });
            });
        })
    };
    for explains in [false, true] {
        let rules = with_pattern(explains);
        let (pattern, token) = if explains {
            (
                "\"chat\" does not match \"^secret-[0-9]+$\" (channel.without_namespace.channel_regex)",
                "b64info is not base64",
            )
        } else {
            (
                "\"chat\" is not allowed by channel.without_namespace.channel_regex",
                "the token could not be checked; try again later",
            )
        };
        check_with(Profile::WEBSOCKET, &rules, &format!("
            > 1 connect token=T
            < ask 1 connection_token T
            ~ 1 broken
            < tell refused connect \"\" of \"\" 100 connection_token [] b64info is not base64 => make the keys reachable for the server, or try again later
            < 1 error 100: {token}
            > 2 connect
            < tell connected \"\"
            < 2 connected ping 25 pong
            > 3 subscribe chat
            < tell refused subscribe \"chat\" of \"\" 107 name [channel.without_namespace.channel_regex] \"chat\" does not match \"^secret-[0-9]+$\" (channel.without_namespace.channel_regex) => use a name that matches; or set channel.without_namespace.channel_regex to an expression that matches it
            < 3 error 107: {pattern}
        "));
    }
}

#[test]
fn the_log_gets_the_beginning_of_a_long_name() {
    let rules = rules(|_| {});
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    let said = talk.effects_of(&format!("> 2 subscribe {}", "ж".repeat(10_000)));
    let told = said.iter().find_map(|effect| match effect {
        Effect::Tell(Notice::Refused(refused)) => Some(refused.channel.len()),
        _ => None,
    });
    assert_eq!(told, Some(512));
}

#[test]
fn where_errors_are_explained_a_disconnect_says_why_as_far_as_a_close_frame_holds_it() {
    let rules = rules(|rules| {
        rules.client.allow_anonymous_connect_without_token = false;
        rules.client.explain_errors = true;
    });
    check_with(Profile::WEBSOCKET, &rules, "
        > 1 connect
        < close 3501 bad request: a client without a token is not let in (client.allow_anonymous_connect_without_token)
    ");
    let why = "ж".repeat(100);
    let refusal = Refusal::ends(Disconnect::INVALID_TOKEN, why);
    let disconnect = refusal.tell(true).unwrap_err();
    assert_eq!(
        disconnect.reason,
        format!("invalid token: {}", "ж".repeat(54))
    );
    assert!(disconnect.reason.len() <= 123);
}

#[test]
fn where_errors_are_explained_a_reply_says_why_and_keeps_its_code() {
    let rules = rules(|rules| {
        options(rules, |options| *options = ChannelOptions::default());
        rules.client.explain_errors = true;
    });
    let refusal =
        crate::permission::resolve(&rules, "no:where", &mut crate::rule::Silent).unwrap_err();
    let why = refusal.reason.clone().expect("a reason").why;
    let error = refusal.clone().tell(true).unwrap();
    assert_eq!(error.message, format!("unknown channel: {why}"));
    assert_eq!(error.code.0, 102);
    let quiet = refusal.tell(false).unwrap();
    assert_eq!(quiet.message, "unknown channel");
    // As it stands in a conversation.
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    let said = talk.effects_of("> 2 publish chat data=1");
    let messages: Vec<_> = said
        .iter()
        .filter_map(|effect| match effect {
            Effect::Reply(reply) => match &reply.body {
                Body::Error(error) => Some(error.message.as_ref()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(
        messages,
        [
            "permission denied: channels without a namespace do not allow publishing by clients (channel.without_namespace.allow_publish_for_client)"
        ]
    );
}
