//! What the server demands.

use super::{check_with, options, rules};
use crate::profile::Profile;

fn check_connected(script: &str) {
    let rules = rules(|rules| {
        rules.client.channel_limit = 2;
        options(rules, |options| options.join_leave = true);
    });
    check_with(
        Profile::WEBSOCKET,
        &rules,
        &format!(
            "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < 1 connected ping 25 pong
        {script}
    "
        ),
    );
}

#[test]
fn the_server_subscribes_and_tells() {
    check_connected(
        "
        ! subscribe chat positioned=true chan_info={}
        < ask 3 enter chat
        ~ 3 done
        < ask 4 history chat limit 0
        ~ delivers chat e:6
        ~ 4 top e:5
        < push chat subscribed at e:6
        < attach chat after e:6
        < tell join chat \"anna\" chan_info {}
        > 2 subscribe chat
        < 2 error 105
    ",
    );
}

#[test]
fn the_server_subscribes_from_a_position_and_what_was_missed_follows() {
    check_connected(
        "
        ! subscribe chat recovery=true since=e:3
        < ask 3 enter chat
        ~ 3 done
        < ask 4 history chat limit 300 since :3
        ~ delivers chat e:6
        ~ 4 top e:5 4 5
        < push chat subscribed recoverable at e:3
        < push chat publication 4
        < push chat publication 5
        < push chat publication 6
        < attach chat after e:6
        < tell join chat \"anna\"
    ",
    );
}

#[test]
fn a_subscription_that_is_there_already_is_replaced() {
    check_connected(
        "
        > 2 subscribe chat
        < ask 3 enter chat
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"anna\"
        ! subscribe chat join_leave=false
        < detach chat
        < tell leave chat \"anna\"
        < ask 5 enter chat
        ~ 5 done
        < push chat subscribed
        < attach chat
        ! lost chat
        < detach chat
        < close 3010 insufficient state
    ",
    );
}

#[test]
fn a_subscription_that_is_being_made_is_finished_and_then_replaced() {
    check_connected(
        "
        > 2 subscribe chat
        < ask 3 enter chat
        ! subscribe chat positioned=true
        ! subscribe chat join_leave=false
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"anna\"
        < detach chat
        < tell leave chat \"anna\"
        < ask 5 enter chat
        ~ 5 done
        < push chat subscribed
        < attach chat
    ",
    );
}

#[test]
fn of_orders_that_contradict_each_other_the_last_counts() {
    check_connected(
        "
        > 2 subscribe chat
        < ask 3 enter chat
        ! subscribe chat join_leave=false
        ! unsubscribe chat
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"anna\"
        < detach chat
        < tell leave chat \"anna\"
        < push chat unsubscribed 2000 server unsubscribe
    ",
    );
    check_connected(
        "
        > 2 subscribe chat
        < ask 3 enter chat
        ! unsubscribe chat
        ! subscribe chat join_leave=false
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"anna\"
        < detach chat
        < tell leave chat \"anna\"
        < push chat unsubscribed 2000 server unsubscribe
        < ask 5 enter chat
    ",
    );
}

#[test]
fn a_client_that_leaves_meanwhile_cancels_the_order_to_subscribe_again() {
    check_connected(
        "
        > 2 subscribe chat
        < ask 3 enter chat
        ! subscribe chat join_leave=false
        > 3 unsubscribe chat
        ~ 3 done
        < 2 subscribed
        < attach chat
        < tell join chat \"anna\"
        < detach chat
        < tell leave chat \"anna\"
        < 3 unsubscribed
        > 4 unsubscribe chat
        < 4 unsubscribed
    ",
    );
}

#[test]
fn what_can_not_be_subscribed_to_is_left_alone_and_too_much_ends_the_connection() {
    check_connected(
        "
        ! subscribe no:where
        ! subscribe chat sub_expire=-1
        ! subscribe a
        < ask 3 enter a
        ! subscribe b
        < ask 5 enter b
        ! subscribe c
        < detach a
        < detach b
        < close 3505 channel limit
    ",
    );
    check_connected(
        "
        ! subscribe a
        < ask 3 enter a
        ~ 3 failed
        < detach a
        < close 3004 internal server error
    ",
    );
}

#[test]
fn the_server_unsubscribes_from_one_channel_or_from_all() {
    check_connected(
        "
        > 2 subscribe a
        < ask 3 enter a
        ~ 3 done
        < 2 subscribed
        < attach a
        < tell join a \"anna\"
        > 3 subscribe b
        < ask 5 enter b
        ! unsubscribe nothing
        < push nothing unsubscribed 2000 server unsubscribe
        ! unsubscribe *
        < detach a
        < tell leave a \"anna\"
        < push a unsubscribed 2000 server unsubscribe
        ~ 5 done
        < 3 subscribed
        < attach b
        < tell join b \"anna\"
        < detach b
        < tell leave b \"anna\"
        < push b unsubscribed 2000 server unsubscribe
    ",
    );
}

#[test]
fn messages_reach_the_client_once_it_is_connected() {
    check_connected(
        "
        ! message data={}
        < push message {}
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &rules(|_| {}),
        "
        ! message data={}
        ! refresh expired
    ",
    );
}

#[test]
fn the_server_says_when_the_connection_ends() {
    check_connected("
        ! refresh expire=60 info={}
        < push refresh for 60s
        ! refresh
        < push refresh
        > 2 publish chat data=1
        < 2 error 103: channels without a namespace do not allow publishing by clients (channel.without_namespace.allow_publish_for_client)
        ! refresh expire=-1
        < close 3005 connection expired
    ");
    check_connected(
        "
        ! refresh expired
        < close 3005 connection expired
    ",
    );
}
