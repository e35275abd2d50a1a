//! Publications of clients that wait because the node is congested.

use bytes::Bytes;
use serde_json::json;
use veche_engine::control::Addressees;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::memory::presence::MemoryPresence;
use veche_engine::pending::Pending;
use veche_node::inbox::InboxLimits;
use veche_node::node::{Engine, NodeConfig};
use veche_node::simulate::{Nobody, Simulation};
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::history::Query;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::order::Order;
use veche_websocket::frame::Opcode;

use crate::client::masked;
use crate::server::rules;

/// A node of one worker that is congested until its next turn, and a client that may have two commands in progress.
struct Congested {
    simulation: Simulation,
    publisher: u32,
}

impl Congested {
    fn new() -> Self {
        let config = NodeConfig {
            inbox: InboxLimits {
                high_water: 1024,
                hard_limit: 1 << 20,
            },
            ..NodeConfig::default()
        };
        let mut rules = rules();
        rules.client.concurrency = 2;
        let (authority, reception) = (std::sync::Arc::new(Nobody), std::sync::Arc::new(Nobody));
        let simulation = Simulation::with(config, rules, authority, reception, |sink| {
            let clock = std::sync::Arc::new(SystemClock::default());
            Engine {
                broker: std::sync::Arc::new(MemoryBroker::new(sink, clock.clone())),
                presence: std::sync::Arc::new(MemoryPresence::new(clock)),
                controller: None,
            }
        });
        let mut congested = Self {
            simulation: simulation.expect("event queues"),
            publisher: 0,
        };
        let subscriber = congested.connected();
        congested.publisher = congested.connected();
        congested.say(
            subscriber,
            &json!({ "id": 2, "subscribe": { "channel": "noise" } }).to_string(),
        );
        congested.simulation.turn();
        let noise = Payload::json(Bytes::from(format!("\"{}\"", "x".repeat(2048))));
        let noise = Publication::new(noise);
        let options = PublishOptions::default();
        congested
            .simulation
            .publish(&Channel::new("noise"), noise, &options);
        congested
    }

    fn connected(&mut self) -> u32 {
        let slot = self.simulation.open(Encoding::Json, None).expect("a slot");
        self.say(slot, r#"{"id":1,"connect":{}}"#);
        slot
    }

    fn say(&mut self, slot: u32, message: &str) {
        let mut frame = masked(Opcode::Text, message.as_bytes());
        self.simulation.receive(slot, &mut frame);
    }

    /// Publishes these numbers in one message.
    fn publish(&mut self, numbers: std::ops::RangeInclusive<u32>) {
        let commands: Vec<_> = numbers
            .map(|number| {
                json!({ "id": number, "publish": { "channel": "news", "data": number } })
                    .to_string()
            })
            .collect();
        self.say(self.publisher, &commands.join("\n"));
    }

    /// What was published.
    fn published(&self) -> Vec<String> {
        let broker = &self.simulation.node().engine().broker;
        let Pending::Ready(Ok(page)) = broker.history(&Channel::new("news"), &Query::default())
        else {
            panic!("the engine is in memory");
        };
        let data = page.publications.iter().map(|it| it.data.bytes());
        data.map(|data| String::from_utf8_lossy(data).into_owned())
            .collect()
    }
}

#[test]
fn what_a_client_publishes_while_the_node_is_congested_stays_in_order() {
    let mut congested = Congested::new();
    congested.publish(2..=6);
    assert!(congested.published().is_empty(), "it waits");
    congested.simulation.turn();
    assert_eq!(congested.published(), ["2", "3", "4", "5", "6"]);
}

#[test]
fn what_a_client_could_not_publish_before_it_was_disconnected_is_dropped() {
    let mut congested = Congested::new();
    congested.publish(2..=3);
    let order = Order::Disconnect(Disconnect::FORCE_NO_RECONNECT);
    congested.simulation.order(&Addressees::default(), &order);
    congested.simulation.turn();
    assert!(congested.published().is_empty());

    let mut congested = Congested::new();
    congested.publish(2..=3);
    congested.simulation.lose(congested.publisher);
    congested.simulation.turn();
    assert!(congested.published().is_empty());
}
