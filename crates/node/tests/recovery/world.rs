//! A node, its engine and its clients, in steps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use veche_engine::control::Addressees;
use veche_engine::memory::clock::{Clock, ManualClock};
use veche_engine::memory::presence::MemoryPresence;
use veche_node::connection::{Conversation, Opening};
use veche_node::inbox::InboxLimits;
use veche_node::node::{Engine, NodeConfig};
use veche_node::simulate::{Nobody, Simulation};
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::identity::UserId;
use veche_protocol::payload::Payload;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::push::Unsubscribe;
use veche_session::order::Order;
use veche_session::turn::Now;

use crate::book::{Book, Counts, Loss};
use crate::client::{Asked, Client, OrderStage, Ordered, pair};
use crate::dialect::{Dialect, Heard, Said, Subscribed, Wish};
use crate::engine::Watched;
use crate::past::Held;
use crate::step::{Body, Invented, Setup, Step};
use crate::view::{self, Before, Mode};

mod rules;

pub(crate) use rules::{CHANNELS, CLIENTS};
use rules::{CHECK_DELAY, RECOVERY_LIMIT, rules};

pub(crate) struct World {
    sim: Simulation,
    engine: Watched,
    book: Arc<Mutex<Book>>,
    clock: Arc<ManualClock>,
    clients: Vec<Client>,
    workers: usize,
    hot: usize,
    is_lossy: bool,
    /// What channels had had when each worker had its last turn: it has seen that.
    seen: Vec<HashMap<&'static str, Counts>>,
    serial: u64,
    /// The text that the next publication may be alike, by channel.
    texts: BTreeMap<usize, String>,
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock::at(1_700_000_000_000));
        let book = Arc::new(Mutex::new(Book::default()));
        let mut config = NodeConfig {
            workers: setup.workers,
            ..NodeConfig::default()
        };
        if setup.small_inboxes {
            config.inbox = InboxLimits {
                high_water: 2000,
                hard_limit: 8000,
            };
        }
        let mut engine = None;
        let sim = Simulation::with(
            config,
            rules(),
            Arc::new(Nobody),
            Arc::new(Nobody),
            |sink| {
                let watched = Watched::new(
                    sink,
                    book.clone(),
                    clock.clone(),
                    setup.is_slow,
                    setup.is_durable,
                );
                engine = Some(watched.clone());
                Engine {
                    broker: Arc::new(watched),
                    presence: Arc::new(MemoryPresence::new(clock.clone())),
                    controller: None,
                }
            },
        );
        book.lock().pass(clock.now().monotonic);
        let clients = setup.kinds.iter().enumerate();
        let mut world = Self {
            sim: sim.expect("an event queue"),
            engine: engine.expect("it was made"),
            book,
            clock,
            clients: clients
                .map(|(number, kind)| Client::new(number, *kind))
                .collect(),
            workers: setup.workers,
            hot: setup.hot,
            is_lossy: setup.small_inboxes,
            seen: vec![HashMap::default(); setup.workers],
            serial: 0,
            texts: BTreeMap::default(),
        };
        for client in 0..CLIENTS {
            world.connect(client, client % world.workers);
        }
        world.settle();
        world
    }

    pub(crate) fn step(&mut self, mut step: Step) {
        if let Some(channel) = step.channel()
            && *channel >= CHANNELS.len()
        {
            *channel = self.hot;
        }
        match step {
            Step::Connect { client, worker } => self.connect(client, worker),
            Step::Cut { client } => self.cut(client),
            Step::Subscribe { .. } => self.subscribe(&step),
            Step::Unsubscribe { client, channel } => {
                let name = CHANNELS[channel].to_owned();
                let client = &mut self.clients[client];
                if client.is_connected && !client.asked_to_leave(&name) {
                    let said = Said::Unsubscribe(name.clone());
                    client.say(&said, Asked::Unsubscribe(name));
                }
            }
            Step::ApiPublish { .. } => self.api_publish(&step),
            Step::ClientPublish {
                client,
                channel,
                body,
            } => {
                let mut data = self.data(channel, body);
                let client = &mut self.clients[client];
                if client.kind.dialect == Dialect::Json {
                    // A command is a line.
                    data.retain(|byte| *byte != b'\n');
                }
                let takes_bytes = client.kind.dialect == Dialect::Protobuf;
                if client.is_connected && (takes_bytes || !body.is_binary) {
                    let channel = CHANNELS[channel].to_owned();
                    client.say(&Said::Publish { channel, data }, Asked::Publish);
                }
            }
            Step::ApiSubscribe { .. } | Step::ApiUnsubscribe { .. } => self.order(&step),
            Step::ApiDisconnect { client } => {
                self.send_order(client, &Order::Disconnect(Disconnect::FORCE_NO_RECONNECT));
            }
            Step::RemoveHistory { channel } => {
                let node = self.sim.node().clone();
                self.sim.spawn(async move {
                    // Where nothing is kept, nothing is forgotten.
                    let _ = node.remove_history(CHANNELS[channel]).await;
                });
                self.sim.control();
            }
            Step::Lose { channel, is_told } => {
                let loss = if is_told { Loss::Told } else { Loss::Silent };
                let mut book = self.book.lock();
                book.losses.insert(CHANNELS[channel].to_owned(), loss);
            }
            Step::Resume => self.engine.sink().resumed(),
            Step::Restart => self.engine.restart(),
            Step::Fail { count } => self.book.lock().failing = count,
            Step::Pass { millis } => {
                self.pass(Duration::from_millis(millis));
                self.engine.sweep();
            }
            Step::Send { client } => self.send(client),
            Step::Hear { client, most } => drop(self.hear(client, most)),
            Step::Act { worker } => self.act(worker),
            Step::Engine { which } => drop(self.engine.step(which)),
            Step::Control => self.sim.control(),
            Step::Settle => self.settle(),
        }
    }

    /// Everything that is on its way arrives; then everybody has everything, or was told.
    pub(crate) fn finish(&mut self) {
        {
            let mut book = self.book.lock();
            book.failing = 0;
            book.losses.clear();
        }
        self.watch();
        self.check();
        // Whoever is left alone now comes again, and has everything.
        for client in 0..CLIENTS {
            self.cut(client);
        }
        self.settle();
        assert_eq!(self.sim.population(), (0, 0), "something stays behind");
        for client in 0..CLIENTS {
            self.connect(client, client % self.workers);
        }
        self.settle();
        for client in 0..CLIENTS {
            for channel in 0..CHANNELS.len() {
                self.subscribe(&Step::Subscribe {
                    client,
                    channel,
                    recovers: true,
                    positioned: true,
                    rejects: false,
                    filter: crate::dialect::Filter::All,
                    invented: Invented::No,
                });
            }
        }
        self.settle();
        self.check();
        for client in &self.clients {
            let live = client.views.values().filter(|view| view.live.is_some());
            assert_eq!(live.count(), CHANNELS.len(), "{} is not whole", client.user);
        }
        assert_eq!(self.sim.connections().1, 0, "a session failed");
    }

    /// Long enough that every channel's position is compared with its stream, and a doubt is certain.
    fn watch(&mut self) {
        self.settle();
        for _ in 0..2 * CHECK_DELAY.as_secs() + 4 {
            self.pass(Duration::from_secs(1));
            self.settle();
        }
    }

    fn pass(&mut self, duration: Duration) {
        self.clock.pass(duration);
        self.book.lock().pass(self.clock.now().monotonic);
    }

    fn check(&mut self) {
        let now = self.clock.now().monotonic;
        let mut book = self.book.lock();
        for client in &self.clients {
            assert!(client.asked.is_empty(), "no answer: {:?}", client.asked);
            for (channel, view) in &client.views {
                if let Some(live) = &view.live {
                    let top = book.top(channel, now);
                    live.is_complete(&book, &top);
                }
            }
        }
        assert_eq!(self.sim.connections().1, 0, "a session failed");
    }

    fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..10_000 {
            let mut moved = false;
            for client in 0..CLIENTS {
                self.send(client);
            }
            while self.engine.step(0) {
                moved = true;
            }
            self.sim.control();
            for worker in 0..self.workers {
                self.act(worker);
            }
            for client in 0..CLIENTS {
                moved |= self.hear(client, 1 << 20);
            }
            quiet = if moved { 0 } else { quiet + 1 };
            if quiet > 6 {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    fn act(&mut self, worker: usize) {
        let now = self.clock.now();
        let now = Now {
            monotonic: now.monotonic,
            unix_ms: now.unix_ms,
        };
        self.seen[worker] = self.book.lock().counts();
        for client in &mut self.clients {
            client.take_orders(worker);
        }
        self.sim.act(worker, now);
        self.sim.control();
    }

    fn connect(&mut self, number: usize, worker: usize) {
        if self.clients[number].wire.is_some() {
            return;
        }
        let kind = self.clients[number].kind;
        let user = self.clients[number].user.clone();
        let (ours, theirs) = pair();
        let conversation = match kind.dialect {
            Dialect::Plain => Conversation::Plain { token: None },
            Dialect::Json | Dialect::Protobuf => Conversation::Centrifuge {
                encoding: if kind.dialect == Dialect::Json {
                    Encoding::Json
                } else {
                    Encoding::Protobuf
                },
            },
        };
        let mut opening = Opening {
            user: Some(UserId::new(&user)),
            ..Opening::websocket(conversation)
        };
        if kind.deflate {
            opening = opening.compressed();
        }
        let seat = self.sim.open_at(worker, opening, Some(theirs));
        self.clients[number].take_wire(seat.expect("a place"), ours);
        let mut subs = Vec::new();
        for channel in CHANNELS {
            let Some(view) = self.clients[number].views.get(channel) else {
                continue;
            };
            if let (true, Some(since)) = (view.is_given, view.known.clone())
                && kind.dialect != Dialect::Plain
            {
                let wish = Wish {
                    channel: channel.to_owned(),
                    since: Some(since),
                    delta: kind.delta,
                    ..Wish::default()
                };
                let before = self.before(worker, &wish);
                subs.push((wish, before));
            }
        }
        for view in self.clients[number].views.values_mut() {
            view.is_given = false;
        }
        let wishes = subs.iter().map(|(wish, _)| wish.clone()).collect();
        self.clients[number].say(&Said::Connect { subs: wishes }, Asked::Connect(subs));
    }

    fn cut(&mut self, number: usize) {
        let seat = self.clients[number].wire.as_ref().map(|wire| wire.seat);
        self.clients[number].drop_wire();
        if let Some(seat) = seat {
            self.sim.ready(seat);
        }
    }

    fn before(&self, worker: usize, wish: &Wish) -> Before {
        let now = self.clock.now().monotonic;
        let mut book = self.book.lock();
        Before {
            top: book.top(&wish.channel, now),
            moment: book.past(&wish.channel).moment(),
            counts: self.counts(worker, &wish.channel),
        }
    }

    fn counts(&self, worker: usize, channel: &str) -> Counts {
        self.seen[worker].get(channel).copied().unwrap_or_default()
    }

    fn subscribe(&mut self, step: &Step) {
        let &Step::Subscribe {
            client: number,
            channel,
            recovers,
            positioned,
            rejects,
            filter,
            invented,
        } = step
        else {
            return;
        };
        let name = CHANNELS[channel];
        let client = &mut self.clients[number];
        let Some(worker) = client.wire.as_ref().map(|wire| wire.seat.worker) else {
            return;
        };
        let view = client.views.entry(name.to_owned()).or_default();
        let known = view.known.clone();
        if view.live.is_some() || !client.is_connected || client.is_asking(name) {
            return;
        }
        let since = known
            .filter(|_| recovers)
            .map(|(epoch, offset)| match invented {
                Invented::No => (epoch, offset),
                Invented::OtherEpoch => ("other".to_owned(), offset),
                Invented::NoEpoch => (String::new(), offset),
                Invented::Future => (epoch, offset + 7),
                Invented::Beginning => (epoch, 0),
            });
        let wish = Wish {
            channel: name.to_owned(),
            since,
            positioned: positioned || client.kind.dialect == Dialect::Plain,
            delta: client.kind.delta,
            compact: client.kind.compact,
            rejects,
            filter,
        };
        let before = self.before(worker, &wish);
        let said = Said::Subscribe(wish.clone());
        self.clients[number].say(&said, Asked::Subscribe(wish, before));
    }

    /// Data that were never published before.
    fn data(&mut self, channel: usize, body: Body) -> Vec<u8> {
        self.serial += 1;
        let serial = self.serial;
        let text = self.texts.entry(channel).or_default();
        if !body.is_alike || text.len() != body.size {
            *text = (0..body.size)
                .map(|at| {
                    char::from(
                        b'a' + u8::try_from((at * 7 + at / 5) as u64 * serial % 23)
                            .expect("below 23"),
                    )
                })
                .collect();
        }
        match serial % 4 {
            _ if body.is_binary => format!("\u{1}{serial}\0{text}\n").into_bytes(),
            0 => format!("{{ \"n\" : {serial},\r\n \"t\" : \"{text} \u{00fc}\u{4e2d}\" }}")
                .into_bytes(),
            1 => format!("[{serial},\"{text}\",\"\\n\\u00e4\\/\"]").into_bytes(),
            2 => format!("\"{serial} <{text}> \\\"&\\\"\"").into_bytes(),
            _ => format!("{{\"n\":{serial},\"t\":\"{text}\",\"x\":1.50}}").into_bytes(),
        }
    }

    fn api_publish(&mut self, step: &Step) {
        let &Step::ApiPublish {
            channel,
            tag,
            body,
            key,
            version,
            delta,
            skips_history,
        } = step
        else {
            return;
        };
        let data = Bytes::from(self.data(channel, body));
        let mut publication = Publication::new(Payload::detect(data));
        assert_eq!(publication.data.is_json(), !body.is_binary);
        if let Some(tag) = tag {
            let tags = BTreeMap::from([("k".into(), tag.into())]);
            publication.tags = Some(Arc::new(tags));
        }
        let options = PublishOptions {
            idempotency_key: key.and_then(|key| {
                let text = format!("key {key}");
                IdempotencyKey::parse(KeyOwner::Backend, &text).expect("short enough")
            }),
            version: version.unwrap_or(0),
            delta,
            ..PublishOptions::default()
        };
        let node = self.sim.node().clone();
        self.sim.spawn(async move {
            // The book has what became of it.
            let _ = node
                .publish(CHANNELS[channel], publication, options, skips_history)
                .await;
        });
        self.sim.control();
    }

    fn order(&mut self, step: &Step) {
        match *step {
            Step::ApiSubscribe {
                client,
                channel,
                recovers,
            } => {
                let name = CHANNELS[channel];
                let of_client = &mut self.clients[client];
                let known = of_client
                    .views
                    .get(name)
                    .and_then(|view| view.known.clone());
                let since = known.filter(|_| recovers);
                for worker in 0..self.workers {
                    let before = self.counts(worker, name);
                    self.clients[client].orders.push(Ordered {
                        worker,
                        channel: name.to_owned(),
                        before,
                        stage: OrderStage::Waiting,
                    });
                }
                let order = Order::Subscribe {
                    channel: Channel::new(name),
                    options: SubscriptionOptions::default(),
                    recover_since: since
                        .map(|(epoch, offset)| StreamPosition::new(offset, Epoch::new(&epoch))),
                };
                self.send_order(client, &order);
            }
            Step::ApiUnsubscribe { client, channel } => {
                let order = Order::Unsubscribe {
                    channel: channel.map(|channel| Channel::new(CHANNELS[channel])),
                    reason: Unsubscribe::SERVER,
                };
                self.send_order(client, &order);
            }
            _ => {}
        }
    }

    fn send_order(&self, client: usize, order: &Order) {
        let addressees = Addressees {
            user: UserId::new(&self.clients[client].user),
            ..Addressees::default()
        };
        self.sim.order(&addressees, order);
    }

    fn send(&mut self, client: usize) {
        if let Some(wire) = &mut self.clients[client].wire {
            wire.send();
            let seat = wire.seat;
            self.sim.ready(seat);
        }
    }

    /// Returns whether anything was heard.
    fn hear(&mut self, number: usize, most: usize) -> bool {
        let Some(wire) = &mut self.clients[number].wire else {
            return false;
        };
        let heard = wire.hear(most);
        let is_any = !heard.is_empty();
        for heard in heard {
            if self.clients[number].wire.is_some() {
                self.take(number, heard);
            }
        }
        is_any
    }

    fn take(&mut self, number: usize, heard: Heard) {
        match heard {
            Heard::Nothing => {}
            Heard::Connected { id, subs } => {
                let Some(Asked::Connect(asked)) = self.clients[number].asked.remove(&id) else {
                    panic!("connected twice");
                };
                self.clients[number].is_connected = true;
                for (channel, told) in subs {
                    let asked = asked.iter().find(|(wish, _)| wish.channel == channel);
                    let (wish, before) = asked.expect("nobody else wants subscriptions");
                    self.subscribed(number, wish, before, told);
                    let view = self.clients[number].views.get_mut(&channel);
                    view.expect("it is there").is_given = true;
                }
            }
            Heard::Subscribed { id, subscribed } => {
                let Some(Asked::Subscribe(wish, before)) = self.clients[number].asked.remove(&id)
                else {
                    panic!("subscribed to what was not asked for");
                };
                self.subscribed(number, &wish, &before, subscribed);
            }
            Heard::Unsubscribed { id } => {
                let Some(Asked::Unsubscribe(channel)) = self.clients[number].asked.remove(&id)
                else {
                    panic!("unsubscribed from what was not asked for");
                };
                self.end(number, &channel);
            }
            Heard::Published { id } => {
                let asked = self.clients[number].asked.remove(&id);
                assert!(matches!(asked, Some(Asked::Publish)), "{asked:?}");
            }
            Heard::Failed { id, code } => self.failed(number, id, code),
            Heard::Given {
                channel,
                subscribed,
            } => self.given(number, &channel, &subscribed),
            Heard::Taken { channel, code } => {
                if code == 2500 {
                    self.assert_troubled(number, &channel);
                } else {
                    assert_eq!(code, 2000, "unsubscribed from {channel}");
                }
                self.end(number, &channel);
            }
            Heard::Publication {
                channel,
                publication,
            } => {
                let client = &mut self.clients[number];
                let Some(channel) = client.name(channel) else {
                    return;
                };
                let view = client.views.get_mut(&channel).expect("a known channel");
                view.receive(publication, &self.book.lock());
            }
            Heard::Closed(code) => self.closed(number, code),
        }
    }

    fn end(&mut self, number: usize, channel: &str) {
        let client = &mut self.clients[number];
        if let Some(view) = client.views.get_mut(channel) {
            view.live = None;
            view.is_given = false;
        }
        client.numbers.retain(|_, name| name != channel);
    }

    fn subscribed(&mut self, number: usize, wish: &Wish, before: &Before, told: Subscribed) {
        let now = self.clock.now().monotonic;
        let mut book = self.book.lock();
        let client = &mut self.clients[number];
        let dialect = client.kind.dialect;
        if told.id != 0 {
            assert!(wish.compact, "a number that nobody wanted");
            client.numbers.insert(told.id, wish.channel.clone());
        }
        let asked = view::Asked {
            dialect,
            wish,
            before,
            mode: mode(&wish.channel),
            recovers: recovers(dialect, wish),
            recoverable: recoverable(&book, dialect, wish, before),
            top: book.top(&wish.channel, now),
            is_lossy: self.is_lossy,
        };
        let view = client.views.entry(wish.channel.clone()).or_default();
        view.begin(&asked, told, &book);
    }

    fn given(&mut self, number: usize, channel: &str, told: &Subscribed) {
        let client = &mut self.clients[number];
        let since = client.obeyed(channel).expect("nobody ordered it");
        client.numbers.retain(|_, name| name != channel);
        let view = client.views.entry(channel.to_owned()).or_default();
        let dialect = client.kind.dialect;
        let book = self.book.lock();
        view.given(
            dialect,
            channel,
            told,
            (mode(channel), since),
            self.is_lossy,
            &book,
        );
    }

    fn failed(&mut self, number: usize, id: u32, code: u32) {
        let book = self.book.lock();
        let client = &mut self.clients[number];
        let asked = client.asked.remove(&id).expect("it was asked for");
        match (&asked, code) {
            (_, 100) => assert!(book.failed > 0, "{asked:?} failed"),
            (Asked::Subscribe(wish, _), 105) => {
                let was_ordered = client.was_ordered(&wish.channel);
                assert!(was_ordered, "{wish:?} is there already?");
            }
            (Asked::Subscribe(wish, before), 112) => {
                let dialect = client.kind.dialect;
                let recoverable = recoverable(&book, dialect, wish, before);
                assert!(wish.rejects && recoverable.not_always, "{before:?}");
                let view = client.views.get_mut(&wish.channel);
                view.expect("it was asked for").known = None;
            }
            _ => panic!("{asked:?} failed with {code}"),
        }
    }

    fn closed(&mut self, number: usize, code: u16) {
        match code {
            3503 => {}
            3004 => assert!(self.book.lock().failed > 0, "closed with 3004"),
            3010 => {
                let client = &self.clients[number];
                let given = client.views.iter().filter(|(_, view)| view.is_given);
                let given: Vec<_> = given.map(|(name, _)| name.clone()).collect();
                let is_under_way = |it: &Ordered| it.stage == OrderStage::Taken;
                let ordered = client.orders.iter().any(is_under_way);
                let connecting = client
                    .asked
                    .values()
                    .any(|it| matches!(it, Asked::Connect(_)));
                let book = self.book.lock();
                let is_troubled = given.iter().any(|channel| {
                    let live = client
                        .views
                        .get(channel)
                        .and_then(|view| view.live.as_ref());
                    let since = live.map_or(0, |live| live.troubles);
                    self.is_lossy || book.troubles.get(channel).is_some_and(|it| *it > since)
                });
                assert!(
                    is_troubled || ordered || connecting,
                    "a false alarm: {given:?}"
                );
            }
            _ => panic!("closed with {code}"),
        }
        self.cut(number);
    }

    /// Only a subscriber to whose channel something has happened may be told of a loss.
    fn assert_troubled(&self, number: usize, channel: &str) {
        let book = self.book.lock();
        let view = self.clients[number].views.get(channel);
        let live = view
            .and_then(|view| view.live.as_ref())
            .expect("it was subscribed");
        let now = book.troubles.get(channel).copied().unwrap_or(0);
        assert!(
            now > live.troubles || self.is_lossy,
            "a false alarm: {live:?}"
        );
    }
}

fn mode(channel: &str) -> Mode {
    match channel.starts_with("cache:") {
        true => Mode::Cache,
        false => Mode::Stream,
    }
}

/// Whether a channel recovers for this client.
fn recovers(_dialect: Dialect, wish: &Wish) -> bool {
    match wish.channel.split(':').next() {
        Some("stream" | "long" | "cache") => true,
        Some("asked") => wish.positioned,
        _ => false,
    }
}

/// Whether what a client wants to recover was there, at any time since it asked.
fn recoverable(book: &Book, dialect: Dialect, wish: &Wish, before: &Before) -> Held {
    let past = book.past(&wish.channel);
    let Some((epoch, offset)) = wish.since.as_ref().filter(|_| recovers(dialect, wish)) else {
        return past.held(before.moment, |_| false);
    };
    let since = (epoch.as_str(), *offset);
    past.held(before.moment, |state| match mode(&wish.channel) {
        Mode::Stream => state.recovers(since, RECOVERY_LIMIT),
        Mode::Cache => book.is_cached(&wish.channel, state, since, wish.filter),
    })
}
