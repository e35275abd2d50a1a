//! `publish` where the application decides what is published.

use std::time::Duration;

use veche_protocol::publication::Retention;

use super::{check_as_anna, options, rules};
use crate::rules::{ChannelOptions, DataFormat, Rules};

/// The application is asked about channels without namespace; in `open:` all clients may publish.
fn asking(change: impl FnOnce(&mut ChannelOptions)) -> Rules {
    rules(|rules| {
        rules.client.ping_interval = None;
        rules.client.concurrency = 8;
        options(rules, |options| {
            options.allow_publish_for_client = true;
            options.retention = Some(Retention {
                size: 10,
                ttl: Duration::from_secs(60),
                meta_ttl: Duration::from_secs(60),
            });
        });
        let open = rules.channel.without_namespace.clone();
        rules.channel.namespaces.insert("open".into(), open);
        options(rules, |options| {
            options.publish_proxy = Some("default".into());
            options.allow_publish_for_client = false;
            change(options);
        });
    })
}

fn check(script: &str) {
    check_as_anna(&asking(|_| {}), script);
}

#[test]
fn the_application_allows_a_publication_that_no_switch_allows() {
    check(
        "
        > 2 publish news data=[1] event=move key=k
        < ask 3 app publish news [1] by default
        ~ 3 granted
        < ask 4 publish news [1] by \"anna\" event move keep 10 once as k of \"anna\"
        ~ 4 published e:5
        < 2 published e:5
    ",
    );
}

#[test]
fn the_application_changes_what_is_published_and_how() {
    check(
        "
        > 2 publish news data=[1] event=move key=k
        < ask 3 app publish news [1] by default
        ~ 3 granted data=[2] skip_history tag=event:go tag=a:b key=own delta version=7 version_epoch=x
        < ask 4 publish news [2] by \"anna\" event go tags a=b event=go once as own of the backend delta version 7 x
        ~ 4 published e:0
        < 2 published e:0
    ",
    );
}

#[test]
fn the_application_refuses_by_an_error_or_a_disconnect_and_nothing_is_published() {
    check(
        "
        > 2 publish news data=1
        < ask 3 app publish news 1 by default
        ~ 3 error=402
        < 2 error 402
        > 3 publish news data=1
        < ask 5 app publish news 1 by default
        ~ 5 failed
        < 3 error 100
        > 4 publish news data=1
        < ask 7 app publish news 1 by default
        ~ 7 disconnect=4500
        < close 4500 says the application
    ",
    );
}

#[test]
fn answers_that_cannot_be_used_publish_nothing_and_are_told_to_the_operator() {
    let rules = asking(|options| options.data_format = DataFormat::JsonObject);
    let key = "k".repeat(257);
    check_as_anna(
        &rules,
        &format!(
            "
        > 2 publish news data={{}}
        < ask 3 app publish news {{}} by default
        ~ 3 granted data=[1]
        < tell refused publish \"news\" of \"anna\" 100 publish_proxy [] the application's answer has data that the channel does not take (channel.without_namespace.publication_data_format)
        < 2 error 100: the application's answer cannot be used; try again later
        > 3 publish news data={{}}
        < ask 5 app publish news {{}} by default
        ~ 5 granted key={key}
        < tell refused publish \"news\" of \"anna\" 100 publish_proxy [] the application's answer has a bad key: the idempotency key has 257 bytes; at most 256 are allowed
        < 3 error 100: the application's answer cannot be used; try again later
        > 4 publish news data={{}}
        < ask 7 app publish news {{}} by default
        ~ 7 error=1
        < tell refused publish \"news\" of \"anna\" 100 publish_proxy [] the application's answer has the error code 1: its errors are 400 to 1999
        < 4 error 100: the application's answer cannot be used; try again later
        > 5 publish news data=1
        < tell refused publish \"news\" of \"anna\" 107 data_format [channel.without_namespace.publication_data_format] data is not one JSON object, as channels without a namespace want it (channel.without_namespace.publication_data_format) => send one JSON object
        < 5 error 107: data is not one JSON object, as channels without a namespace want it (channel.without_namespace.publication_data_format)
    "
        ),
    );
}

#[test]
fn publications_of_one_client_keep_their_order_however_late_the_answers_come() {
    check(
        "
        > 2 publish news data=1
        < ask 3 app publish news 1 by default
        > 3 publish news data=2
        < ask 5 app publish news 2 by default
        > 4 publish open:a data=3
        > 5 publish news data=4
        < ask 7 app publish news 4 by default
        ~ 7 granted data=44
        ~ 5 error=403
        ~ 3 granted
        < ask 8 publish news 1 by \"anna\" keep 10
        < 3 error 403
        < ask 9 publish open:a 3 by \"anna\" keep 10
        < ask 10 publish news 44 by \"anna\" keep 10
        > 6 publish open:a data=5
        < ask 11 publish open:a 5 by \"anna\" keep 10
        ~ 8 published e:1
        < 2 published e:1
    ",
    );
}

#[test]
fn a_disconnect_drops_what_waits_behind_it() {
    check(
        "
        > 2 publish news data=1
        < ask 3 app publish news 1 by default
        > 3 publish open:a data=2
        > 4 publish news data=3
        < ask 5 app publish news 3 by default
        ~ 5 granted
        ~ 3 disconnect=4000
        < close 4000 says the application
        ~ 5 granted
    ",
    );
}

#[test]
fn answers_that_come_late_twice_or_to_another_question_publish_nothing() {
    check(
        "
        > 2 publish news data=1
        < ask 3 app publish news 1 by default
        > 3 publish news data=2
        < ask 5 app publish news 2 by default
        ~ 3 granted
        < ask 6 publish news 1 by \"anna\" keep 10
        ~ 3 granted
        ! disconnect 3001
        < close 3001 as ordered
        ~ 5 granted
        ~ 6 published e:1
    ",
    );
    check(
        "
        > 2 publish news data=1
        < ask 3 app publish news 1 by default
        ~ 3 wrong
        < close 3004 internal server error
    ",
    );
}

#[test]
fn a_subscriber_that_leaves_meanwhile_publishes_as_it_was_when_it_asked() {
    check(
        "
        > 2 subscribe news token=S
        < ask 3 subscription_token S
        ~ 3 claims user=anna channel=news chan_info={}
        < ask 4 enter news
        ~ 4 done
        < 2 subscribed
        < attach news
        > 3 publish news data=1
        < ask 6 app publish news 1 by default
        > 4 unsubscribe news
        < detach news
        < 4 unsubscribed
        ~ 6 granted
        < ask 7 publish news 1 by \"anna\" chan_info {} keep 10
    ",
    );
}
