//! `rpc`: calls of the application.

use super::{check_with, rules};
use crate::application::ProxyName;
use crate::profile::Profile;
use crate::rules::Rules;

fn check_under(rules: &Rules, script: &str) {
    let script = format!(
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        {script}
    "
    );
    check_with(Profile::WEBSOCKET, rules, &script);
}

fn check(script: &str) {
    let rules = rules(|rules| {
        rules.client.concurrency = 4;
        rules.rpc.ping = Some("ping".into());
        rules.rpc.without_namespace = Some(ProxyName::from("default"));
    });
    check_under(&rules, script);
}

#[test]
fn a_call_brings_the_data_of_the_application_or_nothing_or_its_error() {
    check(
        "
        > 2 rpc sum data=[1,2]
        < ask 1 app rpc sum [1,2] by default
        ~ 1 granted data=3
        < 2 called 3
        > 3 rpc sum
        < ask 2 app rpc sum nothing by default
        ~ 2 granted
        < 3 called nothing
        > 4 rpc sum
        < ask 3 app rpc sum nothing by default
        ~ 3 error=403
        < 4 error 403
        > 5 rpc sum
        < ask 4 app rpc sum nothing by default
        ~ 4 failed
        < 5 error 100
    ",
    );
}

#[test]
fn a_call_may_end_the_connection() {
    check(
        "
        > 2 rpc sum
        < ask 1 app rpc sum nothing by default
        ~ 1 disconnect=4500
        < close 4500 says the application
    ",
    );
}

#[test]
fn codes_that_are_not_the_applications_are_told_to_the_operator_alone() {
    check(
        "
        > 2 rpc sum
        < ask 1 app rpc sum nothing by default
        ~ 1 error=103
        < tell refused rpc \"\" of \"\" 100 rpc_proxy [] the application's answer has the error code 103: its errors are 400 to 1999
        < 2 error 100: the application's answer cannot be used; try again later
        > 3 rpc sum
        < ask 2 app rpc sum nothing by default
        ~ 2 disconnect=3000
        < tell refused rpc \"\" of \"\" 100 rpc_proxy [] the application's answer has the disconnect code 3000: its disconnects are 4000 to 4999
        < 3 error 100: the application's answer cannot be used; try again later
    ",
    );
}

#[test]
fn an_answer_that_comes_twice_or_late_is_dropped_and_one_of_the_wrong_kind_ends_the_connection() {
    check(
        "
        > 2 rpc a
        < ask 1 app rpc a nothing by default
        > 3 rpc b
        < ask 2 app rpc b nothing by default
        ~ 2 granted data=2
        < 3 called 2
        ~ 2 granted data=2
        ~ 1 granted data=1
        < 2 called 1
        ~ 1 disconnect=4000
        > 4 rpc c
        < ask 3 app rpc c nothing by default
        x
        ~ 3 granted data=3
    ",
    );
    check(
        "
        > 2 rpc a
        < ask 1 app rpc a nothing by default
        ~ 1 wrong
        < close 3004 internal server error
    ",
    );
}

#[test]
fn a_ping_is_answered_here_and_what_nobody_answers_is_no_method() {
    check(
        "
        > 2 rpc ping
        < 2 called nothing
        > 3 rpc chat:send
        < 3 error 104: nothing answers the method \"chat:send\": no backend is configured for calls (rpc.proxy)
    ",
    );
    check_under(
        &rules(|_| {}),
        "
        > 2 rpc sum
        < 2 error 108: nothing answers the method \"sum\": no backend is configured for calls (rpc.proxy)
    ",
    );
}
