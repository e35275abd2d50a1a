//! `refresh` and `sub_refresh`.

use super::{check_with, rules};
use crate::profile::Profile;

fn check_anna(script: &str) {
    let quiet = rules(|rules| rules.client.ping_interval = None);
    check_with(
        Profile::WEBSOCKET,
        &quiet,
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
        < 4 error 100: b64info is not base64
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
    check_anna(&format!(
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
    ));
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
            "expired",
            "109: the token's time is not now, it expired 5 s ago: get a new one",
        ),
        (
            "claims user=anna channel=chat expire=-1",
            "110: the subscription's new time (expire_at) has run out already",
        ),
        ("broken", "100: b64info is not base64"),
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
    for claims in [
        "invalid",
        "claims user=bob channel=chat",
        "claims user=anna channel=news",
        "claims user=anna channel=chat client=x",
    ] {
        check_subscribed(&format!(
            "
            > 4 sub_refresh chat token=N
            < ask 8 subscription_token N
            ~ 8 {claims}
            < detach a
            < detach chat
            < close 3500 invalid token
        "
        ));
    }
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
