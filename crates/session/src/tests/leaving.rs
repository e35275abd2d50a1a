//! Unsubscribing, losing, and being gone; also in the middle of something.

use super::{check, check_with, options, rules};
use crate::profile::Profile;
use crate::rules::Rules;

fn present() -> Rules {
    rules(|rules| {
        rules.client.concurrency = 8;
        options(rules, |options| {
            options.presence = true;
            options.join_leave = true;
        });
    })
}

/// A client is subscribed to `chat`; question 4 is next but one.
fn check_present(script: &str) {
    check_with(
        Profile::WEBSOCKET,
        &present(),
        &format!(
            "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe chat
        < ask 2 enter chat
        ~ 2 done
        < ask 3 add_presence chat \"\"
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"\"
        {script}
    "
        ),
    );
}

#[test]
fn unsubscribing_leaves_the_channel_before_others_hear_of_it() {
    check_present(
        "
        > 3 unsubscribe chat
        < detach chat
        < tell remove_presence chat \"\"
        < tell leave chat \"\"
        < 3 unsubscribed
        > 4 unsubscribe chat
        < 4 unsubscribed
        > 5 unsubscribe no:where
        < 5 unsubscribed
        > 6 subscribe chat
        < ask 5 enter chat
    ",
    );
}

#[test]
fn a_client_that_is_gone_leaves_its_channels_and_nothing_is_sent() {
    check_present(
        "
        x
        < detach chat
        < tell remove_presence chat \"\"
        < tell leave chat \"\"
        x
        ! message data={}
        > 3 unsubscribe chat
        @ 100s
    ",
    );
}

#[test]
fn whoever_is_closed_has_left_first() {
    check_present(
        "
        ! disconnect 3503
        < detach chat
        < tell remove_presence chat \"\"
        < tell leave chat \"\"
        < close 3503 as ordered
        x
    ",
    );
}

#[test]
fn an_unsubscribe_in_the_middle_of_subscribing_is_answered_after_it() {
    check_with(
        Profile::WEBSOCKET,
        &present(),
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe chat
        < ask 2 enter chat
        > 3 unsubscribe chat
        > 4 subscribe chat
        < 4 error 105
        ~ 2 done
        < ask 3 add_presence chat \"\"
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"\"
        < detach chat
        < tell remove_presence chat \"\"
        < tell leave chat \"\"
        < 3 unsubscribed
        > 5 subscribe chat
        < ask 5 enter chat
        ~ 5 failed
        < detach chat
        < 5 error 100
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &present(),
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe chat
        < ask 2 enter chat
        > 3 unsubscribe chat
        ~ 2 failed
        < detach chat
        < 2 error 100
        < 3 unsubscribed
    ",
    );
}

#[test]
fn a_connection_that_ends_while_subscribing_takes_everything_back() {
    let begin = "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe chat
        < ask 2 enter chat";
    check_with(
        Profile::WEBSOCKET,
        &present(),
        &format!(
            "{begin}
        x
        < detach chat
        ~ 2 done
        ~ 2 done
    "
        ),
    );
    check_with(
        Profile::WEBSOCKET,
        &present(),
        &format!(
            "{begin}
        x
        < detach chat
        ~ 2 failed
    "
        ),
    );
    check_with(
        Profile::WEBSOCKET,
        &present(),
        &format!(
            "{begin}
        ~ 2 done
        < ask 3 add_presence chat \"\"
        x
        < detach chat
        < tell remove_presence chat \"\"
        ~ 3 done
    "
        ),
    );
}

#[test]
fn late_answers_to_commands_are_dropped() {
    check(
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe chat token=S
        < ask 2 subscription_token S
        ! disconnect 3001
        < close 3001 as ordered
        ~ 2 claims channel=chat
    ",
    );
    check(
        "
        > 1 connect token=T
        < ask 1 connection_token T
        x
        ~ 1 claims user=anna
    ",
    );
    check(
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        > 2 subscribe chat token=S
        < ask 2 subscription_token S
        x
        ~ 2 claims channel=chat
    ",
    );
}

#[test]
fn lost_publications_end_a_subscription_of_the_client_and_a_connection_of_the_server() {
    check_present(
        "
        ! lost chat
        < detach chat
        < tell remove_presence chat \"\"
        < tell leave chat \"\"
        < push chat unsubscribed 2500 insufficient state
        ! lost chat
    ",
    );
    check(
        "
        > 1 connect sub=chat
        < tell connected \"\"
        < ask 2 enter chat
        ~ 2 done
        < 1 connected ping 25 pong [chat]
        < attach chat
        ! lost chat
        < detach chat
        < close 3010 insufficient state
    ",
    );
    check(
        "
        > 1 connect sub=chat
        < tell connected \"\"
        < ask 2 enter chat
        ! lost chat
        ~ 2 done
        < detach chat
        < close 3010 insufficient state
    ",
    );
}

#[test]
fn an_answer_to_another_question_is_not_trusted() {
    use crate::question::{Answer, Ask};
    let rules = rules(|_| {});
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect token=T");
    let turn = crate::turn::Turn {
        now: crate::turn::Now::default(),
        rules: &rules,
    };
    let mut effects = Vec::new();
    talk.session
        .handle_answer(Ask(1), Answer::Done(Ok(())), &turn, &mut effects);
    let shown: Vec<_> = effects.iter().map(super::harness::show).collect();
    assert_eq!(shown, ["close 3004 internal server error"]);
}
