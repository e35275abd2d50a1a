//! What the end of a connection does not wait for.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use veche_engine::broker::{Broker, Published};
use veche_engine::control::Addressees;
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::order::Order;
use veche_session::rules::ChannelOptions;

use crate::client::Client;
use crate::server::{Server, rules, two_workers};

/// Longer than anything here should take.
const PATIENCE: Duration = Duration::from_secs(10);

/// An engine that takes so long to tell that somebody left as it is told to.
#[derive(Debug)]
struct SlowToLeave {
    broker: MemoryBroker,
    /// A leave waits for one of these.
    permits: Mutex<Receiver<()>>,
    /// Leaves that had theirs in time.
    left: Arc<Mutex<usize>>,
}

impl Lifecycle for SlowToLeave {}

impl Broker for SlowToLeave {
    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        let permits = self.permits.lock().expect("nobody fails with it");
        if permits.recv_timeout(PATIENCE).is_ok() {
            *self.left.lock().expect("nobody fails with it") += 1;
        }
        self.broker.publish_leave(channel, info)
    }

    fn subscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.broker.subscribe(channel)
    }

    fn unsubscribe(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.broker.unsubscribe(channel)
    }

    fn publish(
        &self,
        channel: &Channel,
        publication: Publication,
        options: &PublishOptions,
    ) -> Pending<Result<Published, EngineError>> {
        self.broker.publish(channel, publication, options)
    }

    fn publish_join(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        self.broker.publish_join(channel, info)
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        self.broker.history(channel, query)
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.broker.remove_history(channel)
    }
}

#[test]
fn a_client_hears_the_end_before_the_engine_is_told_that_it_left() {
    let (permit, permits) = channel();
    let left = Arc::new(Mutex::new(0));
    let server = Server::start_with(two_workers(), |broker| {
        Arc::new(SlowToLeave {
            broker,
            permits: Mutex::new(permits),
            left: left.clone(),
        })
    });
    let mut rules = rules();
    rules.channel.without_namespace = Arc::new(ChannelOptions {
        join_leave: true,
        force_push_join_leave: true,
        ..(*rules.channel.without_namespace).clone()
    });
    server.node.set_rules(rules);

    let mut ordered = Client::subscribed(server.addresses[0], "news");
    let mut faulty = Client::subscribed(server.addresses[1], "news");
    let order = Order::Disconnect(Disconnect::FORCE_NO_RECONNECT);
    let node = server.node.clone();
    let obeyed = server
        .runtime
        .spawn(async move { node.order(Addressees::default(), order).await });
    assert_eq!(ordered.close_code(), 3503);
    assert_eq!(faulty.close_code(), 3503);
    assert!(!obeyed.is_finished(), "who ordered it waits for the engine");
    permit.send(()).expect("the engine lives");
    permit.send(()).expect("the engine lives");
    let count = server.runtime.block_on(obeyed).expect("it ran");
    assert_eq!(count.expect("no channel is named"), 2);

    let mut faulty = Client::subscribed(server.addresses[0], "news");
    faulty.command("subscribe", json!({ "channel": "" }));
    assert_eq!(faulty.close_code(), 3501);
    permit.send(()).expect("the engine lives");
    drop(server);
    assert_eq!(*left.lock().expect("nobody fails with it"), 3);
}
