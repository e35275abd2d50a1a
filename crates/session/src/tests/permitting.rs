//! `subscribe` where the application decides.

use super::{check_as_anna, check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{ChannelOptions, Rules};

/// The application is asked about channels without namespace; `client:` are open to all.
fn asking(change: impl FnOnce(&mut ChannelOptions)) -> Rules {
    rules(|rules| {
        rules.client.ping_interval = None;
        rules.client.concurrency = 4;
        let open = rules.channel.without_namespace.clone();
        rules.channel.namespaces.insert("open".into(), open);
        options(rules, |options| {
            options.subscribe_proxy = Some("default".into());
            change(options);
        });
    })
}

fn check(script: &str) {
    check_as_anna(&asking(|_| {}), script);
}

#[test]
fn the_application_allows_a_subscription_and_says_how() {
    check(
        "
        > 2 subscribe news data={\"a\":1}
        < ask 3 app subscribe news by default data {\"a\":1}
        ~ 3 granted chan_info={} data=[7] sub_expire=60 presence=true recovery=true
        < ask 4 enter news
        ~ 4 done
        < ask 5 add_presence news \"anna\" chan_info {}
        ~ 5 done
        < ask 6 history news limit 0
        ~ 6 page e:3
        < 2 subscribed for 60s positioned recoverable at e:3 data [7]
        < attach news after e:3
    ",
    );
}

#[test]
fn what_the_client_wishes_of_position_and_recovery_does_not_count_but_deltas_and_filters_do() {
    let rules = asking(|options| {
        options.allow_positioning = true;
        options.allow_recovery = true;
        options.force_positioning = true;
        options.allow_tags_filter = true;
        options.allow_fossil_delta = true;
    });
    check_as_anna(
        &rules,
        "
        > 2 subscribe news recoverable positioned filter=a:b delta=fossil
        < ask 3 app subscribe news by default
        ~ 3 granted
        < ask 4 enter news
        ~ 4 done
        < ask 5 history news limit 0
        ~ 5 page e:3
        < 2 subscribed positioned at e:3 delta
        < attach news after e:3 filtered delta
    ",
    );
}

#[test]
fn the_application_refuses_by_an_error_or_a_disconnect_and_leaves_nothing() {
    check(
        "
        > 2 subscribe news
        < ask 3 app subscribe news by default
        ~ 3 error=403
        < 2 error 403
        > 3 subscribe news
        < ask 5 app subscribe news by default
        ~ 5 failed
        < 3 error 100
        > 4 subscribe news
        < ask 7 app subscribe news by default
        ~ 7 granted sub_expire=-1
        < 4 error 110: the subscription's time (expire_at) has run out
        > 5 subscribe news
        < ask 9 app subscribe news by default
        ~ 9 disconnect=4444
        < close 4444 says the application
    ",
    );
    check(
        "
        > 2 subscribe news
        < ask 3 app subscribe news by default
        ~ 3 error=2000
        < tell refused subscribe \"news\" of \"anna\" 100 subscribe_proxy [] the application's answer has the error code 2000: its errors are 400 to 1999
        < 2 error 100: the application's answer cannot be used; try again later
    ",
    );
}

#[test]
fn it_is_not_asked_about_tokens_private_channels_and_names_that_list_users() {
    let rules = asking(|options| options.allow_user_limited_channels = true);
    check_as_anna(
        &rules,
        "
        > 2 subscribe news token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=news
        < ask 4 enter news
        ~ 4 done
        < 2 subscribed
        < attach news
        > 3 subscribe $news
        < 3 error 103: channel \"$news\" needs a subscription token: its name begins with \"$\" (channel.private_prefix)
        > 4 subscribe room#anna
        < ask 6 enter room#anna
        ~ 6 done
        < 4 subscribed
        < attach room#anna
        > 5 subscribe room#bob
        < 5 error 103: channel \"room#bob\" needs a subscription token: its name does not list user \"anna\" after \"#\" (channel.user_boundary)
    ",
    );
}

#[test]
fn channels_that_connect_asks_for_are_not_made_where_the_application_decides() {
    check_with(
        Profile::WEBSOCKET,
        &asking(|options| options.allow_user_limited_channels = true),
        "
        > 1 connect sub=news sub=room#anna sub=open:news token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna
        < tell connected \"anna\"
        < ask 3 enter open:news
        ~ 3 done
        < 1 connected ping 0 pong [open:news]
        < attach open:news
    ",
    );
}

#[test]
fn who_unsubscribes_while_the_application_is_asked_is_answered_after_it() {
    check(
        "
        > 2 subscribe news
        < ask 3 app subscribe news by default
        > 3 unsubscribe news
        ~ 3 granted
        < ask 4 enter news
        ~ 4 done
        < 2 subscribed
        < attach news
        < detach news
        < 3 unsubscribed
        > 4 subscribe news
        < ask 6 app subscribe news by default
        > 5 unsubscribe news
        > 6 subscribe news
        < 6 error 105
        ~ 6 error=403
        < 4 error 403
        < 5 unsubscribed
        ~ 6 granted
    ",
    );
}

#[test]
fn an_answer_that_comes_late_twice_or_to_another_question_makes_no_subscription() {
    check(
        "
        > 2 subscribe news
        < ask 3 app subscribe news by default
        x
        ~ 3 granted
    ",
    );
    check(
        "
        > 2 subscribe news
        < ask 3 app subscribe news by default
        ~ 3 granted
        < ask 4 enter news
        ~ 3 granted
        ~ 3 disconnect=4000
        ~ 4 done
        < 2 subscribed
        < attach news
    ",
    );
    check(
        "
        > 2 subscribe news
        < ask 3 app subscribe news by default
        ~ 3 wrong
        < close 3004 internal server error
    ",
    );
}

#[test]
fn two_subscriptions_are_decided_in_any_order() {
    check(
        "
        > 2 subscribe a
        < ask 3 app subscribe a by default
        > 3 subscribe b
        < ask 5 app subscribe b by default
        > 4 subscribe open:c
        < ask 7 enter open:c
        ~ 7 done
        < 4 subscribed
        < attach open:c
        ~ 5 error=403
        < 3 error 403
        ~ 3 granted
        < ask 8 enter a
        ! unsubscribe a
        ~ 8 done
        < 2 subscribed
        < attach a
        < detach a
        < push a unsubscribed 2000 server unsubscribe
    ",
    );
}
