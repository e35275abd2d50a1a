//! Whole conversations: several clients in front of sessions, a hub and the engine in memory.
//!
//! The input is a list of records: who and what (a byte), how many bytes (two), the bytes. Whatever clients send, no
//! session fails, the server speaks well-formed frames, each command with an id has exactly one reply or the
//! connection is closed, and nothing stays behind.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::{Clock, ManualClock};
use veche_engine::memory::presence::MemoryPresence;
use veche_node::connection::{Conversation, Opening};
use veche_node::node::{Engine, NodeConfig};
use veche_node::simulate::Simulation;
use veche_protocol::batch::Encoding;
use veche_protocol::publication::Retention;
use veche_session::application::ProxyName;
use veche_session::rules::{ChannelOptions, Rules};
use veche_session::turn::Now;

mod application;
mod client;

use application::Application;
use client::{Client, Dialect};

const CLIENTS: usize = 4;
/// Records that are looked at.
const MOST: usize = 200;

/// A list of records.
pub fn run(input: &[u8]) {
    let mut world = World::new();
    let mut rest = input;
    for _ in 0..MOST {
        let Some((&[what, high, low], after)) = rest.split_first_chunk::<3>() else {
            break;
        };
        let len = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (bytes, after) = after.split_at(len);
        rest = after;
        world.step(what, bytes);
    }
    world.finish();
}

struct World {
    sim: Simulation,
    clock: Arc<ManualClock>,
    clients: Vec<Option<Client>>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(1_700_000_000_000));
        let config = NodeConfig {
            workers: 2,
            queue_max_size: 256 << 10,
            ..NodeConfig::default()
        };
        let authority = Arc::new(Application(crate::tokens::our_verifier()));
        let reception = Arc::new(crate::head::reception());
        let sim = Simulation::with(config, rules(), authority, reception, |sink| Engine {
            broker: Arc::new(MemoryBroker::new(sink, clock.clone())),
            presence: Arc::new(MemoryPresence::new(clock.clone())),
            controller: None,
        });
        Self {
            sim: sim.expect("an event queue"),
            clock,
            clients: (0..CLIENTS).map(|_| None).collect(),
        }
    }

    fn step(&mut self, what: u8, bytes: &[u8]) {
        let number = usize::from(what & 3);
        match what >> 2 {
            // A client comes, in the place of who was there.
            0 => self.open(number, bytes.first().copied().unwrap_or(0)),
            1 | 2 => {
                let is_text = what >> 2 == 1;
                self.with(number, |client| client.say(is_text, bytes));
            }
            // Bytes that may be anything, in the place of a frame.
            3 => self.with(number, |client| client.write_raw(bytes)),
            4 => {
                let seconds = bytes.first().copied().unwrap_or(1);
                self.clock.pass(Duration::from_secs(seconds.into()));
                self.settle(2);
            }
            5 => self.close(number),
            _ => self.settle(1),
        }
    }

    fn with(&mut self, number: usize, act: impl FnOnce(&mut Client)) {
        if let Some(Some(client)) = self.clients.get_mut(number) {
            act(client);
        }
        self.settle(1);
    }

    fn open(&mut self, number: usize, how: u8) {
        self.close(number);
        let (ours, theirs) = UnixStream::pair().expect("two ends");
        for end in [&ours, &theirs] {
            end.set_nonblocking(true).expect("it is a socket");
        }
        let theirs = std::net::TcpStream::from(OwnedFd::from(theirs));
        let worker = usize::from(how >> 7);
        let dialect = match how & 3 {
            0 => Dialect::Centrifuge(Encoding::Json),
            1 => Dialect::Centrifuge(Encoding::Protobuf),
            2 => Dialect::Plain,
            _ => Dialect::Http,
        };
        let deflate = how & 4 != 0;
        let conversation = match dialect {
            Dialect::Http => {
                let seat = self.sim.knock_at(worker, theirs).expect("a place");
                self.seat(number, Client::new(dialect, false, seat, ours));
                return;
            }
            Dialect::Plain => Conversation::Plain { token: None },
            Dialect::Centrifuge(encoding) => Conversation::Centrifuge { encoding },
        };
        let mut opening = Opening::websocket(conversation);
        if how & 8 != 0 {
            opening = opening.pinged_by_frames();
        }
        if deflate {
            opening = opening.compressed();
        }
        let seat = self.sim.open_at(worker, opening, Some(theirs));
        let client = Client::new(dialect, deflate, seat.expect("a place"), ours);
        self.seat(number, client);
    }

    fn seat(&mut self, number: usize, client: Client) {
        if let Some(place) = self.clients.get_mut(number) {
            *place = Some(client);
        }
    }

    /// The client goes without a word.
    fn close(&mut self, number: usize) {
        if let Some(client) = self.clients.get_mut(number).and_then(Option::take) {
            let seat = client.seat;
            drop(client);
            self.sim.ready(seat);
        }
    }

    fn settle(&mut self, rounds: usize) {
        for _ in 0..rounds {
            for client in self.clients.iter_mut().flatten() {
                client.send();
                self.sim.ready(client.seat);
            }
            let now = self.clock.now();
            let now = Now {
                monotonic: now.monotonic,
                unix_ms: now.unix_ms,
            };
            for worker in 0..2 {
                self.sim.act(worker, now);
            }
            self.sim.control();
            for client in self.clients.iter_mut().flatten() {
                client.hear();
            }
        }
        assert_eq!(self.sim.connections().1, 0, "a session failed");
    }

    fn finish(&mut self) {
        // A socket takes so much at a time that this is enough for all that can be owed.
        self.settle(12);
        for client in self.clients.iter().flatten() {
            client.check();
        }
        (0..CLIENTS).for_each(|number| self.close(number));
        self.settle(2);
        // Whoever was told the end is waited for; not for ever.
        self.clock.pass(Duration::from_secs(60));
        self.settle(3);
        assert_eq!(self.sim.population(), (0, 0), "somebody stays");
        assert_eq!(self.sim.connections(), (0, 0), "a connection stays");
        assert_eq!(self.sim.node().channel_count(), 0, "a channel stays");
    }
}

fn rules() -> Rules {
    let retention = Retention {
        size: 10,
        ttl: Duration::from_secs(60),
        meta_ttl: Duration::from_secs(600),
    };
    let all = ChannelOptions {
        presence: true,
        join_leave: true,
        force_push_join_leave: true,
        retention: Some(retention),
        history_meta_ttl: retention.meta_ttl,
        allow_positioning: true,
        allow_recovery: true,
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
        allow_publish_for_client: true,
        allow_publish_for_anonymous: true,
        allow_presence_for_client: true,
        allow_presence_for_anonymous: true,
        allow_history_for_client: true,
        allow_history_for_anonymous: true,
        allow_user_limited_channels: true,
        allow_tags_filter: true,
        allow_fossil_delta: true,
        delta_publish: true,
        allow_channel_compaction: true,
        ..ChannelOptions::default()
    };
    let bare = ChannelOptions {
        namespace: "bare".into(),
        retention: None,
        presence: false,
        ..all.clone()
    };
    let proxy = || Some(ProxyName::from("default"));
    let asking = ChannelOptions {
        namespace: "app".into(),
        subscribe_proxy: proxy(),
        publish_proxy: proxy(),
        sub_refresh_proxy: proxy(),
        ..all.clone()
    };
    let mut rules = Rules::default();
    rules.client.connect_proxy = true;
    rules.client.allow_anonymous_connect_without_token = true;
    rules.client.allow_name_login = true;
    rules.client.channel_limit = 16;
    rules.client.concurrency = 2;
    rules.rpc.without_namespace = proxy();
    rules.channel.without_namespace = Arc::new(all);
    rules
        .channel
        .namespaces
        .insert("bare".into(), Arc::new(bare));
    rules
        .channel
        .namespaces
        .insert("app".into(), Arc::new(asking));
    rules
}

/// How often each id was seen.
type Counts = BTreeMap<u32, usize>;
