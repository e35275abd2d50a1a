//! `publish` and `send`.

use std::time::Duration;

use veche_protocol::publication::Retention;

use super::{check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{DataFormat, Rules};

fn check_user(user: &str, rules: &Rules, script: &str) {
    check_with(
        Profile::WEBSOCKET,
        rules,
        &format!(
            "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user={user} info={{}}
        < tell connected {user:?}
        < 1 connected ping 25 pong
        {script}
    "
        ),
    );
}

#[test]
fn a_publication_carries_who_published_it_and_is_kept_as_the_namespace_says() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.allow_publish_for_client = true;
            options.retention = Some(Retention {
                size: 10,
                ttl: Duration::from_secs(60),
                meta_ttl: Duration::from_secs(60),
            });
        })
    });
    check_user(
        "anna",
        &rules,
        "
        > 2 publish chat data=[1] event=move key=k
        < ask 2 publish chat [1] by \"anna\" conn_info {} event move keep 10 once as k of \"anna\"
        ~ 2 published e:5
        < 2 published e:5
        > 3 publish chat data=[1]
        < ask 3 publish chat [1] by \"anna\" conn_info {} keep 10
        ~ 3 failed
        < 3 error 100
    ",
    );
}

#[test]
fn a_key_is_of_the_user_or_of_the_anonymous_connection_and_has_a_bounded_length() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.allow_publish_for_client = true;
            options.allow_publish_for_anonymous = true;
        });
    });
    check_user(
        "",
        &rules,
        "
        > 2 publish chat data=1 key=k
        < ask 2 publish chat 1 by \"\" conn_info {} once as k of the client
    ",
    );
    let (longest, longer) = ("k".repeat(256), "k".repeat(257));
    check_user(
        "anna",
        &rules,
        &format!(
            "
        > 2 publish chat data=1 key={longest}
        < ask 2 publish chat 1 by \"anna\" conn_info {{}} once as {longest} of \"anna\"
        ~ 2 published e:5
        < 2 published e:5
        > 3 publish chat data=1 key={longer}
        < 3 error 107: the idempotency key has 257 bytes; at most 256 are allowed
    "
        ),
    );
}

#[test]
fn the_namespace_decides_who_may_publish() {
    let nobody = rules(|_| {});
    check_user("anna", &nobody, "
        > 2 publish chat data=1
        < 2 error 103: channels without a namespace do not allow publishing by clients (channel.without_namespace.allow_publish_for_client)
        > 3 publish no:where data=1
        < 3 error 102: namespace \"no\" does not exist (channel.namespaces)
    ");
    let users = rules(|rules| options(rules, |options| options.allow_publish_for_client = true));
    check_user("", &users, "
        > 2 publish chat data=1
        < 2 error 103: channels without a namespace do not allow publishing by anonymous clients (channel.without_namespace.allow_publish_for_anonymous)
    ");
    let insecure = rules(|rules| rules.client.insecure = true);
    check_user(
        "",
        &insecure,
        "
        > 2 publish chat data=1
        < ask 2 publish chat 1 by \"\" conn_info {}
    ",
    );
}

#[test]
fn subscribers_may_publish_with_their_channel_info_once_they_are_subscribed() {
    let rules =
        rules(|rules| options(rules, |options| options.allow_publish_for_subscriber = true));
    check_user("anna", &rules, "
        > 2 publish chat data=1
        < 2 error 103: channels without a namespace allow publishing by subscribers only (channel.without_namespace.allow_publish_for_subscriber); subscribe to \"chat\" first
        > 3 subscribe chat token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=chat chan_info=7
        < ask 4 enter chat
        ~ 4 done
        < 3 subscribed
        < attach chat
        > 4 publish chat data=1
        < ask 5 publish chat 1 by \"anna\" conn_info {} chan_info 7
    ".replace("namespace allows", "namespace allow").as_str());
}

#[test]
fn data_has_the_format_of_the_namespace() {
    for (format, refused, taken) in [
        (
            DataFormat::Any,
            vec!["publish chat", "publish chat data="],
            vec!["x{", "1"],
        ),
        (
            DataFormat::Json,
            vec!["publish chat", "publish chat data=x{"],
            vec!["1", "{}"],
        ),
        (
            DataFormat::JsonObject,
            vec!["publish chat data=1", "publish chat data={"],
            vec!["{}"],
        ),
        (DataFormat::Binary, vec![], vec!["", "x{"]),
    ] {
        let rules = rules(|rules| {
            options(rules, |options| {
                options.allow_publish_for_client = true;
                options.data_format = format;
            })
        });
        let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
        talk.play("> 1 connect token=T");
        talk.play("~ 1 claims user=anna");
        for command in refused {
            let answer = talk.play(&format!("> 2 {command}"));
            assert!(
                answer.concat().starts_with("< 2 error 107: data is "),
                "{format:?} {answer:?}"
            );
        }
        for data in taken {
            let answer = talk.play(&format!("> 2 publish chat data={data}"));
            assert!(
                answer.concat().contains(" publish chat "),
                "{format:?} {answer:?}"
            );
        }
    }
}

#[test]
fn a_stream_is_not_published_to_as_a_map() {
    let rules = rules(|rules| options(rules, |options| options.allow_publish_for_client = true));
    check_user(
        "anna",
        &rules,
        "
        > 2 publish chat data=1 type=1
        < 2 error 107: a publication in a map needs a key
        > 2 publish chat data=1 type=1 map_key=k
        < 2 error 103: the channel is a stream, not a map (subscription_type)
    ",
    );
}

#[test]
fn send_has_nobody_to_go_to() {
    for id in [0, 2] {
        check_user(
            "anna",
            &rules(|_| {}),
            &format!(
                "
            > {id} send
            < close 3508 not available
        "
            ),
        );
    }
}
