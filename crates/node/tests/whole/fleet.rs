//! Several nodes in one process: orders reach the clients of all of them, lists gather from all, and who does not answer
//! is named.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::json;
use veche_engine::control::{Addressees, ControlSink, Controller, Message, NodeId, Recipient};
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::fleet::{Fleet, FleetController};
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_node::listing::{Criteria, Mark, Names};
use veche_node::node::{Engine, NodeConfig};
use veche_node::nodes::{ListError, Place};
use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::Unsubscribe;
use veche_session::order::Order;

use crate::client::Client;
use crate::server::{Server, rules, two_workers};

/// Two nodes that share an engine, and what is wrong with the way from each to the other.
struct Two {
    nodes: [Server; 2],
    ways: [Arc<Way>; 2],
}

/// A node's way to the others.
#[derive(Debug)]
struct Way {
    controller: FleetController,
    fault: Mutex<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Messages are lost.
    Mute,
    /// Messages come twice.
    Double,
    /// It knows that messages can't be sent.
    Down,
}

impl Lifecycle for Way {
    fn health(&self) -> Result<(), Cow<'static, str>> {
        match *self.fault.lock() {
            Fault::Down => Err("as the test has it".into()),
            _ => Ok(()),
        }
    }

    fn close(&self) -> Pending<()> {
        self.controller.close()
    }
}

impl Controller for Way {
    fn join(&self, node: NodeId, sink: Arc<dyn ControlSink>) -> Pending<Result<(), EngineError>> {
        self.controller.join(node, sink)
    }

    fn send(&self, to: Recipient, message: Message) -> Pending<Result<(), EngineError>> {
        let fault = *self.fault.lock();
        match fault {
            Fault::None => {}
            Fault::Mute => return Pending::Ready(Ok(())),
            Fault::Double => drop(self.controller.send(to.clone(), message.clone())),
            Fault::Down => {
                let why = "as the test has it";
                return Pending::Ready(Err(EngineError::Unavailable(why.into())));
            }
        }
        self.controller.send(to, message)
    }
}

impl Two {
    fn start() -> Self {
        let fleet = Fleet::new();
        let clock = Arc::new(SystemClock::default());
        let broker = Arc::new(MemoryBroker::new(fleet.clone(), clock.clone()));
        let presence = Arc::new(MemoryPresence::new(clock));
        let ways = [0; 2].map(|_| {
            Arc::new(Way {
                controller: fleet.controller(),
                fault: Mutex::new(Fault::None),
            })
        });
        let nodes = [0, 1].map(|at| {
            let config = NodeConfig {
                survey_timeout: Duration::from_millis(300),
                name: format!("node {at}"),
                ..two_workers()
            };
            let mut rules = rules();
            let mut options = rules.channel.without_namespace.as_ref().clone();
            options.presence = true;
            options.allow_presence_for_client = true;
            options.allow_presence_for_anonymous = true;
            rules.channel.without_namespace = Arc::new(options);
            Server::start_on(config, rules, |sink| {
                fleet.add_sink(sink);
                Engine {
                    broker: broker.clone(),
                    presence: presence.clone(),
                    controller: Some(ways[at].clone()),
                }
            })
        });
        Self { nodes, ways }
    }

    fn set(&self, node: usize, fault: Fault) {
        *self.ways[node].fault.lock() = fault;
    }

    /// A client of anna's at each node, on different workers.
    fn annas(&self) -> [Client; 2] {
        [0, 1].map(|at| Client::of(self.nodes[at].addresses[at], "anna"))
    }

    /// The first node gives an order to anna's connections. Returns how many it has itself.
    fn order(&self, order: Order) -> usize {
        let ordered = self.nodes[0].node.order(anna(), order);
        let ordered = self.nodes[0].runtime.block_on(ordered);
        ordered.expect("the other node can be reached")
    }

    fn channels(&self) -> (Vec<(String, usize)>, Vec<NodeId>) {
        let Server { node, runtime, .. } = &self.nodes[0];
        let page = runtime.block_on(node.channels(Names::default(), |_| true));
        let page = page.expect("the node runs");
        let names = page.items.into_iter();
        let names = names.map(|(name, count)| (name.to_string(), count));
        (names.collect(), page.missing)
    }

    fn id(&self, node: usize) -> NodeId {
        self.nodes[node].node.node_id().clone()
    }
}

fn anna() -> Addressees {
    Addressees {
        user: "anna".into(),
        ..Addressees::default()
    }
}

#[test]
fn a_publication_reaches_the_subscribers_of_all_nodes() {
    let two = Two::start();
    let mut clients = [0, 1].map(|at| Client::subscribed(two.nodes[at].addresses[at], "news"));
    two.nodes[0].publish("news", "1");
    two.nodes[1].publish("news", "2");
    for client in &mut clients {
        assert_eq!(client.publication()["data"], 1);
        assert_eq!(client.publication()["offset"], 2);
    }
    let present = two.nodes[0].node.presence("news");
    let present = two.nodes[0].runtime.block_on(present);
    assert_eq!(present.expect("it keeps presence").len(), 2);
}

#[test]
fn an_order_of_one_node_is_obeyed_by_all() {
    let two = Two::start();
    let mut annas = two.annas();
    let mut boris = Client::of(two.nodes[1].addresses[0], "boris");
    let channel = Channel::new("news");
    let subscribe = Order::Subscribe {
        channel: channel.clone(),
        options: SubscriptionOptions::default(),
        recover_since: None,
    };
    assert_eq!(two.order(subscribe), 1);
    for anna in &mut annas {
        let push = anna.reply();
        assert_eq!(push["push"]["channel"], "news", "{push}");
        assert!(push["push"]["subscribe"].is_object(), "{push}");
    }
    let reason = Unsubscribe::SERVER;
    let channel = Some(channel);
    assert_eq!(two.order(Order::Unsubscribe { channel, reason }), 1);
    for anna in &mut annas {
        let push = anna.reply();
        assert_eq!(push["push"]["unsubscribe"]["code"], 2000, "{push}");
    }
    let refresh = Order::Refresh {
        expired: false,
        expire_at: Some(i64::MAX / 2000),
        info: None,
    };
    assert_eq!(two.order(refresh), 1);
    for anna in &mut annas {
        let push = anna.reply();
        assert_eq!(push["push"]["refresh"]["expires"], true, "{push}");
    }
    assert_eq!(
        two.order(Order::Disconnect(Disconnect::FORCE_NO_RECONNECT)),
        1
    );
    for anna in &mut annas {
        assert_eq!(anna.close_code(), 3503);
    }
    let reply = boris.ask("subscribe", json!({ "channel": "news" }));
    assert!(reply["subscribe"].is_object(), "it was not meant: {reply}");
    let everybody = Addressees {
        all_users: true,
        ..Addressees::default()
    };
    let order = Order::Disconnect(Disconnect::FORCE_NO_RECONNECT);
    let ordered = two.nodes[0].node.order(everybody, order);
    let here = two.nodes[0].runtime.block_on(ordered);
    assert_eq!(here.expect("all can be reached"), 0);
    assert_eq!(boris.close_code(), 3503);
}

#[test]
fn a_part_of_the_engine_that_does_not_work_is_told_by_the_health_check() {
    let two = Two::start();
    let Server { node, runtime, .. } = &two.nodes[0];
    let limit = Duration::from_secs(10);
    assert_eq!(runtime.block_on(node.check_health(limit)), Ok(()));
    two.set(0, Fault::Down);
    let why = "the controller of the engine does not work: as the test has it";
    assert_eq!(
        runtime.block_on(node.check_health(limit)),
        Err(why.to_owned())
    );
    two.set(0, Fault::None);
    assert_eq!(runtime.block_on(node.check_health(limit)), Ok(()));
}

#[test]
fn an_order_that_can_t_reach_the_others_is_refused_and_nothing_is_done() {
    let two = Two::start();
    let mut annas = two.annas();
    two.set(0, Fault::Down);
    let order = Order::Disconnect(Disconnect::FORCE_NO_RECONNECT);
    let ordered = two.nodes[0].node.order(anna(), order);
    let error = two.nodes[0]
        .runtime
        .block_on(ordered)
        .expect_err("it is down");
    assert_eq!(error.code.0, 100);
    let reply = annas[0].ask("subscribe", json!({ "channel": "news" }));
    assert!(reply["subscribe"].is_object(), "{reply}");
}

#[test]
fn lists_gather_from_all_nodes_and_every_connection_is_listed_once() {
    let two = Two::start();
    let mut annas = two.annas();
    let _boris = Client::of(two.nodes[1].addresses[0], "boris");
    for (anna, own) in annas.iter_mut().zip(["a", "b"]) {
        for channel in ["news", own] {
            let reply = anna.ask("subscribe", json!({ "channel": channel }));
            assert!(reply["subscribe"].is_object(), "{reply}");
        }
    }
    let names = |names: &[(&str, usize)]| -> Vec<_> {
        let names = names.iter();
        names
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    assert_eq!(
        two.channels(),
        (names(&[("a", 1), ("b", 1), ("news", 2)]), vec![])
    );
    let Server { node, runtime, .. } = &two.nodes[0];
    let users = runtime.block_on(node.users(Names::default(), |_| true, 10));
    let users = users.expect("the node runs").items.into_iter();
    let users: Vec<_> = users
        .map(|(user, count)| (user.to_string(), count))
        .collect();
    assert_eq!(users, names(&[("anna", 2), ("boris", 1)]));

    let mut from: Option<Place> = None;
    let mut seen = Vec::new();
    loop {
        let page = node.connections_of_all(Criteria::default(), |_| true, from, 1);
        let page = runtime.block_on(page).expect("the nodes are there");
        assert!(page.items.len() <= 1 && page.missing.is_empty());
        seen.extend(page.items.into_iter().map(|row| {
            let channels: Vec<_> = row
                .channels
                .iter()
                .map(|(name, _)| name.to_string())
                .collect();
            assert_eq!((row.transport, row.protocol), ("websocket", "json"));
            (row.user.to_string(), channels.len())
        }));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    seen.sort();
    let expected = [("anna", 2), ("anna", 2), ("boris", 0)];
    assert_eq!(seen, names(&expected));

    let nodes = runtime.block_on(node.nodes());
    assert!(nodes.iter().all(|listed| listed.has_answered));
    let clients = nodes.iter().map(|listed| listed.summary.clients);
    assert_eq!(clients.sum::<usize>(), 3);
    let mut names: Vec<_> = nodes.iter().map(|it| it.summary.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["node 0", "node 1"]);
}

#[test]
fn a_node_that_does_not_answer_is_named_and_the_others_are_listed() {
    let two = Two::start();
    let _clients = [0, 1].map(|at| Client::subscribed(two.nodes[at].addresses[0], "news"));
    two.set(1, Fault::Mute);
    assert_eq!(
        two.channels(),
        (vec![("news".to_owned(), 1)], vec![two.id(1)])
    );
    let Server { node, runtime, .. } = &two.nodes[0];
    let page = node.connections_of_all(Criteria::default(), |_| true, None, 10);
    let page = runtime.block_on(page).expect("it is known");
    assert_eq!((page.items.len(), page.missing), (1, vec![two.id(1)]));
    let nodes = runtime.block_on(node.nodes());
    let mute = nodes.iter().find(|listed| listed.node == two.id(1));
    assert!(!mute.expect("it is still listed").has_answered);
    two.set(1, Fault::None);
    assert_eq!(two.channels(), (vec![("news".to_owned(), 2)], vec![]));
}

#[test]
fn messages_that_come_twice_change_nothing() {
    let two = Two::start();
    let mut annas = two.annas();
    for anna in &mut annas {
        let reply = anna.ask("subscribe", json!({ "channel": "news" }));
        assert!(reply["subscribe"].is_object(), "{reply}");
    }
    two.set(0, Fault::Double);
    two.set(1, Fault::Double);
    assert_eq!(two.channels(), (vec![("news".to_owned(), 2)], vec![]));
    let (channel, reason) = (Some(Channel::new("other")), Unsubscribe::SERVER);
    two.order(Order::Unsubscribe { channel, reason });
    two.order(Order::Disconnect(Disconnect::FORCE_NO_RECONNECT));
    for anna in &mut annas {
        assert_eq!(anna.close_code(), 3503);
    }
}

#[test]
fn a_node_that_ends_is_forgotten_at_once() {
    let two = Two::start();
    let _client = Client::subscribed(two.nodes[0].addresses[0], "news");
    let gone = two.id(1);
    two.nodes[1].node.stop();
    assert_eq!(two.channels(), (vec![("news".to_owned(), 1)], vec![]));
    let Server { node, runtime, .. } = &two.nodes[0];
    assert_eq!(runtime.block_on(node.nodes()).len(), 1);
    let from = Some(Place {
        node: gone,
        mark: Mark::default(),
    });
    let page = node.connections_of_all(Criteria::default(), |_| true, from, 10);
    assert_eq!(runtime.block_on(page).err(), Some(ListError::NodeGone));
}
