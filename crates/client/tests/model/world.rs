//! One run: a machine, its driver, an application, a network and a server, in the order of simulated time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use fastrand::Rng;
use veche_client::machine::{
    Change, ConnectFailure, Credentials, Draft, Event, Frame, LinkEnd, LinkId, Machine, Now,
    Output, PublicationId, Request, Settings, Stored, SubscribeOptions, SubscriptionId, TokenError,
    TokenId, WhenUncertain,
};
use veche_client::{Data, State};

use crate::application::{Application, Published, Reader};
use crate::network::Network;
use crate::server::{Item, Out, Reply, Said, Server, event_name};

/// Steps of one run, before it calms down.
const STEPS: u64 = 10_000;
const HOUR: u64 = 3_600_000;
/// Numbers of the application's own publications begin here.
const OWN: u64 = 1 << 32;

/// What happened in all runs.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps: u64,
    pub(crate) delivered: u64,
    pub(crate) published: u64,
    pub(crate) uncertain: u64,
    pub(crate) resumed: u64,
    pub(crate) lost: u64,
    pub(crate) deduplicated: u64,
    pub(crate) crashes: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.delivered += other.delivered;
        self.published += other.published;
        self.uncertain += other.uncertain;
        self.resumed += other.resumed;
        self.lost += other.lost;
        self.deduplicated += other.deduplicated;
        self.crashes += other.crashes;
    }
}

/// Something that happens at its time.
enum Happening {
    Opened(LinkId),
    Failed(LinkId),
    Up(LinkId, Frame),
    Down(LinkId, Out),
    Broken(LinkId),
    ServerSees(LinkId),
    Timer,
    Token(TokenId),
    Stored(usize),
    NotStored(usize),
    Application,
    Others,
    Fault,
}

impl Happening {
    /// Whether it is the client's process that it happens in.
    fn is_the_clients(&self) -> bool {
        !matches!(
            self,
            Self::Up(..) | Self::ServerSees(_) | Self::Others | Self::Fault
        )
    }
}

struct Queued {
    order: u64,
    life: u64,
    what: Happening,
}

/// The character of a run.
struct Kind {
    settings: Settings,
    /// A restarted server forgets its streams and keys.
    forgets: bool,
}

pub(crate) struct World {
    seed: u64,
    rng: Rng,
    kind: Kind,
    /// True time.
    now: u64,
    /// How far the client's clocks are from it.
    mono_behind: u64,
    wall_ahead: i64,
    /// How much longer than in truth it may seem to the client.
    seems_longer: u64,
    asleep_until: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: HashMap<u64, Queued>,
    order: u64,
    /// Of the process: what belongs to an earlier one is gone.
    life: u64,
    timer_at: Option<u64>,
    machine: Machine,
    network: Network,
    server: Server,
    said: HashMap<String, Said>,
    application: Application,
    disk: BTreeMap<PublicationId, Stored>,
    /// Changes that are being stored.
    storing: VecDeque<Change>,
    /// When a number was first sent, as the client may see it.
    first_sent: HashMap<u64, u64>,
    first_marked: HashMap<u64, u64>,
    next_number: u64,
    is_calm: bool,
    totals: Totals,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let kind = Kind::random(&mut rng);
        let now = 1_000_000;
        let is_anonymous = kind.settings.credentials == Credentials::None;
        let machine = Machine::new(kind.settings.clone(), seed, clock(now, 0, 0));
        let mut world = Self {
            seed,
            rng,
            kind,
            now,
            mono_behind: 0,
            wall_ahead: 0,
            seems_longer: 0,
            asleep_until: 0,
            queue: BinaryHeap::new(),
            events: HashMap::new(),
            order: 0,
            life: 0,
            timer_at: None,
            machine,
            network: Network::default(),
            server: Server::new(is_anonymous),
            said: HashMap::new(),
            application: Application::default(),
            disk: BTreeMap::new(),
            storing: VecDeque::new(),
            first_sent: HashMap::new(),
            first_marked: HashMap::new(),
            next_number: 0,
            is_calm: false,
            totals: Totals::default(),
        };
        world.start();
        world.at(0, Happening::Others);
        world.at(5_000, Happening::Fault);
        world
    }

    pub(crate) fn run(mut self) -> Totals {
        while self.totals.steps < STEPS {
            self.step();
        }
        self.calm_down();
        let deadline = self.now.max(self.asleep_until) + HOUR / 6;
        while self.now < deadline {
            self.step();
        }
        self.check();
        self.totals.delivered = self.application.delivered;
        self.totals.published = self.application.confirmed;
        self.totals.uncertain = self.application.uncertain.len() as u64;
        self.totals.resumed = self.application.resumed;
        self.totals.lost = self.application.lost;
        self.totals.deduplicated = self.server.deduplicated;
        std::mem::take(&mut self.totals)
    }

    /// Nothing fails any more, and nobody wants anything new.
    fn calm_down(&mut self) {
        self.is_calm = true;
        self.server.is_up = true;
        self.server.busy_until = 0;
    }

    fn check(&self) {
        let state = self.machine.state();
        assert!(matches!(state, State::Online { .. }), "{state:?}");
        assert_eq!(self.machine.unconfirmed(), 0, "publications wait for ever");
        let open = self.application.open.values();
        let open: Vec<_> = open.map(|it| it.number).collect();
        assert!(open.is_empty(), "never heard of: {open:?}");
        for reader in self.application.readers.values() {
            reader.check_complete(&self.server);
        }
        self.application
            .check_streams(&self.server, |number| number >= OWN);
    }

    fn at(&mut self, in_ms: u64, what: Happening) {
        self.at_time(self.now + in_ms, what);
    }

    fn at_time(&mut self, at: u64, what: Happening) {
        self.order += 1;
        let queued = Queued {
            order: self.order,
            life: self.life,
            what,
        };
        self.queue.push(Reverse((at, self.order)));
        self.events.insert(self.order, queued);
    }

    fn step(&mut self) {
        let Reverse((at, order)) = self.queue.pop().expect("others never stop");
        let queued = self.events.remove(&order).expect("it was queued");
        if queued.what.is_the_clients() {
            if queued.life != self.life {
                return;
            }
            if at < self.asleep_until {
                // The process sleeps: it happens when it wakes up, in the same order.
                self.queue.push(Reverse((self.asleep_until, queued.order)));
                self.events.insert(queued.order, queued);
                return;
            }
        }
        self.now = at.max(self.now);
        self.totals.steps += u64::from(queued.what.is_the_clients());
        self.happen(queued.what);
    }

    fn happen(&mut self, what: Happening) {
        let now = self.clock();
        match what {
            Happening::Opened(link) => {
                if !self.network.is_open(link) {
                    return;
                }
                self.machine.handle_opened(link, now);
                let replies = self.server.connect(link);
                self.send_down(replies);
            }
            Happening::Failed(link) => {
                let failure = ConnectFailure {
                    message: "refused".into(),
                    is_final: false,
                    retry_after_ms: None,
                };
                self.machine.handle_connect_failed(link, failure, now);
            }
            Happening::Up(link, frame) => return self.arrive_up(link, &frame),
            Happening::Down(link, out) => {
                if self.network.is_open(link) {
                    self.arrive_down(link, out, now);
                }
            }
            Happening::Broken(link) => {
                self.network.close(link);
                let end = LinkEnd::Lost("reset".into());
                self.machine.handle_closed(link, end, now);
            }
            Happening::ServerSees(link) => return self.server.forget(link),
            Happening::Timer => {
                self.timer_at = None;
                self.machine.handle_timeout(now);
            }
            Happening::Token(id) => {
                let token = self.token();
                self.machine.handle_token(id, token, now);
            }
            Happening::Stored(count) => self.store(count, now),
            Happening::NotStored(count) => {
                self.storing.drain(..count);
                self.machine.handle_not_stored(count, "full", now);
            }
            Happening::Application => self.act(),
            Happening::Others => return self.others(),
            Happening::Fault => self.fault(),
        }
        self.drive();
    }

    fn clock(&self) -> Now {
        clock(self.now, self.mono_behind, self.wall_ahead)
    }

    /// A process begins.
    fn start(&mut self) {
        for channel in ["h1", "h2", "n1"] {
            let events = match self.rng.u8(..3) {
                0 => vec!["post".to_owned()],
                _ => Vec::new(),
            };
            let history = u64::from(self.rng.u32(..5));
            let mut options = SubscribeOptions::default();
            options.events.clone_from(&events);
            options.history = if channel == "n1" {
                0
            } else {
                u32::try_from(history).expect("small")
            };
            let history = u64::from(options.history);
            let now = self.clock();
            let id = self.machine.subscribe(channel.into(), options, now);
            let reader = Reader::new(channel, events, history);
            let id = id.expect("there is room");
            self.application.readers.insert(id, reader);
        }
        let now = self.clock();
        self.machine.start(now);
        self.at(0, Happening::Application);
        self.drive();
    }

    /// The process ends in the middle of something, and begins again.
    fn crash(&mut self) {
        self.totals.crashes += 1;
        self.life += 1;
        // What was being written may be there, or a part of it.
        let count = self.rng.usize(..=self.storing.len());
        let written: Vec<_> = self.storing.drain(..count).collect();
        written.into_iter().for_each(|change| self.write(change));
        self.storing.clear();
        for link in self.server.links() {
            self.network.close(link);
            let delay = self.rng.u64(..60_000);
            self.at(delay, Happening::ServerSees(link));
        }
        self.timer_at = None;
        self.application.crash(|id| self.disk.contains_key(&id));
        let seed = self.rng.u64(..);
        self.machine = Machine::new(self.kind.settings.clone(), seed, self.clock());
        self.machine.restore(self.disk.values().cloned());
        self.start();
    }

    fn store(&mut self, count: usize, now: Now) {
        let written: Vec<_> = self.storing.drain(..count).collect();
        written.into_iter().for_each(|change| self.write(change));
        self.machine.handle_stored(count, now);
    }

    fn write(&mut self, change: Change) {
        match change {
            Change::Added(stored) => {
                self.disk.insert(stored.id, stored);
            }
            Change::Sent(id, sent) => {
                if let Some(stored) = self.disk.get_mut(&id) {
                    stored.sent = Some(sent);
                }
            }
            Change::Removed(id) => {
                self.disk.remove(&id);
            }
            other => panic!("{other:?}"),
        }
    }

    /// Does what the machine asks for.
    fn drive(&mut self) {
        let mut changes = 0;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Connect(link) => self.connect(link),
                Output::Send(link, frame) => self.send_up(link, frame),
                Output::Close { link, .. } => {
                    self.network.close(link);
                    let delay = self.rng.u64(..30_000);
                    self.at(delay, Happening::ServerSees(link));
                }
                Output::AskToken { id, .. } => {
                    let is_late = !self.is_calm && self.rng.u8(..20) == 0;
                    let delay = if is_late { HOUR } else { self.rng.u64(..500) };
                    self.at(delay, Happening::Token(id));
                }
                Output::Store(change) => {
                    if let Change::Sent(id, _) = &change
                        && let Some(published) = self.application.open.get(id)
                    {
                        self.first_marked.insert(published.number, self.seeming());
                    }
                    self.storing.push_back(change);
                    changes += 1;
                }
                Output::Event(event) => self.event(event),
                other => panic!("{other:?}"),
            }
        }
        if changes > 0 {
            let delay = self.rng.u64(1..20);
            let fails = !self.is_calm && self.rng.u8(..50) == 0;
            // The store takes changes in their order: what comes now comes behind what it has.
            let delay = delay + 20 * u64::try_from(self.storing.len() - changes).expect("few");
            let what = match fails && self.storing.len() == changes {
                true => Happening::NotStored(changes),
                false => Happening::Stored(changes),
            };
            self.at(delay, what);
        }
        self.arm();
    }

    fn arm(&mut self) {
        let Some(due) = self.machine.poll_timeout() else {
            return;
        };
        // A timer of the client's goes off by its own clock.
        let at = (due + self.mono_behind).max(self.now);
        if self.timer_at.is_none_or(|armed| armed > at) {
            self.timer_at = Some(at);
            self.at_time(at, Happening::Timer);
        }
    }

    fn connect(&mut self, link: LinkId) {
        let link_fails = !self.server.is_up || (!self.is_calm && self.rng.u8(..10) == 0);
        let delay = self.rng.u64(5..200);
        if link_fails {
            // Now and then nothing is heard of it at all.
            if self.is_calm || self.rng.u8(..4) > 0 {
                self.at(delay, Happening::Failed(link));
            }
        } else {
            self.network.open(link, self.rng.u64(5..150));
            self.at(delay, Happening::Opened(link));
        }
    }

    fn send_up(&mut self, link: LinkId, frame: Frame) {
        let number = match &frame {
            Frame::Text(text) => text.split_once(r#""n":"#).and_then(|(_, rest)| {
                let end = rest.find('}')?;
                rest[..end].parse().ok()
            }),
            Frame::Binary(bytes) => Some(u64::from_le_bytes((&**bytes).try_into().expect("eight"))),
        };
        if let Some(number) = number {
            let seeming = self.seeming();
            self.first_sent.entry(number).or_insert(seeming);
        }
        if let Some(at) = self.network.arrival(link, true, self.now) {
            self.at_time(at, Happening::Up(link, frame));
        }
    }

    fn arrive_up(&mut self, link: LinkId, frame: &Frame) {
        if !self.network.is_open(link) || !self.server.is_connected(link) {
            return;
        }
        let mut replies = self.server.expire(self.now);
        replies.extend(match frame {
            Frame::Text(text) => self.server.text(link, text, self.now, &mut self.said),
            Frame::Binary(bytes) => self.server.binary(link, bytes, self.now),
        });
        self.send_down(replies);
        // The link breaks right after the server has acted: the answer is lost.
        if !self.is_calm && self.rng.u16(..200) == 0 {
            self.cut(link);
        }
    }

    fn send_down(&mut self, replies: Vec<Reply>) {
        for (link, out) in replies {
            if let Some(at) = self.network.arrival(link, false, self.now) {
                self.at_time(at, Happening::Down(link, out));
            }
        }
    }

    fn arrive_down(&mut self, link: LinkId, out: Out, now: Now) {
        match out {
            Out::Text(text) => self.machine.handle_text(link, &text, now),
            Out::Binary(bytes) => self.machine.handle_binary(link, bytes.into(), now),
            Out::Close(code, reason) => {
                self.network.close(link);
                let end = LinkEnd::Closed { code, reason };
                self.machine.handle_closed(link, end, now);
            }
        }
    }

    /// Whatever is on its way is lost. One side or the other may not notice for long, or never.
    fn cut(&mut self, link: LinkId) {
        self.network.kill(link);
        if self.rng.u8(..3) > 0 {
            let delay = self.rng.u64(..5_000);
            self.at(delay, Happening::Broken(link));
        }
        let delay = self.rng.u64(..90_000);
        self.at(delay, Happening::ServerSees(link));
    }

    fn token(&mut self) -> Result<String, TokenError> {
        if !self.is_calm && self.rng.u8(..10) == 0 {
            return Err(TokenError::Later("busy".into()));
        }
        // Some have run out when they arrive.
        let ttl = match self.rng.u8(..10) {
            0 if !self.is_calm => 0,
            1..5 => self.rng.u64(2_000..60_000),
            _ => self.rng.u64(60_000..2 * HOUR),
        };
        Ok(format!("anna/{}", self.now + ttl))
    }

    /// True time, and what a clock that was set forward adds to it.
    fn seeming(&self) -> u64 {
        self.now + self.seems_longer
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Subscription(id, event) => {
                let weight = 256 + 64;
                self.application
                    .subscription_event(id, &event, &self.server, &self.said);
                let reader = self.application.readers.get_mut(&id).expect("declared");
                reader.unread.0 += 1;
                reader.unread.1 += weight;
            }
            Event::Published(stored, result) => {
                let id = stored.id;
                let number = self.application.open.get(&id).expect("it is open").number;
                // What is stored counts from when it was noted that it would be sent.
                let first = self.first_marked.get(&number);
                let first = first.or_else(|| self.first_sent.get(&number));
                let seeming = self.seeming();
                if let Some(published) = self.application.open.get_mut(&id) {
                    published.since = first.copied().unwrap_or(seeming);
                }
                let is_keyed = self.kind.settings.credentials != Credentials::None;
                self.application
                    .published(id, &result, &self.server, seeming, is_keyed);
            }
            Event::State(State::Ended(end)) => panic!("{end}"),
            Event::State(_) | Event::Queued(_) | Event::Answer(..) => {}
            other => panic!("{other:?}"),
        }
    }

    /// The application does something, or reads.
    fn act(&mut self) {
        let now = self.clock();
        let reads = self.is_calm || self.rng.u8(..3) > 0;
        if reads {
            self.read(now);
        }
        if !self.is_calm {
            for _ in 0..self.rng.u8(..4) {
                self.publish(now);
            }
            if self.rng.u8(..20) == 0 {
                let call = Request::Call {
                    method: "m".into(),
                    data: None,
                };
                self.machine.request(call, 10_000, now).ok();
            }
        }
        let pause = match self.rng.u8(..100) {
            0 => self.rng.u64(..60_000),
            _ => self.rng.u64(..300),
        };
        self.at(
            if self.is_calm { 10_000 } else { pause },
            Happening::Application,
        );
    }

    fn read(&mut self, now: Now) {
        let ids: Vec<SubscriptionId> = self.application.readers.keys().copied().collect();
        for id in ids {
            let reader = self.application.readers.get_mut(&id).expect("declared");
            let (events, bytes) = std::mem::take(&mut reader.unread);
            self.machine.handle_read(id, events, bytes * 2, now);
        }
    }

    fn publish(&mut self, now: Now) {
        let number = OWN + self.next_number;
        let channel = *self.rng.choice(&["h1", "h2", "n1"]).expect("three");
        let data = match self.rng.u8(..4) {
            0 => Data::binary(number.to_le_bytes().to_vec()),
            _ => Data::json(&HashMap::from([("n", number)])).expect("JSON"),
        };
        let event = self.rng.bool().then(|| "post".to_owned());
        let draft = Draft {
            channel: channel.into(),
            event,
            data,
            key: None,
        };
        if let Ok(id) = self.machine.publish(draft, now) {
            self.next_number += 1;
            let published = Published {
                channel: channel.into(),
                number,
                since: 0,
            };
            self.application.open.insert(id, published);
        }
    }

    /// Other clients publish.
    fn others(&mut self) {
        if self.server.is_up && !self.is_calm {
            for _ in 0..=self.rng.u8(..3) {
                self.next_number += 1;
                let channel = *self.rng.choice(&["h1", "h2", "n1"]).expect("three");
                let event = event_name(self.rng.bool().then_some("post"));
                let item = Item {
                    number: self.next_number,
                    event,
                    is_binary: self.rng.u8(..5) == 0,
                };
                let replies = self.server.publish(channel, item);
                self.send_down(replies);
            }
        }
        let replies = self.server.expire(self.now);
        self.send_down(replies);
        let pause = match self.is_calm || self.now < self.asleep_until {
            true => self.rng.u64(..HOUR / 10),
            false => self.rng.u64(..400),
        };
        self.at(pause, Happening::Others);
    }

    fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let link = self.server.links().first().copied();
        let is_awake = self.now >= self.asleep_until;
        match self.rng.u8(..14) {
            0..4 => link.into_iter().for_each(|link| self.cut(link)),
            4..6 => {
                let until = self.now + self.rng.u64(..60_000);
                link.into_iter()
                    .for_each(|link| self.network.stall(link, until));
            }
            6 if is_awake => self.sleep(),
            7 => self.set_clock(),
            8 => {
                self.server.is_up = false;
                for link in self.server.restart(self.kind.forgets) {
                    self.cut(link);
                }
            }
            9 => self.server.busy_until = self.now + self.rng.u64(..20_000),
            10 => {
                let code = if self.rng.bool() { 2500 } else { 2501 };
                let replies = self.server.unsubscribe("h1", code);
                self.send_down(replies);
            }
            11 => {
                let replies = link.map(|link| self.server.close(link, 3008, "slow"));
                self.send_down(replies.unwrap_or_default());
            }
            12 if is_awake && self.kind.settings.is_durable => self.crash(),
            12 if is_awake => self.machine.handle_hint(self.clock()),
            _ => {
                // As the server's own ping finds out.
                for link in self.server.links() {
                    if !self.network.is_open(link) {
                        self.server.forget(link);
                    }
                }
            }
        }
        self.server.is_up |= self.rng.u8(..3) == 0;
        let pause = match self.rng.u8(..30) {
            0 => self.rng.u64(..4 * 60_000),
            _ => self.rng.u64(..3_000),
        };
        self.at(pause, Happening::Fault);
    }

    /// The device sleeps; some monotonic clocks rest meanwhile.
    fn sleep(&mut self) {
        let duration = match self.rng.bool() {
            true => self.rng.u64(..60_000),
            false => self.rng.u64(..5 * HOUR),
        };
        self.asleep_until = self.now + duration;
        if self.rng.bool() {
            self.mono_behind += duration;
        }
    }

    fn set_clock(&mut self) {
        let change = self.rng.i64(-5_000..3 * HOUR.cast_signed());
        if change > 0 {
            self.wall_ahead += change;
            self.seems_longer += change.unsigned_abs();
        } else if !self.kind.settings.is_durable {
            self.wall_ahead += change;
        }
    }
}

impl Kind {
    fn random(rng: &mut Rng) -> Self {
        let mut settings = Settings::default();
        settings.credentials = match rng.u8(..6) {
            0 => Credentials::None,
            1 => Credentials::Name("anna".into()),
            _ => Credentials::Token,
        };
        settings.is_durable = rng.u8(..3) == 0;
        settings.max_unread = *rng.choice(&[8, 1024]).expect("two");
        settings.max_outbox = *rng.choice(&[16, 4096]).expect("two");
        settings.when_uncertain = WhenUncertain::Report;
        Self {
            settings,
            forgets: rng.bool(),
        }
    }
}

fn clock(now: u64, mono_behind: u64, wall_ahead: i64) -> Now {
    Now {
        mono_ms: now.saturating_sub(mono_behind),
        wall_ms: (now + 1_700_000_000_000).saturating_add_signed(wall_ahead),
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (seed, now) = (self.seed, self.now);
            eprintln!("seed {seed}, at {now} ms, step {}", self.totals.steps);
        }
    }
}
