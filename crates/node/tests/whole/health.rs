//! What a node tells of itself: whether its workers live, and how much they have.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use veche_node::inbox::InboxLimits;
use veche_node::node::NodeConfig;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::rules::{ChannelOptions, ChannelPattern, Rules};

use crate::client::Client;
use crate::server::{Server, two_workers};

/// Longer than a worker that is not stuck ever needs.
const PATIENCE: Duration = Duration::from_secs(30);

fn is_alive(server: &Server, limit: Duration) -> bool {
    server.runtime.block_on(server.node.is_alive(limit))
}

/// Lets a worker stand still in the middle of a command, until the sender is dropped.
fn stick(server: &Server, client: &mut Client) -> mpsc::Sender<()> {
    let (entered, at_work) = mpsc::channel();
    let (release, stuck) = mpsc::channel::<()>();
    let (entered, stuck) = (Mutex::new(entered), Mutex::new(stuck));
    let pattern = move |_: &str| {
        let _ = entered.lock().expect("nobody panics").send(());
        // Ends when the test lets go.
        let _ = stuck.lock().expect("nobody panics").recv();
        true
    };
    let mut rules = Rules::clone(&server.node.rules());
    let options = ChannelOptions {
        namespace: "stuck".into(),
        channel_regex: Some(ChannelPattern {
            text: "stuck".into(),
            is_match: Arc::new(pattern),
        }),
        ..ChannelOptions::clone(&rules.channel.without_namespace)
    };
    let namespaces = &mut rules.channel.namespaces;
    namespaces.insert("stuck".into(), Arc::new(options));
    server.node.set_rules(rules);
    // A worker has the rules when it has answered what came behind them.
    assert!(is_alive(server, PATIENCE));
    client.command("subscribe", json!({ "channel": "stuck:1" }));
    let entered = at_work.recv_timeout(PATIENCE);
    entered.expect("the worker looks at the pattern");
    release
}

#[test]
fn a_worker_that_is_stuck_shows_no_sign_of_life_and_the_question_ends() {
    let server = Server::start();
    let mut client = Client::connected(server.addresses[0]);
    let release = stick(&server, &mut client);
    assert!(!is_alive(&server, Duration::from_millis(50)));
    drop(release);
    assert!(is_alive(&server, PATIENCE));
}

#[test]
fn a_publish_waits_for_a_congested_node_and_is_refused_with_111_in_the_end() {
    let config = NodeConfig {
        inbox: InboxLimits {
            high_water: 1000,
            ..InboxLimits::default()
        },
        publish_timeout: Duration::from_millis(50),
        ..two_workers()
    };
    let server = Server::start_with(config, |broker| Arc::new(broker));
    let mut client = Client::subscribed(server.addresses[0], "news");
    let release = stick(&server, &mut client);
    let publish = || {
        let data = Payload::json(Bytes::from(format!("\"{}\"", "x".repeat(2000))));
        let (publication, options) = (Publication::new(data), PublishOptions::default());
        let published = server.node.publish("news", publication, options, false);
        server.runtime.block_on(published).map(|_| ())
    };
    publish().expect("there is room");
    let error = publish().expect_err("the worker does not take what it has");
    assert_eq!(error.code, ErrorCode::TOO_MANY_REQUESTS);
    assert!(error.temporary);
    drop(release);
    assert!(is_alive(&server, PATIENCE));
    publish().expect("there is room again");
}

#[test]
fn a_node_that_has_stopped_shows_no_sign_of_life() {
    let server = Server::start();
    server.node.stop();
    assert!(!is_alive(&server, PATIENCE));
}

#[test]
fn clients_and_users_are_counted_over_all_workers() {
    for workers in [1, 2] {
        let server = Server::start_of(workers);
        let count = || {
            let info = server.node.info();
            (info.clients, info.users, info.subscriptions, info.channels)
        };
        let last = server.addresses[workers - 1];
        let first = server.addresses[0];
        let mut anna = Client::of(first, "anna");
        let mut again = Client::of(last, "anna");
        let _bob = Client::of(last, "bob");
        anna.ask("subscribe", json!({ "channel": "news" }));
        again.ask("subscribe", json!({ "channel": "news" }));
        again.ask("subscribe", json!({ "channel": "chat" }));
        assert_eq!(count(), (3, 2, 3, 2), "{workers} workers");
        drop(again);
        // The worker sees the end of the connection when it sees it.
        let deadline = std::time::Instant::now() + PATIENCE;
        while count() != (2, 2, 1, 1) {
            assert!(std::time::Instant::now() < deadline, "{:?}", count());
            std::thread::yield_now();
        }
    }
}
