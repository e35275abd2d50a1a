//! Clients that read too slowly, or ask too much.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use veche_node::node::NodeConfig;
use veche_websocket::frame::Opcode;

use crate::client::{Client, Frame, PATIENCE, masked};
use crate::server::{Server, two_workers};

/// A node of one worker.
fn node(config: NodeConfig) -> Server {
    let config = NodeConfig {
        workers: 1,
        ..config
    };
    Server::start_with(config, |broker| Arc::new(broker))
}

/// Publishes so many publications of 50 kB in `news`.
fn fill(server: &Server, count: usize) {
    let data = json!("x".repeat(50_000)).to_string();
    for _ in 0..count {
        server.publish("news", &data);
    }
}

/// Asks for all that was published in `news`, and does not read it.
fn recover(server: &Server) -> Client {
    let mut client = Client::connected(server.addresses[0]);
    client.command("subscribe", json!({ "channel": "news", "recover": true }));
    client
}

/// Waits until the node has so many clients.
pub(crate) fn until(server: &Server, clients: usize) {
    let began = Instant::now();
    while server.node.info().clients != clients {
        assert!(
            began.elapsed() < PATIENCE,
            "the number of clients does not become {clients}"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_client_that_takes_nothing_of_what_it_asked_for_is_closed_with_3008() {
    let server = node(NodeConfig {
        stall_timeout: Duration::from_millis(600),
        ..NodeConfig::default()
    });
    fill(&server, 100);
    let mut client = recover(&server);
    until(&server, 0);
    let Frame::Text(reply) = client.frame() else {
        panic!("the frame that was under way comes whole");
    };
    let reply: serde_json::Value = serde_json::from_slice(&reply).expect("JSON");
    let publications = &reply["subscribe"]["publications"];
    assert_eq!(publications.as_array().map(Vec::len), Some(100));
    assert_eq!(client.frame(), Frame::Close(3008));
}

#[test]
fn those_that_owe_most_go_when_a_worker_holds_too_much() {
    let server = node(NodeConfig {
        worker_backlog_limit: 13 << 20,
        ..NodeConfig::default()
    });
    let mut quick = Client::subscribed(server.addresses[0], "other");
    fill(&server, 100);
    let mut clients: Vec<_> = (0..4).map(|_| recover(&server)).collect();
    until(&server, 3);
    server.publish("other", "1");
    assert_eq!(quick.publication()["data"], 1);
    // Of a client that was cut off the reply ends in the middle.
    let frames = clients.iter_mut().map(Client::frame);
    let whole = frames.filter(|frame| matches!(frame, Frame::Text(_)));
    assert_eq!(whole.count(), 2);
}

#[test]
fn what_many_owe_alike_does_not_end_them() {
    let server = node(NodeConfig {
        worker_backlog_limit: 4 << 20,
        ..NodeConfig::default()
    });
    let mut clients: Vec<_> = (0..12)
        .map(|_| Client::subscribed(server.addresses[0], "news"))
        .collect();
    // What the kernel takes of it, and less than 1 MiB beside that for each.
    fill(&server, 20);
    for client in &mut clients {
        for offset in 1..=20 {
            assert_eq!(client.publication()["offset"], offset);
        }
    }
}

#[test]
fn a_client_that_does_not_read_is_closed_with_3008_and_the_others_get_everything() {
    let config = NodeConfig {
        queue_max_size: 256 << 10,
        ..two_workers()
    };
    let server = Server::start_with(config, |broker| Arc::new(broker));
    let mut slow = Client::subscribed(server.addresses[0], "news");
    let mut quick = [
        Client::subscribed(server.addresses[0], "news"),
        Client::subscribed(server.addresses[1], "news"),
    ];
    let padding = "x".repeat(16 << 10);
    let mut count = 0_u64;
    // The kernel keeps some megabytes for a client; in the end the slow one is let go.
    while server.node.info().clients == 3 {
        count += 1;
        assert!(
            count < 10_000,
            "160 MB wait for a client that does not read"
        );
        server.publish(
            "news",
            &json!({ "n": count, "padding": padding }).to_string(),
        );
        for client in &mut quick {
            assert_eq!(client.publication()["data"]["n"], count);
        }
    }
    let mut next = 1;
    let code = loop {
        match slow.frame() {
            Frame::Text(text) => {
                let push: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
                assert_eq!(push["push"]["pub"]["data"]["n"], next);
                next += 1;
            }
            Frame::Close(code) => break code,
            Frame::End => panic!("no close frame"),
        }
    };
    assert_eq!(code, 3008);
    assert!(next <= count, "what was queued is dropped");
}

#[test]
fn a_client_that_asks_faster_than_it_is_answered_is_not_read_for_a_while() {
    let server = Server::start();
    let mut client = Client::connected(server.addresses[0]);
    let mut flood = Vec::new();
    let call = json!({ "id": 7, "rpc": { "method": "wait", "data": "x".repeat(1000) } });
    let frame = masked(Opcode::Text, call.to_string().as_bytes());
    for _ in 0..64 {
        flood.extend_from_slice(&frame);
    }
    let mut written = 0;
    loop {
        let from = written % flood.len();
        let taken = client.write_some(&flood[from..], Duration::from_millis(300));
        written += taken;
        if taken == 0 {
            break;
        }
        assert!(written < 64 << 20, "64 MB of commands wait in memory");
    }
    server.gate.add_permits(1);
    let rest = frame.len() - written % frame.len();
    client.write(&frame[frame.len() - rest..]);
    for _ in 0..=written / frame.len() {
        assert_eq!(client.reply()["id"], 7);
    }
}

#[test]
fn where_all_clients_of_a_worker_read_too_slowly_the_one_that_owes_most_is_closed_with_3008() {
    let config = NodeConfig {
        queue_max_size: 1 << 30,
        worker_backlog_limit: 4 << 20,
        ..NodeConfig::default()
    };
    let server = Server::start_with(config, |broker| Arc::new(broker));
    let mut little = Client::subscribed(server.addresses[0], "news");
    let mut much = Client::subscribed(server.addresses[0], "news");
    let reply = much.ask("subscribe", json!({ "channel": "more" }));
    assert!(reply["subscribe"].is_object(), "{reply}");
    let padding = format!("\"{}\"", "x".repeat(16 << 10));
    let mut count = 0_u64;
    while server.node.info().clients == 2 {
        count += 1;
        assert!(count < 10_000, "160 MB wait for the clients of a worker");
        server.publish("news", &padding);
        server.publish("more", &padding);
    }
    assert_eq!(much.close_code(), 3008);
    for offset in 1..=count {
        assert_eq!(little.publication()["offset"], offset);
    }
}
