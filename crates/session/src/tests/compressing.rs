//! Deltas and numbers in the place of names: who gets them, and what the hub is told.

use super::{check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{ChannelOptions, RecoveryMode, Rules};

fn delta_rules(change: impl FnOnce(&mut ChannelOptions)) -> Rules {
    rules(|rules| {
        options(rules, |options| {
            options.allow_fossil_delta = true;
            options.allow_channel_compaction = true;
            options.force_recovery = true;
            change(options);
        });
    })
}

/// A client has connected.
fn check(rules: &Rules, script: &str) {
    let connected = "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
    ";
    check_with(Profile::WEBSOCKET, rules, &format!("{connected}{script}"));
}

#[test]
fn a_new_subscriber_takes_deltas_and_has_nothing_yet() {
    check(
        &delta_rules(|_| {}),
        "
        > 2 subscribe chat delta=fossil
        < ask 2 enter chat
        ~ 2 done
        < ask 3 history chat limit 0
        ~ 3 top e:4
        < 2 subscribed positioned recoverable at e:4 delta
        < attach chat after e:4 delta
    ",
    );
}

#[test]
fn who_recovered_something_has_the_last_of_it() {
    check(
        &delta_rules(|_| {}),
        "
        > 2 subscribe chat delta=fossil since=e:2
        < ask 2 enter chat
        ~ 2 done
        < ask 3 history chat limit 300 since :2
        ~ delivers chat e:5
        ~ 3 top e:4 3 4
        < 2 subscribed positioned recoverable at e:2 recovered delta 3 4 5
        < attach chat after e:5 delta since 5
    ",
    );
}

#[test]
fn who_missed_nothing_may_have_nothing() {
    check(
        &delta_rules(|_| {}),
        "
        > 2 subscribe chat delta=fossil since=e:4
        < ask 2 enter chat
        ~ 2 done
        < ask 3 history chat limit 300 since :4
        ~ 3 top e:4
        < 2 subscribed positioned recoverable at e:4 recovered delta
        < attach chat after e:4 delta
    ",
    );
}

#[test]
fn a_publication_outside_of_the_stream_comes_whole_and_is_no_base() {
    check(
        &delta_rules(|_| {}),
        "
        > 2 subscribe chat delta=fossil since=e:3
        < ask 2 enter chat
        ~ 2 done
        < ask 3 history chat limit 300 since :3
        ~ delivers chat :0
        ~ 3 top e:4 4
        < 2 subscribed positioned recoverable at e:3 recovered delta 4
        < push chat whole publication 0
        < attach chat after e:4 delta
    ",
    );
}

#[test]
fn without_a_position_all_comes_whole() {
    check(
        &delta_rules(|options| options.force_recovery = false),
        "
        > 2 subscribe chat delta=fossil
        < ask 2 enter chat
        ~ 2 done
        < 2 subscribed delta
        < attach chat delta
    ",
    );
}

#[test]
fn from_the_cache_come_the_latest_and_what_was_published_meanwhile() {
    let script = |wish: &str, reply: &str| {
        format!(
            "
        > 2 subscribe chat {wish} since=e:2
        < ask 2 enter chat
        ~ 2 done
        < ask 3 history chat limit 1 reverse
        ~ delivers chat e:5
        ~ 3 top e:4 4
        < 2 subscribed positioned recoverable at e:2 recovered{reply}
    "
        )
    };
    let rules = delta_rules(|options| options.recovery_mode = RecoveryMode::Cache);
    let attach = "    < attach chat after e:5";
    check(&rules, &format!("{}{attach}", script("", " 5")));
    let since = " delta since 5";
    check(
        &rules,
        &format!("{}{attach}{since}", script("delta=fossil", " delta 4 5")),
    );
}

#[test]
fn with_connect_a_delta_is_granted_where_it_is_known() {
    for (wish, granted, attached) in [("fossil", " delta", " delta since 3"), ("bsdiff", "", "")] {
        check_with(
            Profile::WEBSOCKET,
            &delta_rules(|_| {}),
            &format!(
                "
            > 1 connect sub=chat/e:2 delta={wish}
            < tell connected \"\"
            < ask 2 enter chat
            ~ 2 done
            < ask 3 history chat limit 300 since :2
            ~ 3 top e:3 3
            < 1 connected ping 25 pong [chat positioned recoverable at e:2 recovered{granted} 3]
            < attach chat after e:3{attached}
        "
            ),
        );
    }
}

#[test]
fn a_client_that_understands_numbers_gets_one_in_the_place_of_the_name() {
    let script = "
        > 2 subscribe chat compact
        < ask 2 enter chat
        ~ 2 done
    ";
    let numbered = "
        < ask 3 channel_id chat
        ~ 3 12
        < 2 subscribed id 12
        < attach chat compact
    ";
    let named = "
        < 2 subscribed
        < attach chat
    ";
    let plain = |is_allowed| {
        delta_rules(|options| {
            options.force_recovery = false;
            options.allow_channel_compaction = is_allowed;
        })
    };
    check(&plain(true), &format!("{script}{numbered}"));
    check(&plain(false), &format!("{script}{named}"));
}

#[test]
fn who_leaves_before_its_number_is_known_is_detached() {
    check(
        &delta_rules(|_| {}),
        "
        > 2 subscribe chat compact
        < ask 2 enter chat
        ~ 2 done
        < ask 3 channel_id chat
        x
        < detach chat
    ",
    );
}
