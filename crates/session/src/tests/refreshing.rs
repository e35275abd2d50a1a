//! `refresh` and `sub_refresh`.

use std::time::Duration;

use super::harness::Talk;
use super::{check_with, rules};
use crate::profile::Profile;
use crate::rules::Rules;

fn check_anna(script: &str) {
    check_anna_under(&rules(|rules| rules.client.ping_interval = None), script);
}

/// Anna is connected until second 60, and subscribed to `a` by the server.
fn check_anna_under(rules: &Rules, script: &str) {
    check_with(
        Profile::WEBSOCKET,
        rules,
        &format!(
            "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=60 sub=a
        < tell connected \"anna\"
        < ask 3 enter a
        ~ 3 done
        < 1 connected for 60s ping 0 pong [a]
        < attach a
        {script}
    "
        ),
    );
}

#[test]
fn a_fresh_token_prolongs_the_connection() {
    check_anna(
        "
        @ 80s
        > 2 refresh N
        < ask 4 connection_token N
        ~ 4 claims user=anna expire=140 sub=a
        < 2 refreshed for 60s
        @ 164s
        @ 165s
        < detach a
        < close 3005 connection expired
    ",
    );
    check_anna(
        "
        > 2 refresh N
        < ask 4 connection_token N
        ~ 4 claims user=anna sub=a
        < 2 refreshed
        @ 1000s
    ",
    );
}

#[test]
fn a_token_of_another_user_or_with_other_channels_ends_the_connection() {
    for (claims, close) in [
        ("claims user=bob sub=a", "3500 invalid token"),
        ("claims user=anna", "3010 insufficient state"),
        ("claims user=anna sub=a sub=b", "3010 insufficient state"),
        ("expired", "3005 connection expired"),
        ("invalid", "3500 invalid token"),
    ] {
        check_anna(&format!(
            "
            > 2 refresh N
            < ask 4 connection_token N
            ~ 4 {claims}
            < detach a
            < close {close}
        "
        ));
    }
    check_anna(
        "
        > 2 refresh N
        < ask 4 connection_token N
        ~ 4 claims user=anna sub=a expire=-1
        < 2 error 110: the connection's new time (expire_at) has run out already
        > 3 refresh N
        < ask 5 connection_token N
        ~ 5 claims user=anna sub=a sub=no:where
        < 3 error 102: the token subscribes to \"no:where\", whose namespace does not exist
        > 4 refresh N
        < ask 6 connection_token N
        ~ 6 broken
        < 4 error 100: the token could not be checked; try again later
    ",
    );
}

#[test]
fn a_refresh_counts_for_insecure_connections_too() {
    let rules = rules(|rules| rules.client.insecure = true);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=60
        < tell connected \"anna\"
        < 1 connected ping 25 pong
        > 2 refresh N
        < ask 2 connection_token N
        ~ 2 claims user=anna expire=60
        < 2 refreshed for 60s
    ",
    );
}

/// Anna is subscribed to `chat` until second 10.
fn check_subscribed(script: &str) {
    check_subscribed_under(&rules(|rules| rules.client.ping_interval = None), script);
}

fn check_subscribed_under(rules: &Rules, script: &str) {
    let script = format!(
        "
        > 2 subscribe chat token=S
        < ask 5 subscription_token S
        ~ 5 claims user=anna channel=chat expire=10
        < ask 6 enter chat
        ~ 6 done
        < 2 subscribed for 10s
        < attach chat
        > 3 refresh N
        < ask 7 connection_token N
        ~ 7 claims user=anna sub=a
        < 3 refreshed
        {script}
    "
    );
    check_anna_under(rules, &script);
}

#[test]
fn a_fresh_token_prolongs_a_subscription() {
    check_subscribed(
        "
        > 4 sub_refresh chat token=N
        < ask 8 subscription_token N
        ~ 8 claims user=anna channel=chat expire=100
        < 4 sub_refreshed for 100s
        @ 120s
        @ 160s
        < detach chat
        < push chat unsubscribed 2501 subscription expired
    ",
    );
}

#[test]
fn an_expired_token_never_prolongs_a_subscription() {
    for (claims, error) in [
        (
            "claims user=anna channel=chat expire=-1",
            "110: the subscription's new time (expire_at) has run out already",
        ),
        (
            "broken",
            "100: the token could not be checked; try again later",
        ),
    ] {
        check_subscribed(&format!(
            "
            > 4 sub_refresh chat token=N
            < ask 8 subscription_token N
            ~ 8 {claims}
            < 4 error {error}
            @ 80s
            < detach chat
            < push chat unsubscribed 2501 subscription expired
        "
        ));
    }
}

#[test]
fn a_bad_token_for_a_subscription_ends_the_connection() {
    for (claims, close) in [
        ("expired", "3006 subscription expired"),
        ("invalid", "3500 invalid token"),
        ("claims user=bob channel=chat", "3500 invalid token"),
        ("claims user=anna channel=news", "3500 invalid token"),
        (
            "claims user=anna channel=chat client=x",
            "3500 invalid token",
        ),
    ] {
        check_subscribed(&format!(
            "
            > 4 sub_refresh chat token=N
            < ask 8 subscription_token N
            ~ 8 {claims}
            < detach a
            < detach chat
            < close {close}
        "
        ));
    }
}

#[test]
fn the_operator_hears_that_a_token_came_too_late() {
    check_subscribed(
        "
        > 4 sub_refresh chat token=N
        < ask 8 subscription_token N
        ~ 8 expired
        < tell refused sub_refresh \"chat\" of \"anna\" 3006 subscription_token [] the token's time is not now, it expired 5 s ago => make another token (veche gentoken and gensubtoken make samples)
        < detach a
        < detach chat
        < close 3006 subscription expired
    ",
    );
    check_anna(
        "
        > 2 refresh N
        < ask 4 connection_token N
        ~ 4 expired
        < tell refused refresh \"\" of \"anna\" 3005 connection_token [] the token's time is not now, it expired 5 s ago => make another token (veche gentoken and gensubtoken make samples)
        < detach a
        < close 3005 connection expired
    ",
    );
}

#[test]
fn a_connection_and_a_subscription_are_prolonged_by_365_days_at_most() {
    const YEAR: u64 = 365 * 24 * 3600;
    check_anna(&format!(
        "
        > 2 refresh N
        < ask 4 connection_token N
        ~ 4 claims user=anna expire=9000000000 sub=a
        < 2 refreshed for {YEAR}s
        @ {}s
        @ {}s
        < detach a
        < close 3005 connection expired
    ",
        YEAR + 24,
        YEAR + 25
    ));
    const DAY: u64 = 24 * 3600;
    let rules = rules(|rules| {
        rules.client.ping_interval = None;
        // The expiry is looked at once a day, and subscriptions end at the first look after their time.
        rules.client.presence_update_interval = Duration::from_secs(DAY);
        rules.client.expired_sub_close_delay = Duration::from_secs(3 * DAY);
    });
    let script = format!(
        "
        > 4 sub_refresh chat token=N
        < ask 8 subscription_token N
        ~ 8 claims user=anna channel=chat expire=9000000000
        < 4 sub_refreshed for {YEAR}s
        @ {}s
        @ {}s
        < detach chat
        < push chat unsubscribed 2501 subscription expired
    ",
        YEAR + 2 * DAY,
        YEAR + 5 * DAY
    );
    check_subscribed_under(&rules, &script);
}

#[test]
fn an_expired_subscription_ends_even_where_presence_is_said_to_be_renewed_never() {
    let rules = rules(|rules| {
        rules.client.ping_interval = None;
        rules.client.presence_update_interval = Duration::ZERO;
    });
    check_subscribed_under(
        &rules,
        "
        @ 80s
        < detach chat
        < push chat unsubscribed 2501 subscription expired
    ",
    );
}

#[test]
fn the_longest_times_overflow_nothing() {
    let rules = rules(|rules| {
        let client = &mut rules.client;
        for interval in [&mut client.ping_interval, &mut client.pong_timeout] {
            *interval = Some(Duration::MAX);
        }
        for time in [
            &mut client.stale_close_delay,
            &mut client.expired_close_delay,
            &mut client.expired_sub_close_delay,
            &mut client.presence_update_interval,
            &mut client.position_check_delay,
            &mut client.position_max_time_lag,
        ] {
            *time = Duration::MAX;
        }
    });
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    for line in [
        "> 1 connect token=T",
        "~ 1 claims user=anna expire=9000000000000",
        "> 2 subscribe chat token=S",
        "~ 3 claims user=anna channel=chat expire=9000000000000",
        "~ 4 done",
        "@ 9000000000s",
        "> 3 refresh N",
        "~ 5 claims user=anna expire=9000000000000",
    ] {
        let closed = talk.play(line).iter().any(|line| line.contains("close"));
        assert!(!closed, "{line}");
    }
    assert!(talk.session.is_connected());
}

#[test]
fn only_a_subscription_of_the_client_is_refreshed_by_it() {
    check_subscribed(
        "
        > 4 sub_refresh news token=N
        < 4 error 103: there is no subscription to \"news\" to refresh
        > 5 sub_refresh chat
        < 5 error 107: the token is missing
        > 6 sub_refresh a token=N
        < detach a
        < detach chat
        < close 3501 bad request
    ",
    );
}

#[test]
fn a_refresh_of_a_subscription_that_has_gone_meanwhile_changes_no_other() {
    check_subscribed(
        "
        > 4 sub_refresh chat token=N
        < ask 8 subscription_token N
        > 5 unsubscribe chat
        < detach chat
        < 5 unsubscribed
        > 6 subscribe chat
        < ask 10 enter chat
        ~ 10 done
        < 6 subscribed
        < attach chat
        ~ 8 claims user=anna channel=chat expire=100
        < 4 error 103: there is no subscription to \"chat\" to refresh
    ",
    );
}
