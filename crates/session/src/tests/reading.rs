//! `history`, `presence` and `presence_stats`.

use std::time::Duration;

use veche_protocol::publication::Retention;

use super::harness::Talk;
use super::{check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{ChannelOptions, Rules};

fn check_user(user: &str, rules: &Rules, script: &str) {
    check_with(
        Profile::WEBSOCKET,
        rules,
        &format!(
            "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user={user}
        < tell connected {user:?}
        < 1 connected ping 25 pong
        {script}
    "
        ),
    );
}

fn keeping(change: impl FnOnce(&mut ChannelOptions)) -> Rules {
    rules(|rules| {
        options(rules, |options| {
            options.presence = true;
            options.retention = Some(Retention {
                size: 10,
                ttl: Duration::from_secs(60),
                meta_ttl: Duration::from_secs(60),
            });
            change(options);
        })
    })
}

#[test]
fn a_feature_that_is_off_is_not_available_whoever_asks() {
    let rules = rules(|rules| rules.client.insecure = true);
    check_user("anna", &rules, "
        > 2 history chat
        < 2 error 108: channels without a namespace keep no history (channel.without_namespace.history_size)
        > 3 presence chat
        < 3 error 108: channels without a namespace keep no presence (channel.without_namespace.presence)
        > 4 presence_stats chat
        < 4 error 108: channels without a namespace keep no presence (channel.without_namespace.presence)
        > 5 history no:where
        < 5 error 102: namespace \"no\" does not exist (channel.namespaces)
    ");
}

#[test]
fn the_namespace_decides_who_may_read() {
    check_user("anna", &keeping(|_| {}), "
        > 2 history chat
        < 2 error 103: channels without a namespace do not allow history calls by clients (channel.without_namespace.allow_history_for_client)
        > 3 presence chat
        < 3 error 103: channels without a namespace do not allow presence calls by clients (channel.without_namespace.allow_presence_for_client)
    ");
    let users = keeping(|options| {
        options.allow_history_for_client = true;
        options.allow_presence_for_client = true;
    });
    check_user("", &users, "
        > 2 history chat
        < 2 error 103: channels without a namespace do not allow history calls by anonymous clients (channel.without_namespace.allow_history_for_anonymous)
        > 3 presence_stats chat
        < 3 error 103: channels without a namespace do not allow presence calls by anonymous clients (channel.without_namespace.allow_presence_for_anonymous)
    ");
    check_user(
        "anna",
        &users,
        "
        > 2 presence chat
        < ask 2 presence chat
        ~ 2 present anna bob
        < 2 present anna bob
        > 3 presence_stats chat
        < ask 3 presence_stats chat
        ~ 3 stats 2 1
        < 3 stats 2 1
        > 4 presence chat
        < ask 4 presence chat
        ~ 4 failed
        < 4 error 100
    ",
    );
}

#[test]
fn a_name_that_is_too_long_is_refused_to_all_but_subscribers() {
    let rules = keeping(|options| {
        options.allow_publish_for_client = true;
        options.allow_presence_for_client = true;
        options.allow_history_for_client = true;
    });
    let (fits, long) = ("c".repeat(255), "c".repeat(256));
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect token=T");
    talk.play(&format!("~ 1 claims user=anna sub={}", "s".repeat(300)));
    talk.play("~ 3 done");
    talk.play("~ 4 done");
    assert!(talk.session.is_connected());
    let why = "the channel's name has 256 bytes; at most 255 are taken (channel.max_length)";
    for command in [
        "publish # data=1",
        "history #",
        "presence #",
        "presence_stats #",
    ] {
        let ask = |name: &str| format!("> 2 {}", command.replace('#', name));
        assert_eq!(
            talk.play(&ask(&long)),
            [format!("< 2 error 107: {why}")],
            "{command}"
        );
        for name in [&fits, &"s".repeat(300)] {
            let said = talk.play(&ask(name)).concat();
            assert!(said.starts_with("< ask "), "{command}: {said}");
        }
    }
    assert_eq!(
        talk.play(&format!("> 2 sub_refresh {long} token=T")),
        [format!("< 2 error 107: {why}")]
    );
    assert_eq!(
        talk.play(&format!("> 2 unsubscribe {long}")),
        ["< 2 unsubscribed"]
    );
}

#[test]
fn history_is_read_within_limits() {
    let rules = keeping(|options| options.allow_history_for_client = true);
    check_user(
        "anna",
        &rules,
        "
        > 2 history chat
        < ask 2 history chat limit 0
        ~ 2 top e:5
        < 2 history e:5
        > 3 history chat limit=2 since=e:3
        < ask 3 history chat limit 2 since e:3
        ~ 3 top e:5 4 5
        < 3 history e:5 4 5
        > 4 history chat limit=-1 reverse
        < ask 4 history chat limit 300 reverse
        > 5 history chat limit=1000
        < ask 5 history chat limit 300
        > 6 history chat limit=10 reverse since=e:0
        < 6 error 107: nothing lies before offset 0; leave `since` out to begin at the newest
        > 7 history chat limit=10 since=f:3
        < ask 6 history chat limit 10 since f:3
        ~ 6 unrecoverable
        < 7 error 112
    ",
    );
    let mut unlimited = rules;
    unlimited.client.history_max_publication_limit = 0;
    check_user(
        "anna",
        &unlimited,
        "
        > 2 history chat limit=-1
        < ask 2 history chat limit all
        > 3 history chat limit=1000
        < ask 3 history chat limit 1000
    ",
    );
}
