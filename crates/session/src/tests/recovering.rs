//! What a client gets of what it missed.

use super::{check_with, options, rules};
use crate::limits::MAX_BUFFERED_PUBLICATIONS;
use crate::profile::Profile;
use crate::rules::{RecoveryMode, Rules};

/// A client has connected and asked to subscribe; question 3 reads history.
fn check_recovery(rules: &Rules, wish: &str, reading: &str, script: &str) {
    check_with(
        Profile::WEBSOCKET,
        rules,
        &format!(
            "
            > 1 connect
            < tell connected \"\"
            < 1 connected ping 25 pong
            > 2 subscribe chat {wish}
            < ask 2 enter chat
            ~ 2 done
            < ask 3 history chat {reading}
            {script}
            "
        ),
    );
}

fn stream() -> Rules {
    rules(|rules| options(rules, |options| options.force_recovery = true))
}

fn cache() -> Rules {
    rules(|rules| {
        options(rules, |options| {
            options.force_recovery = true;
            options.recovery_mode = RecoveryMode::Cache;
        });
    })
}

#[test]
fn publications_made_during_recovery_arrive_once_and_in_order() {
    check_recovery(
        &stream(),
        "since=e:2",
        "limit 300 since :2",
        "
        ~ delivers chat e:4  (while history is still being read)
        ~ delivers chat e:5
        ~ 3 top e:4 3 4
        < 2 subscribed positioned recoverable at e:2 recovered 3 4 5
        < attach chat after e:5
        ~ delivers chat e:6  (from here on the hub's affair)
    ",
    );
}

#[test]
fn nothing_missed_is_recovered_too() {
    check_recovery(
        &stream(),
        "since=e:4",
        "limit 300 since :4",
        "
        ~ 3 top e:4
        < 2 subscribed positioned recoverable at e:4 recovered
        < attach chat after e:4
    ",
    );
}

#[test]
fn an_empty_epoch_of_the_client_is_not_compared() {
    check_recovery(
        &stream(),
        "since=:2",
        "limit 300 since :2",
        "
        ~ 3 top e:3 3
        < 2 subscribed positioned recoverable at e:2 recovered 3
        < attach chat after e:3
    ",
    );
}

#[test]
fn a_past_that_is_not_whole_is_not_recovered_and_not_sent() {
    for (since, page) in [
        ("e:2", "top e:5 4 5  (3 is gone)"),
        ("e:2", "top e:5 3 4  (more than may be recovered)"),
        ("e:2", "top e:5 3 5  (a hole)"),
        ("e:2", "top e:5  (history was removed)"),
        ("f:2", "top e:5 3 4 5  (another epoch)"),
        ("e:9", "top e:5  (from the future)"),
        ("e:18446744073709551615", "top e:5  (from the far future)"),
    ] {
        let number = since.split_once(':').unwrap().1;
        check_recovery(
            &stream(),
            &format!("since={since}"),
            &format!("limit 300 since :{number}"),
            &format!(
                "
            ~ 3 {page}
            < 2 subscribed positioned recoverable at e:5 not recovered
            < attach chat after e:5
        "
            ),
        );
    }
}

#[test]
fn a_client_that_would_rather_not_is_refused_an_unrecoverable_position() {
    check_recovery(
        &stream(),
        "since=f:2 reject",
        "limit 300 since :2",
        "
        ~ 3 top e:5
        < detach chat
        < 2 error 112: the position is not in the stream any more; load the state again
    ",
    );
    check_recovery(
        &stream(),
        "since=e:5 reject",
        "limit 300 since :5",
        "
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:5 recovered
        < attach chat after e:5
    ",
    );
}

#[test]
fn a_new_subscriber_begins_after_what_came_while_it_was_made() {
    check_recovery(
        &stream(),
        "",
        "limit 0",
        "
        ~ delivers chat e:5
        ~ delivers chat e:6
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:6
        < attach chat after e:6
    ",
    );
}

#[test]
fn recovery_is_tried_only_where_it_was_granted_but_the_wish_is_remembered() {
    let rules = rules(|rules| options(rules, |options| options.force_positioning = true));
    check_recovery(
        &rules,
        "since=e:2",
        "limit 0",
        "
        ~ 3 top e:5
        < 2 subscribed positioned at e:5 not recovered
        < attach chat after e:5
    ",
    );
}

#[test]
fn a_gap_before_the_subscription_is_there_is_told_after_the_reply() {
    check_recovery(
        &stream(),
        "since=e:2",
        "limit 300 since :2",
        "
        ~ delivers chat e:4
        ~ delivers chat e:6
        ~ 3 top e:3 3
        < 2 subscribed positioned recoverable at e:2 recovered 3 4
        < detach chat
        < push chat unsubscribed 2500 insufficient state
    ",
    );
    check_recovery(
        &stream(),
        "since=e:2",
        "limit 300 since :2",
        "
        ! lost chat
        ~ 3 top e:3 3
        < 2 subscribed positioned recoverable at e:2 recovered 3
        < detach chat
        < push chat unsubscribed 2500 insufficient state
    ",
    );
}

#[test]
fn a_stream_that_begins_anew_meanwhile_is_told() {
    for delivered in [
        "~ delivers chat e:3\n~ delivers chat f:1",
        "~ delivers chat f:1",
    ] {
        check_recovery(
            &stream(),
            "since=e:2",
            "limit 300 since :2",
            &format!(
                "
            {delivered}
            ~ 3 top e:3 3
            < 2 subscribed positioned recoverable at e:2 recovered 3
            < detach chat
            < push chat unsubscribed 2500 insufficient state
        "
            ),
        );
    }
}

#[test]
fn more_than_may_wait_is_given_up_and_told() {
    let flood: String = (4..=4 + MAX_BUFFERED_PUBLICATIONS)
        .map(|offset| format!("~ delivers chat e:{offset}\n"))
        .collect();
    check_recovery(
        &stream(),
        "since=e:2",
        "limit 300 since :2",
        &format!(
            "
        {flood}
        ~ 3 top e:3 3
        < 2 subscribed positioned recoverable at e:2 recovered 3
        < detach chat
        < push chat unsubscribed 2500 insufficient state
    "
        ),
    );
}

#[test]
fn publications_without_offset_come_after_the_reply() {
    check_recovery(
        &stream(),
        "since=e:2",
        "limit 300 since :2",
        "
        ~ delivers chat :0
        ~ delivers chat e:3
        ~ 3 top e:3 3
        < 2 subscribed positioned recoverable at e:2 recovered 3
        < push chat publication 0
        < attach chat after e:3
    ",
    );
}

#[test]
fn filtered_publications_move_the_position_all_the_same() {
    let mut rules = stream();
    options(&mut rules, |options| options.allow_tags_filter = true);
    check_recovery(
        &rules,
        "since=e:2 filter=a:b",
        "limit 300 since :2",
        "
        ~ delivers chat e:5 a=b
        ~ delivers chat e:6 a=c
        ~ 3 top e:4 3 4
        < 2 subscribed positioned recoverable at e:2 recovered 5
        < attach chat after e:6 filtered
    ",
    );
}

#[test]
fn a_cache_gives_the_latest_whatever_the_client_had() {
    for since in ["e:2", "f:2", "e:99", "e:0", ":0"] {
        let number = since.split_once(':').unwrap().1;
        check_recovery(
            &cache(),
            &format!("since={since} reject"),
            "limit 1 reverse",
            &format!(
                "
            ~ 3 top e:5 5
            < 2 subscribed positioned recoverable at e:{number} recovered 5
            < attach chat after e:5
        "
            ),
        );
    }
}

#[test]
fn a_cache_gives_nothing_to_who_has_the_latest_and_only_the_last_of_many() {
    check_recovery(
        &cache(),
        "since=e:5",
        "limit 1 reverse",
        "
        ~ 3 top e:5 5
        < 2 subscribed positioned recoverable at e:5 recovered
        < attach chat after e:5
    ",
    );
    check_recovery(
        &cache(),
        "since=e:2",
        "limit 1 reverse",
        "
        ~ delivers chat e:6
        ~ delivers chat e:7
        ~ 3 top e:5 5
        < 2 subscribed positioned recoverable at e:2 recovered 7
        < attach chat after e:7
    ",
    );
}

#[test]
fn an_empty_cache_is_not_recovered_until_something_comes() {
    check_recovery(
        &cache(),
        "since=e:2",
        "limit 1 reverse",
        "
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:5 not recovered
        < attach chat after e:5
    ",
    );
    check_recovery(
        &cache(),
        "since=e:5",
        "limit 1 reverse",
        "
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:5 recovered
        < attach chat after e:5
    ",
    );
    check_recovery(
        &cache(),
        "since=e:2",
        "limit 1 reverse",
        "
        ~ delivers chat e:6
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:2 recovered 6
        < attach chat after e:6
    ",
    );
}

fn auto_cache() -> Rules {
    let mut rules = cache();
    options(&mut rules, |options| options.auto_cache_recover = true);
    rules
}

#[test]
fn the_latest_is_brought_unasked_where_the_namespace_says_so() {
    check_recovery(
        &auto_cache(),
        "",
        "limit 1 reverse",
        "
        ~ 3 top e:5 5
        < 2 subscribed positioned recoverable at e:0 recovered 5
        < attach chat after e:5
    ",
    );
    check_recovery(
        &auto_cache(),
        "",
        "limit 1 reverse",
        "
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:5 not recovered
        < attach chat after e:5
    ",
    );
}

#[test]
fn a_stream_is_never_brought_unasked() {
    let mut rules = stream();
    options(&mut rules, |options| options.auto_cache_recover = true);
    check_recovery(
        &rules,
        "",
        "limit 0",
        "
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:5
        < attach chat after e:5
    ",
    );
}

#[test]
fn a_token_s_channels_bring_their_latest_with_every_connect() {
    check_with(
        Profile::WEBSOCKET,
        &auto_cache(),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=news
        < tell connected \"anna\"
        < ask 3 enter news
        ~ 3 done
        < ask 4 history news limit 1 reverse
        ~ 4 top e:5 5
        < 1 connected ping 25 pong [news positioned recoverable at e:0 recovered 5]
        < attach news after e:5
    ",
    );
}

#[test]
fn what_the_server_orders_brings_nothing_unasked() {
    check_with(
        Profile::WEBSOCKET,
        &auto_cache(),
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        ! subscribe news
        < ask 2 enter news
        ~ 2 done
        < ask 3 history news limit 0
        ~ 3 top e:5
        < push news subscribed recoverable at e:5
        < attach news after e:5
    ",
    );
}

#[test]
fn a_filtered_cache_gives_the_latest_that_passes() {
    let mut rules = cache();
    options(&mut rules, |options| options.allow_tags_filter = true);
    check_recovery(
        &rules,
        "since=e:2 filter=a:b",
        "limit 300 reverse",
        "
        ~ delivers chat e:6 a=b
        ~ delivers chat e:7 a=c
        ~ 3 top e:5 5 4 3
        < 2 subscribed positioned recoverable at e:2 recovered 6
        < attach chat after e:7 filtered
    ",
    );
}

#[test]
fn a_limit_of_0_recovers_without_limit() {
    let mut rules = stream();
    rules.client.recovery_max_publication_limit = 0;
    check_recovery(
        &rules,
        "since=e:2",
        "limit all since :2",
        "
        ~ 3 top e:3 3
        < 2 subscribed positioned recoverable at e:2 recovered 3
        < attach chat after e:3
    ",
    );
}

#[test]
fn the_epoch_of_a_channel_without_a_stream_comes_with_its_first_publication_and_with_no_other() {
    check_recovery(
        &stream(),
        "",
        "limit 0",
        "
        ~ delivers chat e:1
        ~ delivers chat e:2
        ~ 3 top :0
        < 2 subscribed positioned recoverable at e:2
        < attach chat after e:2
    ",
    );
    check_recovery(
        &stream(),
        "",
        "limit 0",
        "
        ~ 3 top :0
        < 2 subscribed positioned recoverable at :0
        < attach chat after :0
    ",
    );
    check_recovery(
        &stream(),
        "",
        "limit 0",
        "
        ~ delivers chat e:2
        ~ 3 top :0
        < 2 subscribed positioned recoverable at :0
        < detach chat
        < push chat unsubscribed 2500 insufficient state
    ",
    );
}
