//! Positions are compared with streams: who lost something is told though nothing more comes, and nobody else is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use veche_engine::broker::{Broker, Published};
use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::pending::Pending;
use veche_node::node::NodeConfig;
use veche_protocol::channel::Channel;
use veche_protocol::history::{Page, Query};
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::{Publication, PublishOptions};

use crate::client::Client;
use crate::server::{CHECK_DELAY, Server, two_workers};

/// An engine whose stream of `news` is ahead of what it delivers.
#[derive(Debug)]
struct Ahead {
    broker: MemoryBroker,
    by: Arc<AtomicU64>,
}

impl Lifecycle for Ahead {}

impl Broker for Ahead {
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

    fn publish_leave(
        &self,
        channel: &Channel,
        info: Arc<ClientInfo>,
    ) -> Pending<Result<(), EngineError>> {
        self.broker.publish_leave(channel, info)
    }

    fn history(&self, channel: &Channel, query: &Query) -> Pending<Result<Page, EngineError>> {
        match self.broker.history(channel, query) {
            Pending::Ready(Ok(mut page)) if channel.as_str() == "news" => {
                page.position.offset += self.by.load(Ordering::SeqCst);
                Pending::Ready(Ok(page))
            }
            other => other,
        }
    }

    fn remove_history(&self, channel: &Channel) -> Pending<Result<(), EngineError>> {
        self.broker.remove_history(channel)
    }
}

#[test]
fn who_lost_the_latest_publication_is_told_though_nothing_more_comes() {
    let by = Arc::new(AtomicU64::new(0));
    let server = Server::start_with(two_workers(), |broker| {
        let by = by.clone();
        Arc::new(Ahead { broker, by })
    });
    let mut clients: Vec<_> = [0, 0, 1]
        .into_iter()
        .map(|worker| Client::subscribed(server.addresses[worker], "news"))
        .collect();
    server.publish("news", "1");
    for client in &mut clients {
        assert_eq!(client.publication()["data"], 1);
    }
    by.store(1, Ordering::SeqCst);
    for client in &mut clients {
        let push = client.reply();
        assert_eq!(push["push"]["unsubscribe"]["code"], 2500, "{push}");
    }
}

#[test]
fn live_traffic_is_no_loss() {
    for server in [Server::start(), Server::start_later_of(2)] {
        let mut client = Client::subscribed(server.addresses[0], "news");
        let began = Instant::now();
        let mut count = 0;
        while began.elapsed() < 20 * CHECK_DELAY {
            for _ in 0..10 {
                server.publish("news", "1");
            }
            // Whatever else came instead fails here.
            for _ in 0..10 {
                count += 1;
                assert_eq!(client.publication()["offset"], count);
            }
        }
    }
}

#[test]
fn what_comes_too_late_is_a_loss() {
    let server = Server::start();
    let mut rules = server.node.rules().as_ref().clone();
    rules.client.position_max_time_lag = Duration::from_secs(5);
    server.node.set_rules(rules);
    let mut client = Client::subscribed(server.addresses[0], "news");
    server.publish("news", "1");
    assert_eq!(client.publication()["data"], 1);
    let an_hour_after_1970 = 3_600_000;
    server.publish_at("news", "2", an_hour_after_1970);
    let push = client.reply();
    assert_eq!(push["push"]["unsubscribe"]["code"], 2500, "{push}");
}

#[test]
fn after_an_absence_of_the_engine_those_who_lost_something_are_told_and_nobody_else() {
    let by = Arc::new(AtomicU64::new(0));
    let config = NodeConfig {
        workers: 4,
        ..NodeConfig::default()
    };
    let server = Server::start_with(config, |broker| {
        let by = by.clone();
        Arc::new(Ahead { broker, by })
    });
    let mut rules = server.node.rules().as_ref().clone();
    // Nothing is compared unless there is a reason.
    rules.client.position_check_delay = Duration::ZERO;
    server.node.set_rules(rules);
    let subscribed = |channel| -> Vec<_> {
        let addresses = server.addresses.iter();
        addresses
            .map(|address| Client::subscribed(*address, channel))
            .collect()
    };
    let (mut news, mut sports) = (subscribed("news"), subscribed("sports"));
    // The engine was away, and nothing was published meanwhile.
    server.sink.resumed();
    server.publish("news", "1");
    server.publish("sports", "1");
    for client in news.iter_mut().chain(&mut sports) {
        assert_eq!(client.publication()["data"], 1);
    }
    // It was away again, and something did not come.
    by.store(1, Ordering::SeqCst);
    server.sink.resumed();
    for client in &mut news {
        let push = client.reply();
        assert_eq!(push["push"]["unsubscribe"]["code"], 2500, "{push}");
    }
    server.publish("sports", "2");
    for client in &mut sports {
        assert_eq!(client.publication()["data"], 2);
    }
}

#[test]
fn a_gap_that_the_engine_suspects_is_told_where_it_is_one() {
    let by = Arc::new(AtomicU64::new(0));
    let server = Server::start_with(two_workers(), |broker| {
        let by = by.clone();
        Arc::new(Ahead { broker, by })
    });
    let mut rules = server.node.rules().as_ref().clone();
    rules.client.position_check_delay = Duration::ZERO;
    server.node.set_rules(rules);
    let mut news = Client::subscribed(server.addresses[0], "news");
    let mut sports = Client::subscribed(server.addresses[1], "sports");
    by.store(1, Ordering::SeqCst);
    for channel in ["sports", "news", "nobody:is here"] {
        server.sink.gap(&Channel::new(channel));
    }
    let push = news.reply();
    assert_eq!(push["push"]["unsubscribe"]["code"], 2500, "{push}");
    server.publish("sports", "1");
    assert_eq!(sports.publication()["data"], 1);
}
