//! Publications reach subscribers once and in order, whoever publishes and wherever they are.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;

#[test]
fn a_publication_of_a_client_reaches_both_workers_and_itself() {
    let server = Server::start();
    let mut clients: Vec<_> = server
        .addresses
        .iter()
        .map(|address| Client::subscribed(*address, "news"))
        .collect();
    let id = clients[0].command("publish", json!({ "channel": "news", "data": { "n": 1 } }));
    for client in &mut clients[1..] {
        assert_eq!(client.publication()["data"]["n"], 1);
    }
    let first = [clients[0].reply(), clients[0].reply()];
    assert!(first.iter().any(|reply| reply["id"] == id));
    assert!(
        first
            .iter()
            .any(|push| push["push"]["pub"]["data"]["n"] == 1)
    );
}

#[test]
fn a_publication_of_the_api_reaches_both_workers() {
    let server = Server::start();
    let mut clients: Vec<_> = server
        .addresses
        .iter()
        .map(|address| Client::subscribed(*address, "news"))
        .collect();
    server.publish("news", "7");
    server.publish("news", "8");
    for client in &mut clients {
        assert_eq!(client.publication()["data"], 7);
        assert_eq!(client.publication()["data"], 8);
    }
}

#[test]
fn subscribing_and_recovering_while_others_publish_loses_and_doubles_nothing() {
    race(&Server::start());
}

#[test]
fn with_an_engine_that_answers_later_nothing_is_lost_or_doubled_either() {
    race(&Server::start_later());
}

const PUBLICATIONS: u64 = 3000;
const SUBSCRIBERS: usize = 8;
/// Publications between the last and the slowest subscriber: fewer than a subscription that is being made may buffer.
const AHEAD: u64 = 400;

/// Subscribers come, go and recover while two publishers publish; each must see every offset after its first position.
fn race(server: &Server) {
    let seen: Vec<_> = (0..SUBSCRIBERS).map(|_| AtomicU64::new(0)).collect();
    let slowest = || seen.iter().map(|seen| seen.load(Ordering::SeqCst)).min();
    thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                for n in 0..PUBLICATIONS / 2 {
                    while slowest().is_some_and(|slowest| slowest + AHEAD < 2 * n) {
                        thread::yield_now();
                    }
                    server.publish("race", &json!([half, n]).to_string());
                }
            });
        }
        for (number, seen) in seen.iter().enumerate() {
            let address = server.addresses[number % server.addresses.len()];
            scope.spawn(move || {
                let gone = Gone(seen);
                follow(address, 20 + 30 * number, seen);
                drop(gone);
            });
        }
    });
}

/// Nobody waits for a subscriber that has failed.
struct Gone<'a>(&'a AtomicU64);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.store(PUBLICATIONS, Ordering::SeqCst);
    }
}

/// Reads `stretch` publications at a time, goes away in the middle of the stream, and recovers.
fn follow(address: SocketAddr, stretch: usize, seen: &AtomicU64) {
    let mut at: Option<(u64, String)> = None;
    while at.as_ref().is_none_or(|(offset, _)| *offset < PUBLICATIONS) {
        let mut client = Client::connected(address);
        let request = match &at {
            None => json!({ "channel": "race" }),
            Some((offset, epoch)) => {
                json!({ "channel": "race", "recover": true, "offset": offset, "epoch": epoch })
            }
        };
        let reply = client.ask("subscribe", request);
        let subscribed = &reply["subscribe"];
        let number = |value: &Value| value.as_u64().unwrap_or(0);
        let mut offset = match &at {
            None => number(&subscribed["offset"]),
            Some((offset, _)) => {
                assert_eq!(subscribed["recovered"], true, "{reply}");
                *offset
            }
        };
        for publication in subscribed["publications"].as_array().unwrap_or(&Vec::new()) {
            offset += 1;
            assert_eq!(number(&publication["offset"]), offset);
        }
        for _ in 0..stretch {
            seen.store(offset, Ordering::SeqCst);
            if offset == PUBLICATIONS {
                break;
            }
            offset += 1;
            assert_eq!(number(&client.publication()["offset"]), offset);
        }
        let epoch = subscribed["epoch"].as_str().expect("an epoch").to_owned();
        at = Some((offset, epoch));
    }
}
