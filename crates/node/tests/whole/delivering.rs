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
fn on_one_worker_everybody_sees_everything_once_and_in_order() {
    race(&Server::start_of(1));
}

#[test]
fn on_two_workers_everybody_sees_everything_once_and_in_order() {
    race(&Server::start_of(2));
}

#[test]
fn on_four_workers_everybody_sees_everything_once_and_in_order() {
    race(&Server::start_of(4));
}

#[test]
fn with_an_engine_that_answers_later_nothing_is_lost_or_doubled_either() {
    for workers in [1, 2, 4] {
        race(&Server::start_later_of(workers));
    }
}

/// In the channel `race`; divides by the number of publishers, which is two more than that of workers.
const PUBLICATIONS: u64 = 2400;
const SUBSCRIBERS: usize = 8;
/// Publications between the last and the slowest subscriber: fewer than a subscription that is being made may buffer.
const AHEAD: u64 = 400;

/// Subscribers come, go and recover while a client on each worker, the API and a broadcast publish; each must see every
/// offset after its first position.
fn race(server: &Server) {
    let workers = server.addresses.len();
    let publishers = workers as u64 + 2;
    let share = PUBLICATIONS / publishers;
    let seen: Vec<_> = (0..SUBSCRIBERS).map(|_| AtomicU64::new(0)).collect();
    let aside: Vec<_> = (0..workers).map(|_| AtomicU64::new(0)).collect();
    let each = |publish: &mut dyn FnMut(&Value)| {
        for n in 0..share {
            while slowest(&seen) + AHEAD < publishers * n || slowest(&aside) + AHEAD < n {
                thread::yield_now();
            }
            publish(&json!(n));
        }
    };
    thread::scope(|scope| {
        for address in &server.addresses {
            scope.spawn(move || {
                let mut client = Client::connected(*address);
                each(&mut |data| {
                    let reply = client.ask("publish", json!({ "channel": "race", "data": data }));
                    assert!(reply["publish"].is_object(), "{reply}");
                });
            });
        }
        scope.spawn(|| each(&mut |data| server.publish("race", &data.to_string())));
        scope.spawn(|| {
            each(&mut |data| server.broadcast(&["race", "aside"], &data.to_string()));
        });
        for (number, seen) in seen.iter().enumerate() {
            let address = server.addresses[number % workers];
            scope.spawn(move || {
                let gone = Gone(seen);
                follow(address, "race", PUBLICATIONS, 20 + 30 * number, seen);
                drop(gone);
            });
        }
        for (seen, address) in aside.iter().zip(&server.addresses) {
            scope.spawn(move || {
                let gone = Gone(seen);
                follow(*address, "aside", share, 50, seen);
                drop(gone);
            });
        }
    });
}

fn slowest(seen: &[AtomicU64]) -> u64 {
    let seen = seen.iter().map(|seen| seen.load(Ordering::SeqCst));
    seen.min().unwrap_or(0)
}

/// Nobody waits for a subscriber that has failed.
struct Gone<'a>(&'a AtomicU64);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.store(PUBLICATIONS, Ordering::SeqCst);
    }
}

/// Reads `stretch` publications at a time, goes away in the middle of the stream, and recovers.
fn follow(address: SocketAddr, channel: &str, last: u64, stretch: usize, seen: &AtomicU64) {
    let mut at: Option<(u64, String)> = None;
    while at.as_ref().is_none_or(|(offset, _)| *offset < last) {
        let mut client = Client::connected(address);
        let request = match &at {
            None => json!({ "channel": channel }),
            Some((offset, epoch)) => {
                json!({ "channel": channel, "recover": true, "offset": offset, "epoch": epoch })
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
            if offset == last {
                break;
            }
            offset += 1;
            assert_eq!(number(&client.publication()["offset"]), offset);
        }
        let epoch = subscribed["epoch"].as_str().expect("an epoch").to_owned();
        at = Some((offset, epoch));
    }
}
