//! Lists in pages: complete, without doubles, and in order, while others come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use veche_node::listing::{Criteria, Mark, Names, Page, Row};
use veche_protocol::channel::Channel;
use veche_protocol::identity::UserId;

use crate::client::Client;
use crate::server::Server;

/// All pages of a list, with the number of items in each.
fn pages<T, M>(mut page: impl FnMut(Option<M>) -> Page<T, M>) -> (Vec<T>, Vec<usize>) {
    let (mut items, mut sizes, mut from) = (Vec::new(), Vec::new(), None);
    loop {
        let page = page(from);
        sizes.push(page.items.len());
        items.extend(page.items);
        from = page.next;
        if from.is_none() {
            return (items, sizes);
        }
    }
}

impl Server {
    fn connections(&self, wanted: &Criteria, limit: usize) -> (Vec<Row>, Vec<usize>) {
        pages(|from: Option<Mark>| {
            let from = from.unwrap_or_default();
            let page = self.node.connections(wanted.clone(), |_| true, from, limit);
            self.runtime.block_on(page).expect("the node runs")
        })
    }

    fn users(&self, prefix: &str, limit: usize) -> Vec<(UserId, usize)> {
        let (users, sizes) = pages(|after| {
            let prefix = prefix.to_owned();
            let page = self.node.users(Names { after, prefix }, |_| true, limit);
            self.runtime.block_on(page).expect("the node runs")
        });
        assert!(sizes.iter().all(|size| *size <= limit));
        users
    }

    fn channels(&self, prefix: &str, limit: usize) -> Vec<(Channel, usize)> {
        let (channels, sizes) = pages(|after| {
            let prefix = prefix.to_owned();
            let names = Names { after, prefix };
            let page = self.node.channels_in_pages(names, |_| true, limit);
            self.runtime.block_on(page).expect("the node runs")
        });
        assert!(sizes.iter().all(|size| *size <= limit));
        channels
    }

    /// So many clients, spread over the workers, each of a user of its own and in a channel of its own.
    fn populate(&self, count: usize) -> Vec<Client> {
        let addresses = self.addresses.iter().cycle();
        (0..count)
            .zip(addresses)
            .map(|(number, address)| {
                let mut client = Client::of(*address, &format!("user-{number:03}"));
                let channel = format!("own-{number:03}");
                client.ask("subscribe", json!({ "channel": channel }));
                client.ask("subscribe", json!({ "channel": "all" }));
                client
            })
            .collect()
    }
}

#[test]
fn a_connection_is_listed_with_what_is_known_of_it() {
    let server = Server::start();
    let _clients = server.populate(1);
    let (rows, sizes) = server.connections(&Criteria::default(), 10);
    assert_eq!(sizes, [1]);
    let row = rows.first().expect("a connection");
    assert_eq!(row.user.as_str(), "user-000");
    let app = row.app.as_ref().expect("the client says what it is");
    assert_eq!((&*app.name, &*app.version), ("test", "1"));
    assert_eq!((row.transport, row.protocol), ("websocket", "json"));
    let channels: Vec<_> = row
        .channels
        .iter()
        .map(|(name, source)| (name.as_str(), *source))
        .collect();
    assert_eq!(channels, [("all", 6), ("own-000", 6)]);
}

#[test]
fn pages_hold_everything_once_with_any_number_of_workers() {
    for workers in [1, 2, 4] {
        let server = Server::start_of(workers);
        let _clients = server.populate(30);
        for limit in [1, 7, 30, 100] {
            let (rows, sizes) = server.connections(&Criteria::default(), limit);
            assert!(sizes.iter().all(|size| *size <= limit), "{sizes:?}");
            let users: BTreeSet<_> = rows.iter().map(|row| row.user.clone()).collect();
            assert_eq!((rows.len(), users.len()), (30, 30), "{workers} {limit}");
            let expected: Vec<_> = users.into_iter().map(|user| (user, 1)).collect();
            assert_eq!(server.users("", limit), expected);
            let channels = server.channels("", limit);
            assert_eq!(channels.len(), 31);
            assert!(channels.is_sorted());
            assert_eq!(channels.first(), Some(&(Channel::new("all"), 30)));
            let every = server.node.channels(Names::default(), |_| true);
            assert_eq!(
                server.runtime.block_on(every).map(|page| page.items),
                Some(channels)
            );
        }
    }
}

#[test]
fn what_stays_is_listed_once_while_others_come_and_go() {
    for workers in [1, 2, 4] {
        let server = Arc::new(Server::start_of(workers));
        // Every second one goes before the lists are read, so that there are free slots among those that stay.
        let mut clients: Vec<_> = server.populate(40).into_iter().map(Some).collect();
        for client in clients.iter_mut().skip(1).step_by(2) {
            *client = None;
        }
        let stay: BTreeSet<String> = (0..40)
            .step_by(2)
            .map(|number| format!("user-{number:03}"))
            .collect();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for worker in 0..2 {
                let (server, stop) = (server.clone(), &stop);
                scope.spawn(move || {
                    let mut addresses = server.addresses.iter().cycle();
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let address = addresses.next().expect("a cycle has no end");
                        let mut client =
                            Client::of(*address, &format!("user-{:03}x{worker}", number % 40));
                        client.ask(
                            "subscribe",
                            json!({ "channel": format!("own-{:03}x", number % 40) }),
                        );
                    }
                });
            }
            for _ in 0..20 {
                let (rows, _) = server.connections(&Criteria::default(), 3);
                let mut seen = BTreeMap::<String, usize>::new();
                for row in &rows {
                    *seen.entry(row.user.to_string()).or_default() += 1;
                }
                seen.retain(|user, _| !user.contains('x'));
                assert!(seen.values().all(|count| *count == 1), "{seen:?}");
                let seen: BTreeSet<_> = seen
                    .into_keys()
                    .filter(|user| stay.contains(user))
                    .collect();
                assert_eq!(seen, stay, "{workers}");
                let users = server.users("", 3);
                assert!(users.is_sorted_by(|(a, _), (b, _)| a < b), "{users:?}");
                let listed = |user: &String| {
                    users
                        .iter()
                        .any(|(it, count)| it.as_str() == user && *count == 1)
                };
                assert!(stay.iter().all(listed), "{users:?}");
                let channels = server.channels("own-", 3);
                assert!(
                    channels.is_sorted_by(|(a, _), (b, _)| a < b),
                    "{channels:?}"
                );
                let all = server.channels("all", 3);
                assert_eq!(all.len(), 1);
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn connections_are_filtered_by_all_that_is_said() {
    let server = Server::start();
    let _clients = server.populate(8);
    let _second = Client::of(server.addresses[1], "user-003");
    let filters: [(Change, usize); 11] = [
        (|_| {}, 9),
        (|it| it.user = Some("user-003".into()), 2),
        (|it| it.user = Some("nobody".into()), 0),
        (|it| it.channel = Some("all".into()), 8),
        (|it| it.channel = Some("own-004".into()), 1),
        (|it| it.channel = Some("none".into()), 0),
        (
            |it| (it.channel, it.user) = (Some("all".into()), Some("user-003".into())),
            1,
        ),
        (|it| it.transport = Some("websocket".into()), 9),
        (|it| it.transport = Some("sse".into()), 0),
        (|it| it.protocol = Some("json".into()), 9),
        (|it| it.protocol = Some("protobuf".into()), 0),
    ];
    for (change, expected) in filters {
        let mut wanted = Criteria::default();
        change(&mut wanted);
        let rows = server.connections(&wanted, 2).0;
        assert_eq!(rows.len(), expected, "{wanted:?}");
    }
    let odd = |row: &Row| row.user.as_str().ends_with(['1', '3', '5', '7']);
    let page = server
        .node
        .connections(Criteria::default(), odd, Mark::default(), 3);
    let page = server.runtime.block_on(page).expect("the node runs");
    assert_eq!(
        page.items.len(),
        3,
        "what a page leaves out makes room in it"
    );
}

type Change = fn(&mut Criteria);

#[test]
fn connections_are_filtered_by_when_they_came() {
    let server = Server::start();
    let before = now_ms();
    let _clients = server.populate(3);
    let after = now_ms() + 1;
    for (after_ms, before_ms, expected) in [
        (Some(before), Some(after), 3),
        (Some(after), None, 0),
        (None, Some(before), 0),
    ] {
        let wanted = Criteria {
            after_ms,
            before_ms,
            ..Criteria::default()
        };
        assert_eq!(
            server.connections(&wanted, 2).0.len(),
            expected,
            "{wanted:?}"
        );
    }
}

#[test]
fn a_user_or_a_channel_on_several_workers_is_listed_once_with_all_its_connections() {
    let server = Server::start_of(4);
    let mut clients = Vec::new();
    for address in server.addresses.iter().chain(&server.addresses) {
        let mut client = Client::of(*address, "anna");
        client.ask("subscribe", json!({ "channel": "news" }));
        clients.push(client);
    }
    assert_eq!(server.users("", 1), [(UserId::new("anna"), 8)]);
    assert_eq!(server.channels("", 1), [(Channel::new("news"), 8)]);
    for client in clients.drain(..7) {
        drop(client);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.users("", 1) != [(UserId::new("anna"), 1)] {
        assert!(Instant::now() < deadline, "seven connections do not end");
        thread::yield_now();
    }
    assert_eq!(server.channels("", 1), [(Channel::new("news"), 1)]);
}

#[test]
fn a_connection_that_is_not_connected_yet_is_not_listed() {
    let server = Server::start();
    let mut client = Client::open(server.addresses[0]);
    assert!(server.connections(&Criteria::default(), 10).0.is_empty());
    client.ask("connect", json!({}));
    assert_eq!(server.connections(&Criteria::default(), 10).0.len(), 1);
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("a small number")
}
