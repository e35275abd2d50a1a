//! Who may subscribe, and to what it leads.

use std::sync::Arc;

use super::harness::Talk;
use super::{check, check_with, options, rules};
use crate::profile::Profile;
use crate::rules::{ChannelOptions, ChannelPattern, Rules};

/// Anna has connected; numbers of questions begin at 2.
fn check_anna(rules: &Rules, script: &str) {
    check_with(
        Profile::WEBSOCKET,
        rules,
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

fn check_nobody(rules: &Rules, script: &str) {
    check_with(
        Profile::WEBSOCKET,
        rules,
        &format!(
            "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25 pong
        {script}
    "
        ),
    );
}

/// Rules in which namespace `ns` has these options.
fn with_namespace(change: impl FnOnce(&mut ChannelOptions)) -> Rules {
    rules(|rules| {
        let mut options = ChannelOptions {
            namespace: "ns".into(),
            ..ChannelOptions::default()
        };
        change(&mut options);
        rules
            .channel
            .namespaces
            .insert("ns".into(), Arc::new(options));
    })
}

#[test]
fn nothing_of_a_channel_comes_before_the_reply() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.presence = true;
            options.join_leave = true;
        })
    });
    check_anna(
        &rules,
        "
        > 2 subscribe chat
        < ask 3 enter chat
        ~ 3 done
        < ask 4 add_presence chat \"anna\"
        ~ delivers chat :0
        ~ 4 done
        < 2 subscribed
        < push chat publication 0
        < attach chat
        < tell join chat \"anna\"
    ",
    );
}

#[test]
fn the_namespace_decides_who_may_subscribe() {
    check_nobody(&with_namespace(|_| {}), "
        > 2 subscribe ns:chat
        < 2 error 103: channel \"ns:chat\" needs a subscription token: namespace \"ns\" does not allow clients to subscribe (channel.namespaces[ns].allow_subscribe_for_client)
    ");
    let for_users = with_namespace(|options| options.allow_subscribe_for_client = true);
    check_nobody(&for_users, "
        > 2 subscribe ns:chat
        < 2 error 103: channel \"ns:chat\" needs a subscription token: namespace \"ns\" does not allow anonymous subscribers (channel.namespaces[ns].allow_subscribe_for_anonymous)
    ");
    check_anna(
        &for_users,
        "
        > 2 subscribe ns:chat
        < ask 3 enter ns:chat
        ~ 3 done
        < 2 subscribed
        < attach ns:chat
    ",
    );
    check_anna(
        &for_users,
        "
        > 2 subscribe other:chat
        < 2 error 102: namespace \"other\" does not exist (channel.namespaces)
    ",
    );
}

#[test]
fn insecure_clients_subscribe_to_all_but_private_channels() {
    let rules = with_namespace(|options| options.allow_user_limited_channels = true);
    let rules = Rules {
        client: crate::rules::ClientRules {
            insecure: true,
            ..rules.client
        },
        ..rules
    };
    check_nobody(&rules, "
        > 2 subscribe ns:room#bob
        < ask 2 enter ns:room#bob
        ~ 2 done
        < 2 subscribed
        < attach ns:room#bob
        > 3 subscribe $ns:chat
        < 3 error 103: channel \"$ns:chat\" needs a subscription token: its name begins with \"$\" (channel.private_prefix)
    ");
}

#[test]
fn a_user_limited_channel_is_for_those_in_its_name_alone() {
    let rules = with_namespace(|options| {
        options.allow_user_limited_channels = true;
        options.allow_subscribe_for_client = true;
    });
    check_anna(&rules, "
        > 2 subscribe ns:room#bob,anna
        < ask 3 enter ns:room#bob,anna
        ~ 3 done
        < 2 subscribed
        < attach ns:room#bob,anna
        > 3 subscribe ns:room#bob
        < 3 error 103: channel \"ns:room#bob\" needs a subscription token: its name does not list user \"anna\" after \"#\" (channel.user_boundary)
    ");
}

#[test]
fn names_are_checked_in_the_order_length_then_namespace_then_letters() {
    let long = "x".repeat(256);
    check_nobody(&rules(|_| {}), &format!("
        > 2 subscribe no:{long}
        < 2 error 107: the channel's name has 259 bytes; at most 255 are taken (channel.max_length)
        > 3 subscribe чат
        < 3 error 107: channel \"чат\" is not ASCII; channel.without_namespace.channel_regex would allow it
    "));
    let pattern = with_namespace(|options| {
        options.allow_subscribe_for_client = true;
        options.channel_regex = Some(ChannelPattern {
            text: "^ч".into(),
            is_match: Arc::new(|rest| rest.starts_with('ч')),
        });
    });
    check_anna(
        &pattern,
        "
        > 2 subscribe ns:чат
        < ask 3 enter ns:чат
        > 3 subscribe ns:chat
        < 3 error 107: \"chat\" is not allowed by channel.namespaces[ns].channel_regex
    ",
    );
}

#[test]
fn a_channel_without_name_and_an_unknown_delta_violate_the_protocol() {
    for bad in [
        "subscribe",
        "subscribe chat delta=bsdiff",
        "unsubscribe",
        "publish",
        "history",
        "presence",
        "presence_stats",
        "sub_refresh",
        "refresh",
    ] {
        check_nobody(
            &rules(|_| {}),
            &format!(
                "
            > 2 {bad}
            < close 3501 bad request
        "
            ),
        );
    }
}

#[test]
fn a_delta_that_is_not_allowed_is_not_granted_and_harms_nothing() {
    check_nobody(
        &rules(|_| {}),
        "
        > 2 subscribe chat delta=fossil
        < ask 2 enter chat
        ~ 2 done
        < 2 subscribed
        < attach chat
    ",
    );
}

#[test]
fn other_types_of_subscription_are_refused_on_streams() {
    check_nobody(
        &rules(|_| {}),
        "
        > 2 subscribe chat type=1
        < 2 error 103: the channel is a stream, not a map (subscription_type)
        > 3 subscribe chat type=3
        < 3 error 103: the channel is a stream, not a map (subscription_type)
        > 4 subscribe chat type=4
        < 4 error 108: the channel is no shared poll (subscription_type)
        > 5 subscribe chat type=9
        < 5 error 107: there is no subscription type 9
        > 6 subscribe chat type=-1
        < ask 2 enter chat
    ",
    );
}

#[test]
fn a_channel_is_subscribed_to_once_and_only_so_many_are() {
    let rules = rules(|rules| rules.client.channel_limit = 2);
    check_nobody(
        &rules,
        "
        > 2 subscribe chat
        < ask 2 enter chat
        > 3 subscribe chat
        < 3 error 105
        ~ 2 done
        < 2 subscribed
        < attach chat
        > 4 subscribe chat
        < 4 error 105
        > 5 subscribe news
        < ask 4 enter news
        > 6 subscribe more
        < 6 error 106: a connection has at most 2 channels (client.channel_limit)
    ",
    );
}

#[test]
fn a_token_opens_a_private_channel_and_says_how() {
    let rules = rules(|rules| options(rules, |options| options.allow_subscribe_for_client = false));
    check_anna(&rules, "
        > 2 subscribe $chat token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=$chat expire=60 chan_info={} data=[] presence=true join_leave=true push_join_leave=true positioned=true
        < ask 4 enter $chat
        ~ 4 done
        < ask 5 add_presence $chat \"anna\" chan_info {}
        ~ 5 done
        < ask 6 history $chat limit 0
        ~ 6 top e:5
        < 2 subscribed for 60s positioned at e:5 data []
        < attach $chat after e:5 join_leave
        < tell join $chat \"anna\" chan_info {}
    ");
}

#[test]
fn a_token_takes_the_place_of_the_namespace_options_it_names() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.force_recovery = true;
            options.presence = true;
        })
    });
    check_anna(
        &rules,
        "
        > 2 subscribe chat token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=chat recovery=false presence=false
        < ask 4 enter chat
        ~ 4 done
        < 2 subscribed
        < attach chat
    ",
    );
}

#[test]
fn a_token_that_is_not_accepted_is_an_error_and_leaves_nothing() {
    check_anna(
        &rules(|_| {}),
        "
        > 2 subscribe chat token=S
        < ask 3 subscription_token S
        ~ 3 expired
        < 2 error 109: the token's time is not now, it expired 5 s ago: get a new one
        > 3 subscribe chat token=S
        < ask 5 subscription_token S
        ~ 5 invalid
        < 3 error 103: bad signature
        > 4 subscribe chat token=S
        < ask 7 subscription_token S
        ~ 7 claims user=anna channel=chat expire=-1
        < 4 error 110: the subscription's time (expire_at) has run out
        > 5 subscribe chat token=S
        < ask 9 subscription_token S
        ~ 9 claims user=anna channel=no:where
        < 5 error 102: the token is for channel \"no:where\", whose namespace does not exist
    ",
    );
}

#[test]
fn a_token_for_another_channel_user_or_connection_ends_the_connection() {
    for claims in [
        "user=anna channel=news",
        "user=bob channel=chat",
        "user=anna channel=chat client=x",
    ] {
        check_anna(
            &rules(|_| {}),
            &format!(
                "
            > 2 subscribe chat token=S
            < ask 3 subscription_token S
            ~ 3 claims {claims}
            < close 3500 invalid token
        "
            ),
        );
    }
    check_anna(
        &rules(|_| {}),
        "
        > 2 subscribe chat token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=chat client=07070707-0707-4707-8707-070707070707
        < ask 4 enter chat
    ",
    );
}

#[test]
fn what_a_client_asks_for_is_granted_only_as_far_as_it_may_have_it() {
    check_nobody(
        &rules(|_| {}),
        "
        > 2 subscribe chat positioned recoverable join_leave
        < ask 2 enter chat
        ~ 2 done
        < 2 subscribed
        < attach chat
    ",
    );
    let allowed = rules(|rules| {
        options(rules, |options| {
            options.allow_recovery = true;
            options.join_leave = true;
            options.allow_presence_for_subscriber = true;
            options.allow_presence_for_anonymous = true;
        })
    });
    check_nobody(
        &allowed,
        "
        > 2 subscribe chat positioned recoverable join_leave
        < ask 2 enter chat
        ~ 2 done
        < ask 3 history chat limit 0
        ~ 3 top e:5
        < 2 subscribed positioned recoverable at e:5
        < attach chat after e:5 join_leave
        < tell join chat \"\"
    ",
    );
    let readers = rules(|rules| {
        options(rules, |options| {
            options.allow_history_for_subscriber = true;
            options.join_leave = true;
        })
    });
    check_nobody(
        &readers,
        "
        > 2 subscribe chat positioned join_leave
        < ask 2 enter chat
        ~ 2 done
        < 2 subscribed
        < attach chat
        < tell join chat \"\"
    ",
    );
    check_anna(
        &readers,
        "
        > 2 subscribe chat positioned join_leave
        < ask 3 enter chat
        ~ 3 done
        < ask 4 history chat limit 0
        ~ 4 top e:5
        < 2 subscribed positioned at e:5
        < attach chat after e:5
        < tell join chat \"anna\"
    ",
    );
}

#[test]
fn filters_are_refused_where_they_are_off_or_make_no_sense() {
    check_nobody(
        &rules(|_| {}),
        "
        > 2 subscribe chat filter=a:b
        < 2 error 107: filters are off here (channel.without_namespace.allow_tags_filter)
    ",
    );
    let rules = rules(|rules| options(rules, |options| options.allow_tags_filter = true));
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    let refused = talk.play("> 2 subscribe chat filter=a:nonsense");
    assert!(
        refused
            .first()
            .is_some_and(|line| line.starts_with("< 2 error 107: ")),
        "{refused:?}"
    );
    check_nobody(
        &rules,
        "
        > 2 subscribe chat filter=a:b
        < ask 2 enter chat
        ~ delivers chat :0 a=b
        ~ delivers chat :0 a=c
        ~ 2 done
        < 2 subscribed
        < push chat publication 0
        < attach chat filtered
    ",
    );
}

#[test]
fn names_of_events_filter_without_permission() {
    check_nobody(
        &rules(|_| {}),
        "
        > 2 subscribe chat event=typing event=message
        < ask 2 enter chat
        ~ delivers chat :0 event=typing
        ~ delivers chat :0 event=moved
        ~ delivers chat :0
        ~ 2 done
        < 2 subscribed
        < push chat publication 0
        < push chat publication 0
        < attach chat filtered
    ",
    );
}

#[test]
fn a_failing_engine_is_an_error_that_may_pass() {
    let rules = rules(|rules| {
        options(rules, |options| {
            options.presence = true;
            options.force_positioning = true;
        })
    });
    check_nobody(
        &rules,
        "
        > 2 subscribe chat
        < ask 2 enter chat
        ~ 2 failed
        < detach chat
        < 2 error 100
        > 3 subscribe chat
        < ask 4 enter chat
        ~ 4 done
        < ask 5 add_presence chat \"\"
        ~ 5 failed
        < detach chat
        < tell remove_presence chat \"\"
        < 3 error 100
        > 4 subscribe chat
        < ask 7 enter chat
        ~ 7 done
        < ask 8 add_presence chat \"\"
        ~ 8 done
        < ask 9 history chat limit 0
        ~ 9 failed
        < detach chat
        < tell remove_presence chat \"\"
        < 4 error 100
    ",
    );
}

#[test]
fn commands_wait_for_connect_and_for_each_other() {
    let mut rules = rules(|_| {});
    rules.client.concurrency = 2;
    let mut talk = Talk::new(Profile::WEBSOCKET, &rules);
    let turn = crate::turn::Turn {
        now: crate::turn::Now::default(),
        rules: &rules,
    };
    assert!(talk.session.accepts_command(&turn));
    talk.play("> 1 connect token=T");
    assert!(
        !talk.session.accepts_command(&turn),
        "connect is being answered"
    );
    talk.play("~ 1 claims user=anna");
    talk.play("> 2 subscribe a");
    assert!(talk.session.accepts_command(&turn), "one of two");
    talk.play("> 3 subscribe b");
    assert!(!talk.session.accepts_command(&turn), "two of two");
    talk.play("~ 3 done");
    assert!(talk.session.accepts_command(&turn), "one was answered");
}

#[test]
fn a_session_is_small() {
    assert!(
        size_of::<crate::session::Session>() <= 256,
        "{}",
        size_of::<crate::session::Session>()
    );
    check(
        "
        @ 1s
    ",
    );
}
