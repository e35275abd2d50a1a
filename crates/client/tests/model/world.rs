//! One run: a machine, its driver, an application, a network and a server, in the order of simulated time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use fastrand::Rng;
use veche_client::State;
use veche_client::machine::{
    Change, ConnectFailure, Credentials, LinkEnd, Machine, Now, PublicationId, Stored,
};

use crate::application::Application;
use crate::happening::{Happening, Queued};
use crate::kind::Kind;
use crate::network::Network;
use crate::server::{Said, Server};
use crate::totals::Totals;

mod application;
mod faults;
mod links;
mod process;

/// Steps of one run, before it calms down.
const STEPS: u64 = 10_000;
const HOUR: u64 = 3_600_000;
/// Numbers of the application's own publications begin here.
const OWN: u64 = 1 << 32;

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
                self.machine.handle_opened(link.link, now);
                let replies = self.server.connect(link);
                self.send_down(replies);
            }
            Happening::Failed(link) => {
                let failure = ConnectFailure {
                    message: "refused".into(),
                    is_final: false,
                    retry_after_ms: None,
                };
                self.machine.handle_connect_failed(link.link, failure, now);
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
                self.machine.handle_closed(link.link, end, now);
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

    /// True time, and what a clock that was set forward adds to it.
    fn seeming(&self) -> u64 {
        self.now + self.seems_longer
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
