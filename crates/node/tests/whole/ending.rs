//! How connections end, and the node.

use std::time::{Duration, Instant};

use serde_json::json;
use veche_node::inquiry::Addressees;
use veche_protocol::disconnect::Disconnect;
use veche_session::order::Order;
use veche_websocket::frame::Opcode;

use crate::client::{Client, Frame, masked};
use crate::server::Server;

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
