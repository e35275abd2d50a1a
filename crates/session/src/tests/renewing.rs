//! Connections and subscriptions whose time has run out, where the application says whether they go on.

use super::harness::Talk;
use super::{check_with, options, rules};
use crate::profile::Profile;
use crate::rules::Rules;

fn asking() -> Rules {
    rules(|rules| {
        rules.client.ping_interval = None;
        rules.client.refresh_proxy = true;
        options(rules, |options| {
            options.sub_refresh_proxy = Some("default".into())
        });
    })
}

/// Anna is connected until second 60, which she is not told.
fn check(script: &str) {
    let script = format!(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=60
        < tell connected \"anna\"
        < 1 connected ping 0 pong
        @ 59s
        @ 60s
        < ask 2 app refresh
        {script}
    "
    );
    check_with(Profile::WEBSOCKET, &asking(), &script);
}

#[test]
fn the_application_prolongs_a_connection_once_or_for_ever() {
    check(
        "
        @ 75s
        ~ 2 granted expire=100
        @ 99s
        @ 100s
        < ask 3 app refresh
        ~ 3 granted
        @ 1000s
    ",
    );
}

#[test]
fn the_application_ends_a_connection_by_saying_so_by_a_past_time_or_by_a_disconnect() {
    for (answer, close) in [
        ("granted expired", "3005 connection expired"),
        ("granted expired expire=100", "3005 connection expired"),
        ("granted expire=60", "3005 connection expired"),
        ("disconnect=4010", "4010 says the application"),
    ] {
        check(&format!("~ 2 {answer}\n< close {close}"));
    }
}

#[test]
fn a_failure_or_an_error_is_not_expired_and_the_application_is_asked_again_within_a_minute() {
    for (answer, told) in [
        ("failed", ""),
        (
            "error=500",
            "< tell refused refresh \"\" of \"anna\" 100 refresh_proxy [] the application's answer has the error 500: it does not say \"expired\"",
        ),
        (
            "disconnect=3005",
            "< tell refused refresh \"\" of \"anna\" 100 refresh_proxy [] the application's answer has the disconnect code 3005: its disconnects are 4000 to 4999",
        ),
    ] {
        check(&format!(
            "
            ~ 2 {answer}
            {told}
            @ 89s
            @ 120s
            < ask 3 app refresh
            ~ 3 {answer}
            {told}
            @ 149s
            @ 180s
            < ask 4 app refresh
            ~ 4 granted expired
            < close 3005 connection expired
        "
        ));
    }
}

#[test]
fn it_is_asked_once_at_a_time_and_late_or_wrong_answers_harm_nobody_else() {
    check(
        "
        @ 100s
        ! refresh expire=200
        < push refresh
        ~ 2 failed
        @ 199s
        @ 200s
        < ask 3 app refresh
        ~ 2 granted expired
        x
        ~ 3 granted expired
    ",
    );
    check("~ 2 wrong\n< close 3004 internal server error");
    let rules = asking();
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect token=T");
    talk.play("~ 1 claims user=anna expire=60");
    assert_eq!(talk.play("@ 60s"), ["< ask 2 app refresh"]);
    talk.jump();
    assert!(talk.play("@ 70s").is_empty(), "it is asked already");
}

#[test]
fn an_answer_changes_info_and_meta_or_keeps_them() {
    let rules = asking();
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect token=T");
    talk.play("~ 1 claims user=anna expire=60 info=1 meta=2");
    talk.play("@ 60s");
    talk.play("~ 2 granted expire=100");
    let kept = |talk: &Talk<'_>| {
        let text = |payload: &veche_protocol::payload::Payload| {
            String::from_utf8_lossy(payload.bytes()).into_owned()
        };
        (
            talk.session.info.as_deref().map(text),
            talk.session.meta().map(text),
        )
    };
    assert_eq!(kept(&talk), (Some("1".into()), Some("2".into())));
    talk.play("@ 100s");
    talk.play("~ 3 granted expire=200 info=3 meta=4");
    assert_eq!(kept(&talk), (Some("3".into()), Some("4".into())));
}

#[test]
fn a_client_that_brings_a_token_all_the_same_is_disconnected() {
    let connected = "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < 1 connected ping 0 pong
        > 2 subscribe news token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=news
        < ask 4 enter news
        ~ 4 done
        < 2 subscribed
        < attach news
    ";
    for command in ["refresh N", "sub_refresh news token=N"] {
        let script = format!("{connected}\n> 3 {command}\n< detach news\n< close 3501 bad request");
        check_with(Profile::WEBSOCKET, &asking(), &script);
    }
}

/// Anna is subscribed to `news` until second 10, which she is not told; the tick comes between seconds 13 and 27, and
/// then every 27.
fn check_subscribed(script: &str) {
    let script = format!(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < 1 connected ping 0 pong
        > 2 subscribe news token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=news expire=10
        < ask 4 enter news
        ~ 4 done
        < 2 subscribed
        < attach news
        @ 27s
        < ask 5 app sub_refresh news by default
        {script}
    "
    );
    check_with(Profile::WEBSOCKET, &asking(), &script);
}

#[test]
fn the_application_prolongs_a_subscription_once_or_for_ever() {
    check_subscribed(
        "
        @ 81s
        ~ 5 granted expire=100
        @ 99s
        @ 127s
        < ask 6 app sub_refresh news by default
        ~ 6 granted info={\"a\":1}
        @ 1000s
        > 3 unsubscribe news
        < detach news
        < 3 unsubscribed
    ",
    );
}

#[test]
fn the_application_ends_a_subscription_or_the_connection() {
    for answer in ["granted expired", "granted expire=5"] {
        check_subscribed(&format!(
            "
            ~ 5 {answer}
            < detach news
            < push news unsubscribed 2501 subscription expired
        "
        ));
    }
    check_subscribed(
        "
        ~ 5 disconnect=4600
        < detach news
        < close 4600 says the application
    ",
    );
}

#[test]
fn a_failure_or_an_error_does_not_end_a_subscription() {
    for (answer, told) in [
        ("failed", ""),
        (
            "error=404",
            "< tell refused sub_refresh \"news\" of \"anna\" 100 sub_refresh_proxy [] the application's answer has the error 404: it does not say \"expired\"",
        ),
    ] {
        check_subscribed(&format!(
            "
            ~ 5 {answer}
            {told}
            @ 56s
            @ 114s
            < ask 6 app sub_refresh news by default
            ~ 6 granted expire=1000
            @ 999s
        "
        ));
    }
}

#[test]
fn an_answer_about_a_subscription_that_was_given_up_is_dropped() {
    check_subscribed(
        "
        > 3 unsubscribe news
        < detach news
        < 3 unsubscribed
        ~ 5 granted expired
        > 4 subscribe news
        < ask 7 enter news
        ~ 7 done
        < 4 subscribed
        < attach news
        ~ 5 granted expired
    ",
    );
    check_subscribed(
        "
        > 3 unsubscribe news
        < detach news
        < 3 unsubscribed
        > 4 subscribe news
        < ask 7 enter news
        ~ 7 done
        < 4 subscribed
        < attach news
        ~ 5 granted expired
        x
        < detach news
    ",
    );
    // The next one in the channel is asked about, whatever is owed about the last.
    check_subscribed(
        "
        > 3 unsubscribe news
        < detach news
        < 3 unsubscribed
        > 4 subscribe news token=S
        < ask 7 subscription_token S
        ~ 7 claims user=anna channel=news expire=30
        < ask 8 enter news
        ~ 8 done
        < 4 subscribed
        < attach news
        @ 54s
        < ask 9 app sub_refresh news by default
        ~ 5 granted expired
        ~ 9 granted
    ",
    );
    check_subscribed("~ 5 wrong\n< detach news\n< close 3004 internal server error");
}

#[test]
fn where_the_server_made_the_subscription_its_end_is_the_connections() {
    check_with(
        Profile::WEBSOCKET,
        &asking(),
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna sub=news sub_expire=10
        < tell connected \"anna\"
        < ask 3 enter news
        ~ 3 done
        < 1 connected ping 0 pong [news]
        < attach news
        @ 27s
        < ask 4 app sub_refresh news by default
        ~ 4 granted expire=60
        @ 85s
        < ask 5 app sub_refresh news by default
        ~ 5 granted expired
        < detach news
        < close 3006 subscription expired
    ",
    );
}
