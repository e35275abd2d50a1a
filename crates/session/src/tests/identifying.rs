//! `connect` where the application says who a client is.

use veche_protocol::payload::Payload;

use super::harness::Talk;
use super::{check_known, check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{RecoveryMode, Rules};

/// The application is asked; who it does not know is not let in.
fn asking(change: impl FnOnce(&mut Rules)) -> Rules {
    rules(|rules| {
        rules.client.connect_proxy = true;
        rules.client.allow_anonymous_connect_without_token = false;
        change(rules);
    })
}

fn check(script: &str) {
    check_with(Profile::WEBSOCKET, &asking(|_| {}), script);
}

#[test]
fn the_application_says_who_it_is_with_data_and_subscriptions() {
    check(
        "
        > 1 connect app=web data=[1]
        < ask 1 app connect \"web\" \"\" data [1]
        ~ 1 granted user=anna info={} expire=60 data={\"hello\":1} sub=a sub=b positioned=true
        < tell connected \"anna\"
        < ask 3 enter a
        < ask 5 enter b
        ~ 3 done
        < ask 6 history a limit 0
        ~ 6 page e:4
        ~ 5 done
        < ask 7 history b limit 0
        ~ 7 page e:2
        < 1 connected for 60s ping 25 pong [a positioned at e:4 data {\"hello\":1}] [b positioned at e:2 data {\"hello\":1}] data {\"hello\":1}
        < attach a after e:4
        < attach b after e:2
    ",
    );
}

#[test]
fn who_has_a_token_is_not_asked_about() {
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < 1 connected ping 25 pong
    ",
    );
}

#[test]
fn where_the_application_knows_nothing_the_next_authority_decides() {
    let nothing = "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 nothing
    ";
    check(&format!("{nothing}\n< close 3501 bad request"));
    let anonymous = asking(|rules| rules.client.allow_anonymous_connect_without_token = true);
    let connected = |user: &str| format!("< tell connected {user:?}\n< 1 connected ping 25 pong");
    check_with(
        Profile::WEBSOCKET,
        &anonymous,
        &format!("{nothing}\n{}", connected("")),
    );
    check_known(
        "anna",
        &asking(|_| {}),
        &format!("{nothing}\n{}", connected("anna")),
    );
    let named = asking(|rules| rules.client.allow_name_login = true);
    let script = format!("{nothing}\n{}", connected("anna"));
    check_with(
        Profile::WEBSOCKET,
        &named,
        &script.replace("connect\n", "connect name=anna\n"),
    );
}

#[test]
fn the_application_goes_before_a_header_and_a_bare_name() {
    let rules = asking(|rules| rules.client.allow_name_login = true);
    check_known(
        "anna",
        &rules,
        "
        > 1 connect name=carl
        < ask 1 app connect \"\" \"\"
        ~ 1 granted user=bob
        < tell connected \"bob\"
        < 1 connected ping 25 pong
    ",
    );
}

#[test]
fn a_client_that_is_refused_by_an_error_may_try_again() {
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 error=401
        < 1 error 401
        > 2 connect data=1
        < ask 2 app connect \"\" \"\" data 1
        ~ 2 failed
        < 2 error 100
        > 3 connect data=2
        < ask 3 app connect \"\" \"\" data 2
        ~ 3 granted
        < tell connected \"\"
        < 3 connected ping 25 pong
    ",
    );
}

#[test]
fn the_application_may_end_the_connection_and_its_codes_are_checked() {
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 disconnect=4501
        < close 4501 says the application
    ",
    );
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 disconnect=100
        < tell refused connect \"\" of \"\" 100 connect_proxy [] the application's answer has the disconnect code 100: its disconnects are 4000 to 4999
        < 1 error 100: the application's answer cannot be used; try again later
    ",
    );
}

#[test]
fn channels_that_do_not_exist_and_times_that_have_passed_are_refused() {
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 granted user=anna sub=no:where
        < 1 error 102: the application subscribes to \"no:where\", whose namespace does not exist
        > 2 connect
        < ask 2 app connect \"\" \"\"
        ~ 2 granted user=anna expire=-1
        < 2 error 110: the connection's time (expire_at) has run out
        > 3 connect
        < ask 3 app connect \"\" \"\"
        ~ 3 granted user=anna sub=a sub_expire=-1
        < 3 error 110: the time of a server-side subscription (expire_at) has run out
    ",
    );
}

#[test]
fn channels_that_the_client_asks_for_are_told_and_only_those_granted_are_subscribed() {
    let rules = asking(|rules| options(rules, |options| options.force_recovery = true));
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect sub=a/e:2 sub=b sub=no:where
        < ask 1 app connect \"\" \"\" [a] [b] [no:where]
        ~ 1 granted user=anna sub=a
        < tell connected \"anna\"
        < ask 3 enter a
        ~ 3 done
        < ask 4 history a limit 300 since :2
        ~ 4 page e:3 3
        < 1 connected ping 25 pong [a positioned recoverable at e:2 recovered 3]
        < attach a after e:3
    ",
    );
}

#[test]
fn limits_count_for_users_whom_the_application_names() {
    let rules = asking(|rules| rules.client.user_connection_limit = 2);
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 granted user=anna
        < ask 2 user_place anna of 2
        ~ 2 2
        < close 3504 connection limit
    ",
    );
}

#[test]
fn an_answer_that_is_late_twice_or_of_the_wrong_kind_harms_nobody_else() {
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        x
        ~ 1 granted user=anna sub=a
    ",
    );
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        @ 10s
        < close 3502 stale
        ~ 1 granted user=anna sub=a
    ",
    );
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 granted user=anna
        < tell connected \"anna\"
        < 1 connected ping 25 pong
        ~ 1 granted user=bob
    ",
    );
    check(
        "
        > 1 connect
        < ask 1 app connect \"\" \"\"
        ~ 1 wrong
        < close 3004 internal server error
    ",
    );
}

#[test]
fn a_client_that_gets_no_replies_is_refused_by_disconnects() {
    for (answer, close) in [
        ("error=401", "3004 internal server error"),
        ("failed", "3004 internal server error"),
        ("disconnect=4100", "4100 says the application"),
        ("nothing", "3501 bad request"),
    ] {
        let script = format!(
            "
            > 1 connect
            < ask 1 app connect \"\" \"\"
            ~ 1 {answer}
            < close {close}
        "
        );
        check_with(Profile::UNI_SSE, &asking(|_| {}), &script);
    }
}

#[test]
fn meta_is_kept_for_the_application_from_its_own_answer_or_a_token() {
    let rules = asking(|rules| rules.client.emulated_headers = ["X-Trace".into()].into());
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect header=x-trace:1 header=other:2");
    let headers = talk.session.emulated_headers().expect("one is wanted");
    assert_eq!(headers.iter().collect::<Vec<_>>(), [("X-Trace", "1")]);
    talk.play("~ 1 error=401");
    talk.play("> 2 connect");
    assert!(talk.session.emulated_headers().is_none(), "the last counts");
    talk.play("~ 2 granted user=anna meta={\"a\":1}");
    let meta = |talk: &Talk<'_>| talk.session.meta().map(|meta| meta.bytes().clone());
    assert_eq!(meta(&talk).as_deref(), Some(&b"{\"a\":1}"[..]));
    talk.play("> 3 refresh N");
    talk.play("~ 3 claims user=anna");
    assert_eq!(meta(&talk).as_deref(), Some(&b"{\"a\":1}"[..]));
    talk.play("> 4 refresh N");
    talk.play("~ 4 claims user=anna meta=[2]");
    assert_eq!(meta(&talk).as_deref(), Some(&b"[2]"[..]));
    assert!(talk.session.meta().is_some_and(Payload::is_json));
}

#[test]
fn the_application_may_have_the_latest_publication_sent_that_nobody_asked_for() {
    for (mode, granted, pages) in [
        (RecoveryMode::Cache, "cache_recover", true),
        (RecoveryMode::Cache, "", false),
        (RecoveryMode::Stream, "cache_recover", false),
    ] {
        let rules = asking(|rules| {
            options(rules, |options| {
                options.force_recovery = true;
                options.recovery_mode = mode;
            });
        });
        let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
        talk.play("> 1 connect");
        talk.play(&format!("~ 1 granted user=anna sub=a {granted}"));
        let asked = talk.play("~ 3 done");
        let is_read = asked[0].contains("history a limit 1");
        assert_eq!(is_read, pages, "{asked:?}");
    }
}
