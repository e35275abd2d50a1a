//! Pings, pongs, presence and time running out.

use std::time::Duration;

use super::{check, check_with, options, rules};
use crate::profile::Profile;

const CONNECT: &str = "
    > 1 connect
    < tell connected \"\"
    < 1 connected ping 25 pong";

#[test]
fn each_ping_has_one_pong() {
    check(&format!(
        "{CONNECT}
        > pong
        < close 3501 bad request
    "
    ));
    check(&format!(
        "{CONNECT}
        @ 12.4s
        @ 25s
        < ping
        > pong
        @ 45s
        < ping
        > pong
        > pong
        < close 3501 bad request
    "
    ));
}

#[test]
fn a_missing_pong_ends_the_connection() {
    check(&format!(
        "{CONNECT}
        @ 33s
        < ping
        < close 3012 no pong
        > pong
    "
    ));
}

#[test]
fn any_command_without_id_is_a_pong() {
    check(&format!(
        "{CONNECT}
        @ 25s
        < ping
        > 0 subscribe chat
        @ 36s
        > 0 ping
        < close 3501 bad request
    "
    ));
}

#[test]
fn a_command_that_asks_nothing_ends_the_connection() {
    check(&format!(
        "{CONNECT}
        > 2 nothing
        < close 3501 bad request
    "
    ));
}

#[test]
fn a_ping_beside_a_command_is_refused() {
    check(&format!(
        "{CONNECT}
        > 2 ping
        < 2 error 108
    "
    ));
}

#[test]
fn no_ping_and_no_pong_where_they_are_off() {
    let quiet = rules(|rules| {
        rules.client.ping_interval = None;
        rules.client.pong_timeout = None;
    });
    check_with(
        Profile::WEBSOCKET,
        &quiet,
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 0
        @ 1000s
    ",
    );
    let patient = rules(|rules| rules.client.pong_timeout = None);
    check_with(
        Profile::WEBSOCKET,
        &patient,
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 25
        @ 49s
        < ping
        < ping
    ",
    );
}

#[test]
fn frame_pings_are_answered_by_frames() {
    let rules = rules(|_| {});
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET_FRAME_PING, &rules);
    talk.play("> 1 connect");
    let turn = crate::turn::Turn {
        now: crate::turn::Now::default(),
        rules: &rules,
    };
    let mut effects = Vec::new();
    talk.session.handle_pong(&turn, &mut effects);
    assert_eq!(talk.play("@ 24s"), ["< ping"]);
    talk.session.handle_pong(&turn, &mut effects);
    talk.session.handle_pong(&turn, &mut effects);
    assert_eq!(effects, []);
    assert_eq!(talk.play("@ 33s"), Vec::<String>::new());
    assert_eq!(talk.play("@ 57s"), ["< ping", "< close 3012 no pong"]);
}

#[test]
fn a_pong_that_is_not_read_is_not_missed() {
    let rules = rules(|_| {});
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    talk.session.set_reading(false);
    assert_eq!(talk.play("@ 36s"), ["< ping"]);
    talk.session.set_reading(true);
    assert_eq!(talk.play("> pong"), Vec::<String>::new());
}

#[test]
fn pings_whose_pongs_were_not_read_have_one_pong_each() {
    let rules = rules(|_| {});
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    talk.session.set_reading(false);
    assert_eq!(talk.play("@ 51s"), ["< ping", "< ping"]);
    talk.session.set_reading(true);
    // Both pongs were sent in time, and are read one after the other.
    assert_eq!(talk.play("> pong"), Vec::<String>::new());
    assert_eq!(talk.play("> pong"), Vec::<String>::new());
    assert_eq!(talk.play("> pong"), ["< close 3501 bad request"]);

    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    talk.session.set_reading(false);
    assert_eq!(talk.play("@ 51s"), ["< ping", "< ping"]);
    talk.session.set_reading(true);
    assert_eq!(talk.play("> pong"), Vec::<String>::new());
    assert_eq!(
        talk.play("@ 60s"),
        ["< close 3012 no pong"],
        "the second is missing"
    );
}

#[test]
fn a_pong_that_may_have_come_unseen_is_awaited_as_long_again() {
    let rules = rules(|_| {});
    let mut talk = super::harness::Talk::new(Profile::WEBSOCKET, &rules);
    talk.play("> 1 connect");
    assert_eq!(talk.play("@ 25s"), ["< ping"]);
    let sent = talk.session.timers.at(crate::timers::Timer::Pong);
    let extended_at = |talk: &mut super::harness::Talk<'_>, secs: u64| {
        let turn = crate::turn::Turn {
            now: crate::turn::Now {
                monotonic: Duration::from_secs(secs),
                ..crate::turn::Now::default()
            },
            rules: &rules,
        };
        talk.session.extend_pong(&turn);
        talk.session.timers.at(crate::timers::Timer::Pong)
    };
    assert_eq!(extended_at(&mut talk, 25), sent, "it is not due yet");
    assert_eq!(extended_at(&mut talk, 34), Some(Duration::from_secs(42)));
    assert_eq!(talk.play("@ 36s"), Vec::<String>::new());
    let end = talk.play("@ 60s");
    assert_eq!(end.last().map(String::as_str), Some("< close 3012 no pong"));
}

#[test]
fn presence_is_kept_with_all_that_others_are_told() {
    let rules = rules(|rules| {
        rules.client.ping_interval = None;
        options(rules, |options| options.presence = true);
    });
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna info={}
        < tell connected \"anna\"
        < 1 connected ping 0 pong
        > 2 subscribe chat token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=chat chan_info=7
        < ask 4 enter chat
        ~ 4 done
        < ask 5 add_presence chat \"anna\" conn_info {} chan_info 7
        ~ 5 done
        < 2 subscribed
        < attach chat
        @ 27s
        < tell keep_presence chat \"anna\" conn_info {} chan_info 7
        @ 53s
        < tell keep_presence chat \"anna\" conn_info {} chan_info 7
    ",
    );
}

#[test]
fn presence_is_kept_while_the_subscription_lives() {
    let rules = rules(|rules| {
        rules.client.ping_interval = None;
        options(rules, |options| options.presence = true);
    });
    check_with(
        Profile::WEBSOCKET,
        &rules,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna info={}
        < tell connected \"anna\"
        < 1 connected ping 0 pong
        > 2 subscribe chat
        < ask 3 enter chat
        ~ 3 done
        < ask 4 add_presence chat \"anna\" conn_info {}
        ~ 4 done
        < 2 subscribed
        < attach chat
        @ 27s
        < tell keep_presence chat \"anna\" conn_info {}
        @ 53s
        < tell keep_presence chat \"anna\" conn_info {}
        > 3 unsubscribe chat
        < detach chat
        < tell remove_presence chat \"anna\"
        < 3 unsubscribed
        @ 1000s
    ",
    );
}

#[test]
fn an_expired_subscription_ends_at_a_tick_after_its_grace() {
    let quiet = rules(|rules| rules.client.ping_interval = None);
    check_with(
        Profile::WEBSOCKET,
        &quiet,
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 0 pong
        > 2 subscribe chat token=S
        < ask 2 subscription_token S
        ~ 2 claims channel=chat expire=10
        < ask 3 enter chat
        ~ 3 done
        < 2 subscribed for 10s
        < attach chat
        @ 35s
        @ 62s
        < detach chat
        < push chat unsubscribed 2501 subscription expired
    ",
    );
    check_with(
        Profile::WEBSOCKET,
        &quiet,
        "
        > 1 connect
        < tell connected \"\"
        < 1 connected ping 0 pong
        ! subscribe chat sub_expire=10
        < ask 2 enter chat
        ~ 2 done
        < push chat subscribed
        < attach chat
        @ 62s
        < detach chat
        < close 3006 subscription expired
    ",
    );
}

#[test]
fn an_expired_connection_ends_after_its_grace() {
    let quiet = rules(|rules| rules.client.ping_interval = None);
    check_with(
        Profile::WEBSOCKET,
        &quiet,
        "
        > 1 connect token=T
        < ask 1 connection_token T
        ~ 1 claims user=anna expire=60
        < tell connected \"anna\"
        < 1 connected for 60s ping 0 pong
        @ 84s
        @ 85s
        < close 3005 connection expired
    ",
    );
}
