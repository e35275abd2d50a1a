//! Who is let in.

use super::{check, check_known, check_with, options, rules};
use crate::profile::Profile;
use crate::rules::ChannelOptions;

#[test]
fn a_client_without_token_is_anonymous_where_that_is_allowed() {
    check(
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        ",
    );
}

#[test]
fn a_client_without_token_is_sent_away_where_that_is_not_allowed() {
    let rules = rules(|rules| rules.client.allow_anonymous_connect_without_token = false);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect
        < close 3501 bad request
        > 2 connect
    ",
    );
}

#[test]
fn a_token_says_who_the_client_is_and_for_how_long() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=60
        < tell connected \"anna\"
        < 1 connected for 60s ping 25 pong
    ",
    );
}

#[test]
fn a_connection_lives_a_year_at_most() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=9000000000
        < tell connected \"anna\"
        < 1 connected for 31536000s ping 25 pong
    ",
    );
}

#[test]
fn insecure_connections_never_expire_but_their_tokens_are_looked_at() {
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
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 invalid
        < close 3500 invalid token
    ",
    );
}

#[test]
fn a_client_with_an_expired_token_may_try_again_with_a_fresh_one() {
    check(
        "
        > 1 connect token=old
        < ask 1 connection_token old
        ~ 1 expired
        < 1 error 109: the token's time is not now, it expired 5 s ago: get a new one
        > 2 connect token=new
        < ask 2 connection_token new
        ~ 2 claims user=anna
        < tell connected \"anna\"
        < 2 connected ping 25 pong
    ",
    );
}

#[test]
fn a_client_that_was_refused_is_still_nobody() {
    check(
        "
        > 1 connect token=old
        < ask 1 connection_token old
        ~ 1 expired
        < 1 error 109: the token's time is not now, it expired 5 s ago: get a new one
        > 2 subscribe chat
        > 0 subscribe chat
        > 3 connect token=new
        < ask 2 connection_token new
    ",
    );
    check(
        "
        > 1 connect token=old
        < ask 1 connection_token old
        ~ 1 expired
        < 1 error 109: the token's time is not now, it expired 5 s ago: get a new one
        > 2 publish chat x
        @ 11s
        < close 3502 stale
    ",
    );
}

#[test]
fn bad_tokens_are_final_and_failures_are_not() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 invalid
        < close 3500 invalid token
    ",
    );
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 broken
        < 1 error 100: the token could not be checked; try again later
    ",
    );
}

#[test]
fn a_token_whose_expire_at_has_passed_is_error_110() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=-5
        < 1 error 110: the connection's time (expire_at) has run out
    ",
    );
}

#[test]
fn a_channel_with_too_long_a_name_is_not_asked_for_unless_the_token_gives_it() {
    let long = "c".repeat(256);
    check(&format!(
        "
        > 1 connect sub={long}
        < tell refused connect \"\" of \"\" 3501 - [] a channel that connect asks for has a name that is too long (channel.max_length)
        < close 3501 bad request
    "
    ));
    check(&format!(
        "
        > 1 connect token=T sub={long}
        < ask 1 connection_token T
        ~ 1 claims user=anna sub={long}
        < tell connected \"anna\"
        < ask 3 enter {long}
        ~ 3 done
        < 1 connected ping 25 pong [{long}]
        < attach {long}
    "
    ));
}

#[test]
fn nobody_is_listed_in_a_name_not_even_by_an_empty_item() {
    let rules = rules(|rules| {
        options(rules, |options| {
            *options = ChannelOptions {
                allow_user_limited_channels: true,
                ..ChannelOptions::default()
            };
        });
    });
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect sub=dialog# sub=dialog#42,
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe dialog#42,
        < 2 error 103: channel \"dialog#42,\" needs a subscription token: its name lists users after \"#\", and the client has none (channel.user_boundary)
        > 3 subscribe dialog#
        < 3 error 103: channel \"dialog#\" needs a subscription token: its name lists users after \"#\", and the client has none (channel.user_boundary)
    ",
    );
}

#[test]
fn a_connection_lives_for_365_days_at_most() {
    const YEAR: u64 = 365 * 24 * 3600;
    let rules = rules(|rules| rules.client.ping_interval = None);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        &format!(
            "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=9000000000
        < tell connected \"anna\"
        < 1 connected for {YEAR}s ping 0 pong
        @ {}s
        @ {}s
        < close 3005 connection expired
    ",
            YEAR + 24,
            YEAR + 25
        ),
    );
}

#[test]
fn tokens_without_user_are_refused_where_the_rules_say_so() {
    let rules = rules(|rules| rules.client.disallow_anonymous_connection_tokens = true);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims
        < close 3507 permission denied
    ",
    );
}

#[test]
fn a_name_alone_is_taken_only_where_the_rules_say_so() {
    check(
        "
        > 1 connect name=anna
        < 1 error 101: log in with a token: names alone are not taken here (plain.allow_name_login)
    ",
    );
    let rules = rules(|rules| rules.client.allow_name_login = true);
    check_with(
        Profile::WEBSOCKET_FRAME_PING,
        &rules,
        "
        > 1 connect name=anna
        < tell connected \"anna\"
        < 1 connected ping 0
    ",
    );
}

#[test]
fn only_connect_is_heard_first_and_only_once() {
    for first in [
        "2 subscribe chat",
        "2 ping",
        "pong",
        "2 send",
        "2 nothing",
        "0 connect",
    ] {
        check(&format!(
            "
            > {first}
            < close 3501 bad request
        "
        ));
    }
    check(
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 connect
        < close 3501 bad request
    ",
    );
}

#[test]
fn whoever_does_not_connect_in_time_is_stale() {
    check(
        "
        @ 9.9s
        @ 10s
        < close 3502 stale
        > 1 connect
    ",
    );
}

#[test]
fn a_user_has_so_many_connections_and_no_more() {
    let rules = rules(|rules| rules.client.user_connection_limit = 2);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < ask 2 user_place anna of 2
        ~ 2 1
        < tell connected \"anna\"
        < 1 connected ping 25 pong
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < ask 2 user_place anna of 2
        ~ 2 2
        < close 3504 connection limit
    ",
    );
}

#[test]
fn the_token_subscribes_and_the_answer_waits_for_all_subscriptions() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.force_recovery = true;
            options.join_leave = true;
        })
    });
    check_with(Profile::WEBSOCKET, &rules, "
        > 1 connect token=T sub=b/e:3
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=a sub=b
        < tell connected \"anna\"
        < ask 3 enter a
        < ask 5 enter b
        ~ 5 done
        < ask 6 history b limit 300 since :3
        ~ 6 top e:5 4 5
        ~ delivers b e:6
        ~ 3 done
        < ask 7 history a limit 0
        ~ delivers b e:7
        ~ 7 top f:9
        < 1 connected ping 25 pong [a positioned recoverable at f:9] [b positioned recoverable at e:3 recovered 4 5 6 7]
        < attach a after f:9
        < tell join a \"anna\"
        < attach b after e:7
        < tell join b \"anna\"
    ");
}

#[test]
fn a_client_gets_what_it_asks_for_with_connect_if_it_could_have_it_by_itself() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.allow_user_limited_channels = true;
        })
    });
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect sub=chat sub=$secret sub=room#anna sub=чат
        < tell connected \"\"
        < ask 2 enter chat
        ~ 2 done
        < 1 connected ping 25 pong [chat]
        < attach chat
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect sub=nowhere:chat
        < close 3501 bad request
    ",
    );
}

#[test]
fn a_token_for_an_unknown_namespace_is_error_102() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=nowhere:chat
        < 1 error 102: the token subscribes to \"nowhere:chat\", whose namespace does not exist
    ",
    );
}

#[test]
fn more_server_side_channels_than_allowed_end_the_connection() {
    let rules = rules(|rules| rules.client.channel_limit = 1);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=a sub=b
        < close 3505 channel limit
    ",
    );
}

#[test]
fn what_fails_while_connecting_ends_the_connection_and_is_undone() {
    let rules = rules(|rules| options(rules, |options| options.presence = true));
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=a sub=b sub=c
        < tell connected \"anna\"
        < ask 3 enter a
        < ask 5 enter b
        < ask 7 enter c
        ~ 3 done
        < ask 8 add_presence a \"anna\"
        ~ 5 failed
        < detach b
        < detach a
        < tell remove_presence a \"anna\"
        < detach c
        < close 3004 internal server error
        ~ 7 done
        ~ 8 done
    ",
    );
}

#[test]
fn orders_wait_until_connect_is_answered() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=a
        < tell connected \"anna\"
        < ask 3 enter a
        ! message data={}
        ! unsubscribe a
        ~ 3 done
        < 1 connected ping 25 pong [a]
        < attach a
        < push message {}
        < detach a
        < push a unsubscribed 2000 server unsubscribe
    ",
    );
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ! disconnect 3503
        < close 3503 as ordered
        ~ 1 claims user=anna
    ",
    );
}

#[test]
fn a_unidirectional_client_is_told_by_pushes_and_disconnects() {
    let profile = Profile::UNI_SSE;
    check_with(
        profile,
        &rules(|_| {}),
        "
        > 1 connect sub=chat
        < tell connected \"\"
        < ask 2 enter chat
        ~ 2 done
        < push connected ping 25 [chat]
        < attach chat
        @ 25s
        < ping
        @ 45s
        < ping
    ",
    );
    for (answer, close) in [
        ("expired", "3005 connection expired"),
        ("claims expire=-1", "3005 connection expired"),
        ("broken", "3004 internal server error"),
        ("claims sub=no:where", "3004 internal server error"),
    ] {
        check_with(
            profile,
            &rules(|_| {}),
            &format!(
                "
            > 1 connect token=T
            < ask 1 connection_token T
            ~ 1 {answer}
            < close {close}
        "
            ),
        );
    }
}

#[test]
fn a_client_whose_user_is_known_before_needs_no_token() {
    let rules = rules(|rules| {
        rules.client.allow_anonymous_connect_without_token = false;
        options(rules, |options| options.join_leave = true);
    });
    check_known(
        "anna",
        &rules,
        "
        > 1 connect
        < tell connected \"anna\"
        < 1 connected ping 25 pong
        > 2 subscribe chat
        < ask 2 enter chat
        ~ 2 done
        < 2 subscribed
        < attach chat
        < tell join chat \"anna\"
    ",
    );
}

#[test]
fn a_token_decides_also_where_the_user_is_known_before() {
    check_known(
        "anna",
        &rules(|_| {}),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=bob
        < tell connected \"bob\"
        < 1 connected ping 25 pong
    ",
    );
    check_known(
        "anna",
        &rules(|_| {}),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 invalid
        < close 3500 invalid token
    ",
    );
}
