//! How connections end, and the node.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;
use veche_engine::conformance::late::{Effect, Handle, Late};
use veche_engine::control::Addressees;
use veche_engine::memory::clock::SystemClock;
use veche_node::node::{Engine, NodeConfig};
use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_session::order::Order;
use veche_websocket::frame::Opcode;

use crate::client::{Client, Frame, masked};
use crate::server::{Server, rules, two_workers};

/// From our close frame to the end of our patience with a client that does not answer it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn connected(server: &Server) -> (usize, usize) {
    let info = server.node.info();
    (info.clients, info.subscriptions)
}

fn disconnect(server: &Server, disconnect: Disconnect) -> usize {
    let order = Order::Disconnect(disconnect);
    let ordered = server.node.order(Addressees::default(), order);
    server
        .runtime
        .block_on(ordered)
        .expect("no channel is named")
}

#[test]
fn an_ordered_disconnect_closes_all_connections_of_the_user_with_its_code() {
    let server = Server::start();
    let mut clients: Vec<_> = server
        .addresses
        .iter()
        .map(|address| Client::subscribed(*address, "news"))
        .collect();
    assert_eq!(disconnect(&server, Disconnect::FORCE_NO_RECONNECT), 2);
    for client in &mut clients {
        assert_eq!(client.close_code(), 3503);
        client.part();
    }
    assert_eq!(connected(&server), (0, 0));
}

#[test]
fn who_was_closed_for_its_own_fault_is_forgotten() {
    let server = Server::start();
    let mut bad = Client::subscribed(server.addresses[0], "news");
    bad.command("subscribe", json!({ "channel": "" }));
    assert_eq!(bad.close_code(), 3501);
    bad.part();
    assert_eq!(connected(&server), (0, 0));
    let _next = Client::open(server.addresses[0]);
    assert_eq!(disconnect(&server, Disconnect::FORCE_NO_RECONNECT), 0);
}

#[test]
fn a_close_frame_behind_the_faulty_message_is_seen() {
    let server = Server::start();
    let mut client = Client::connected(server.addresses[0]);
    let mut bytes = masked(Opcode::Text, b"not a command");
    bytes.extend(masked(Opcode::Close, &1000_u16.to_be_bytes()));
    let began = Instant::now();
    client.write(&bytes);
    assert_eq!(client.close_code(), 3501);
    assert_eq!(client.frame(), Frame::End);
    assert!(began.elapsed() < CLOSE_TIMEOUT);
}

#[test]
fn the_end_of_a_stream_right_behind_the_last_bytes_is_noticed() {
    let server = Server::start();
    for _ in 0..20 {
        let mut client = Client::subscribed(server.addresses[0], "news");
        client.command("publish", json!({ "channel": "news", "data": 1 }));
        client.shut_down_writing();
        while client.frame() != Frame::End {}
    }
    assert_eq!(connected(&server), (0, 0));
}

#[test]
fn a_clients_close_frame_is_answered_with_its_code() {
    let server = Server::start();
    let mut client = Client::connected(server.addresses[0]);
    client.write(&masked(Opcode::Close, &1000_u16.to_be_bytes()));
    assert_eq!(client.close_code(), 1000);
    assert_eq!(client.frame(), Frame::End);
}

#[test]
fn a_fault_in_a_session_closes_its_connection_alone() {
    let server = Server::start();
    let mut others = Client::subscribed(server.addresses[0], "news");
    let mut unlucky = Client::subscribed(server.addresses[0], "news");
    unlucky.command("subscribe", json!({ "channel": "boom:1" }));
    assert_eq!(unlucky.close_code(), 3004);
    unlucky.part();
    assert_eq!(connected(&server), (1, 1));
    // The next client in the unlucky one's place has none of its channels.
    let mut next = Client::connected(server.addresses[0]);
    server.publish("news", "1");
    assert_eq!(others.publication()["data"], 1);
    let reply = next.ask("publish", json!({ "channel": "other", "data": 2 }));
    assert!(reply["publish"].is_object(), "{reply}");
}

#[test]
fn stopping_tells_everybody_3001_behind_what_is_queued() {
    let server = Server::start();
    let mut clients: Vec<_> = server
        .addresses
        .iter()
        .map(|address| Client::subscribed(*address, "news"))
        .collect();
    let silent = Client::dial(server.addresses[1]);
    server.publish("news", "1");
    let node = server.node.clone();
    let began = Instant::now();
    let stopping = std::thread::spawn(move || node.stop());
    for client in &mut clients {
        assert_eq!(client.publication()["data"], 1);
        assert_eq!(client.close_code(), 3001);
        client.part();
    }
    stopping.join().expect("it stops");
    assert!(began.elapsed() < CLOSE_TIMEOUT, "all clients have answered");
    drop(silent);
}

#[test]
fn a_node_that_has_stopped_answers_with_nothing() {
    let server = Server::start();
    server.node.stop();
    assert_eq!(connected(&server), (0, 0));
    assert_eq!(disconnect(&server, Disconnect::FORCE_NO_RECONNECT), 0);
    server.publish("news", "1");
}

#[test]
fn the_last_leaves_are_told_although_the_engine_answers_later() {
    let late = Arc::new(OnceLock::new());
    let engine = late.clone();
    let mut rules = rules();
    let mut options = rules.channel.without_namespace.as_ref().clone();
    (options.presence, options.join_leave) = (true, true);
    rules.channel.without_namespace = Arc::new(options);
    let server = Server::start_on(two_workers(), rules, move |sink| {
        let made = Late::new(sink, Arc::new(SystemClock::default()));
        engine.get_or_init(|| made.clone());
        Engine {
            broker: Arc::new(Handle(made.clone())),
            presence: Arc::new(Handle(made)),
            controller: None,
        }
    });
    let late: Arc<Late> = late.get().expect("it was made").clone();
    let ended = AtomicBool::new(false);
    let act = || {
        while !ended.load(Ordering::SeqCst) {
            if !late.step(0) {
                std::thread::yield_now();
            }
        }
    };
    std::thread::scope(|scope| {
        let acting = scope.spawn(act);
        let clients: Vec<_> = (server.addresses.iter())
            .map(|address| Client::subscribed(*address, "news"))
            .collect();
        ended.store(true, Ordering::SeqCst);
        acting.join().expect("it steps");
        ended.store(false, Ordering::SeqCst);
        drop(clients);
        // The engine rests until the node has ended its workers, and only then does what it was asked to.
        scope.spawn(|| {
            while server.node.info().clients > 0 {
                std::thread::yield_now();
            }
            act();
        });
        server.node.stop();
        let effects = late.effects();
        ended.store(true, Ordering::SeqCst);
        let count = |is: fn(&Effect) -> bool| effects.iter().filter(|(_, it)| is(it)).count();
        assert_eq!(count(|it| matches!(it, Effect::Left(_))), 2);
        assert_eq!(count(|it| matches!(it, Effect::Unsubscribed)), 1);
        assert!(late.present(&Channel::new("news")).is_empty());
    });
}

#[test]
fn a_node_whose_engine_never_answers_ends_all_the_same() {
    let config = NodeConfig {
        drain_timeout: Duration::from_millis(200),
        ..two_workers()
    };
    let server = Server::start_on(config, rules(), |sink| {
        let late = Late::new(sink, Arc::new(SystemClock::default()));
        Engine {
            broker: Arc::new(Handle(late.clone())),
            presence: Arc::new(Handle(late)),
            controller: None,
        }
    });
    let mut client = Client::connected(server.addresses[0]);
    client.command("subscribe", json!({ "channel": "news" }));
    drop(client);
    let began = Instant::now();
    server.node.stop();
    assert!(began.elapsed() < CLOSE_TIMEOUT);
}
