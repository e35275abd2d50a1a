//! One worker, its clients, and the late engine, in steps.

use std::sync::Arc;
use std::time::Duration;

use veche_engine::broker::Broker;
use veche_engine::conformance::late::{Effect, Faults, Handle, Late};
use veche_engine::memory::clock::{Clock, ManualClock};
use veche_node::node::{Engine, NodeConfig};
use veche_node::simulate::{Nobody, Simulation};
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientId;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::rules::{ChannelOptions, Rules};
use veche_session::turn::Now;
use veche_websocket::frame::{self, Opcode};

/// Channels that clients subscribe to.
pub(crate) const CHANNELS: usize = 3;
const CLIENTS: usize = 5;

/// A channel's name.
pub(crate) fn name(channel: usize) -> Channel {
    Channel::new(&format!("c{channel}"))
}

pub(crate) struct World {
    simulation: Simulation,
    pub(crate) late: Arc<Late>,
    clock: Arc<ManualClock>,
    clients: Vec<Client>,
    random: fastrand::Rng,
}

struct Client {
    slot: u32,
    last_id: u32,
    /// By channel: what it asked for last.
    wants: [bool; CHANNELS],
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(NodeConfig::default())
    }

    pub(crate) fn with(config: NodeConfig) -> Self {
        let clock = Arc::new(ManualClock::at(1_700_000_000_000));
        let mut rules = Rules::default();
        rules.client.insecure = true;
        rules.client.ping_interval = None;
        rules.channel.without_namespace = Arc::new(ChannelOptions {
            presence: true,
            join_leave: true,
            ..ChannelOptions::default()
        });
        let nobody = || Arc::new(Nobody);
        let mut late = None;
        let simulation = Simulation::with(config, rules, nobody(), nobody(), |sink| {
            let engine = Late::new(sink, clock.clone());
            late = Some(engine.clone());
            Engine {
                broker: Arc::new(Handle(engine.clone())),
                presence: Arc::new(Handle(engine)),
                controller: None,
            }
        });
        Self {
            simulation: simulation.expect("an event queue"),
            late: late.expect("it was made"),
            clock,
            clients: Vec::new(),
            random: fastrand::Rng::with_seed(1),
        }
    }

    /// Random comings and goings, with random steps of the engine between them.
    pub(crate) fn run(&mut self, seed: u64, faults: Faults, steps: usize) {
        self.random = fastrand::Rng::with_seed(seed);
        self.late.set_faults(faults, seed);
        for _ in 0..steps {
            let (client, channel) = (self.random.usize(..CLIENTS), self.random.usize(..CHANNELS));
            match self.random.u8(..10) {
                0 if client < self.clients.len() => self.lose(client),
                1 | 2 if self.clients.len() < CLIENTS => drop(self.connect()),
                3..6 if client < self.clients.len() => self.subscribe(client, channel),
                6 if client < self.clients.len() => self.unsubscribe(client, channel),
                // The tick comes that keeps clients present.
                7 => self.pass(Duration::from_secs(9)),
                _ => {
                    for _ in 0..self.random.usize(..6) {
                        let which = self.random.usize(..);
                        self.step(which);
                    }
                    if self.random.bool() {
                        self.settle_node();
                    }
                }
            }
        }
    }

    pub(crate) fn connect(&mut self) -> usize {
        let slot = self.simulation.open(Encoding::Json, None);
        self.clients.push(Client {
            slot: slot.expect("a slot"),
            last_id: 0,
            wants: [false; CHANNELS],
        });
        let client = self.clients.len() - 1;
        self.say(client, r#""connect":{}"#);
        client
    }

    pub(crate) fn subscribe(&mut self, client: usize, channel: usize) {
        if !self.clients[client].wants[channel] {
            self.clients[client].wants[channel] = true;
            self.say(
                client,
                &format!(r#""subscribe":{{"channel":"c{channel}"}}"#),
            );
        }
    }

    fn unsubscribe(&mut self, client: usize, channel: usize) {
        if self.clients[client].wants[channel] {
            self.clients[client].wants[channel] = false;
            self.say(
                client,
                &format!(r#""unsubscribe":{{"channel":"c{channel}"}}"#),
            );
        }
    }

    fn say(&mut self, client: usize, command: &str) {
        let client = &mut self.clients[client];
        client.last_id += 1;
        let text = format!(r#"{{"id":{},{command}}}"#, client.last_id);
        let mut bytes = Vec::new();
        frame::write_masked(&mut bytes, Opcode::Text, false, text.as_bytes(), [0; 4]);
        self.simulation.receive(client.slot, &mut bytes);
    }

    pub(crate) fn lose(&mut self, client: usize) {
        let client = self.clients.swap_remove(client);
        self.simulation.lose(client.slot);
        self.act();
    }

    pub(crate) fn lose_all(&mut self) {
        while !self.clients.is_empty() {
            self.lose(0);
        }
    }

    /// A step of the engine, without the node.
    pub(crate) fn step(&mut self, which: usize) -> bool {
        self.late.step(which)
    }

    /// What the engine has answered arrives.
    pub(crate) fn settle_node(&mut self) {
        self.simulation.control();
        self.act();
    }

    /// The engine does all that it was asked to, and everything arrives.
    pub(crate) fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < 3 {
            quiet += 1;
            while self.step(self.random.clone().usize(..)) {
                quiet = 0;
            }
            self.settle_node();
        }
    }

    fn act(&mut self) {
        let now = self.clock.now();
        let now = Now {
            monotonic: now.monotonic,
            unix_ms: now.unix_ms,
        };
        self.simulation.act(0, now);
    }

    fn pass(&mut self, time: Duration) {
        self.clock.pass(time);
        self.act();
    }

    /// Long enough that every client is kept, and once more.
    pub(crate) fn pass_presence_update(&mut self) {
        for _ in 0..6 {
            self.pass(Duration::from_secs(9));
        }
    }

    pub(crate) fn pass_presence_ttl(&mut self) {
        self.pass(NodeConfig::default().presence_ttl);
    }

    /// How many are present in a channel.
    pub(crate) fn present(&self, channel: usize) -> usize {
        self.late.present(&name(channel)).len()
    }

    /// How many want to be.
    pub(crate) fn subscribed(&self, channel: usize) -> usize {
        let wanting = self.clients.iter().filter(|it| it.wants[channel]);
        wanting.count()
    }

    /// Publishes so many bytes, as another node does. Nobody waits for the answer.
    pub(crate) fn publish(&self, channel: usize, bytes: usize) {
        let publication =
            Publication::new(Payload::json(format!("\"{}\"", "x".repeat(bytes)).into()));
        let broker = Handle(self.late.clone());
        drop(broker.publish(&name(channel), publication, &PublishOptions::default()));
    }

    /// Publications that have come to the node, and frames that clients owe or have got.
    pub(crate) fn publications(&self) -> (u64, u64) {
        let node = self.simulation.node();
        let counters = node.all_counters().iter();
        let sent = counters.map(|counters| counters.publications_sent.value());
        (node.received_publications(), sent.sum())
    }

    pub(crate) fn population(&self) -> (usize, usize) {
        self.simulation.population()
    }

    pub(crate) fn channels_at_the_engine(&self) -> usize {
        self.simulation.node().info().channels
    }

    pub(crate) fn effects_of_presence(&self, channel: usize) -> Vec<Effect> {
        let effects = self.late.effects().into_iter();
        let effects = effects.filter(|(of, _)| *of == name(channel));
        effects
            .map(|(_, effect)| effect)
            .filter(|it| matches!(it, Effect::Added(_) | Effect::Removed(_)))
            .collect()
    }

    /// Each client joins before it leaves, and leaves before it joins again; so does the node at the engine.
    pub(crate) fn assert_alternating(&self, channel: usize, seed: u64) {
        let mut inside: Vec<ClientId> = Vec::new();
        let mut is_subscribed = false;
        for (_, effect) in (self.late.effects().into_iter()).filter(|(of, _)| *of == name(channel))
        {
            match effect {
                Effect::Joined(client) => {
                    assert!(!inside.contains(&client), "twice joined, seed {seed}");
                    inside.push(client);
                }
                Effect::Left(client) => {
                    let at = inside.iter().position(|it| *it == client);
                    let at = at.unwrap_or_else(|| panic!("left before it joined, seed {seed}"));
                    inside.swap_remove(at);
                }
                Effect::Subscribed => {
                    assert!(!is_subscribed, "subscribed twice, seed {seed}");
                    is_subscribed = true;
                }
                Effect::Unsubscribed => {
                    assert!(is_subscribed, "unsubscribed twice, seed {seed}");
                    is_subscribed = false;
                }
                Effect::Added(_) | Effect::Removed(_) | Effect::Other => {}
            }
        }
        assert_eq!(inside.len(), self.subscribed(channel), "seed {seed}");
    }
}
