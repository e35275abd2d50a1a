//! The event loop: opens connections, publishes what is due, listens.

mod opening;
mod publishing;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use mio::{Events, Poll, Token};
use veche_websocket::decoder::Workspace;

use crate::client::{Client, Desk, Farewell};
use crate::ear::Ear;
use crate::generator::publishing::Publishing;
use crate::options::{Mode, Options};
use crate::pacer::Metronome;
use crate::plan::Plan;
use crate::script::Script;
use crate::socket::Dialer;

/// All clients, and the one thread that drives them.
pub(crate) struct Generator<'o> {
    options: &'o Options,
    pub(crate) plan: Plan,
    pub(crate) script: Script,
    poll: Poll,
    events: Events,
    /// In the order of the plan's roles; shorter than it while they are being opened.
    clients: Vec<Option<Client>>,
    dialer: Dialer,
    pub(crate) desk: Desk,
    pub(crate) connections: Connections,
    pub(crate) publishing: Publishing,
    metronome: Option<Metronome>,
    /// Told how it goes, a few times a second.
    watch: &'o mut dyn FnMut(&Progress),
    next_watch: u64,
}

/// How the connections are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    /// Being opened.
    pub(crate) opening: usize,
    /// Connected, and subscribed if they are to be.
    pub(crate) ready: usize,
    /// Never became ready.
    pub(crate) failed: usize,
    /// Ended after they were ready; not the slow.
    pub(crate) ended: usize,
    /// The slow that ended.
    pub(crate) slow_ended: usize,
    /// How often each close code came.
    pub(crate) codes: BTreeMap<u16, u64>,
}

/// How it goes.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Since the measurement began.
    pub elapsed: Duration,
    /// Connections that are ready, and how many there will be.
    pub ready: usize,
    /// How many there will be.
    pub connections: usize,
    /// Connections that failed or ended.
    pub failed: usize,
    /// Publications so far.
    pub publications: u64,
    /// Deliveries so far.
    pub deliveries: u64,
}

impl<'o> Generator<'o> {
    pub(crate) fn new(
        options: &'o Options,
        plan: Plan,
        script: Script,
        watch: &'o mut dyn FnMut(&Progress),
    ) -> io::Result<Self> {
        Ok(Self {
            options,
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            clients: Vec::with_capacity(plan.roles.len()),
            dialer: Dialer::new(options.target.address, plan.roles.len()),
            desk: Desk {
                workspace: Workspace::new(),
                scratch: vec![0; SCRATCH],
                ear: Ear::new(&plan),
            },
            connections: Connections::default(),
            publishing: Publishing::new(options, &plan),
            metronome: None,
            watch,
            next_watch: 0,
            plan,
            script,
        })
    }

    /// How many source addresses are used; 0 if the system chooses.
    pub(crate) fn sources(&self) -> u32 {
        self.dialer.sources()
    }

    pub(crate) fn now(&self) -> u64 {
        self.script.clock.nanos()
    }

    /// Lets everything go on for `time`, or until `is_enough`.
    pub(crate) fn go_on(
        &mut self,
        time: Duration,
        mut is_enough: impl FnMut(&Self) -> bool,
    ) -> io::Result<()> {
        let end = self.now().saturating_add(crate::clock::nanos(time));
        while !is_enough(self) {
            let now = self.now();
            if now >= end {
                break;
            }
            self.turn(end - now)?;
        }
        Ok(())
    }

    /// One pass: open, publish, wait for at most `at_most` nanoseconds, listen.
    fn turn(&mut self, at_most: u64) -> io::Result<()> {
        self.open_more();
        self.publish_due();
        let at_most = Duration::from_nanos(at_most).min(LONGEST_SLEEP);
        match self.poll.poll(&mut self.events, Some(at_most)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            if event.token() != WAKE {
                let Token(index) = event.token();
                let is_closing = event.is_read_closed() || event.is_error();
                let is_readable = event.is_readable() || is_closing;
                self.attend(index, event.is_writable(), is_readable, is_closing);
            }
        }
        self.events = events;
        self.tell();
        Ok(())
    }

    fn attend(&mut self, index: usize, is_writable: bool, is_readable: bool, is_closing: bool) {
        let Some(Some(client)) = self.clients.get_mut(index) else {
            return;
        };
        let Some(role) = self.plan.roles.get(index) else {
            return;
        };
        let was_ready = client.is_ready();
        let mut outcome = if is_writable { client.flush() } else { Ok(()) };
        if is_readable && outcome.is_ok() {
            outcome = client.read(role, &self.script, &mut self.desk, is_closing);
        }
        if !was_ready && client.is_ready() {
            self.connections.opening -= 1;
            self.connections.ready += 1;
            self.publishing.count_reader(role, true);
        }
        if let Err(farewell) = outcome {
            self.end(index, farewell);
        }
    }

    /// Ends a connection and counts it where it belongs. Deregistered with its descriptor.
    fn end(&mut self, index: usize, farewell: Farewell) {
        let Some(client) = self.clients.get_mut(index).and_then(Option::take) else {
            return;
        };
        if let Some(code) = farewell.code {
            *self.connections.codes.entry(code).or_default() += 1;
        }
        if !client.is_ready() {
            self.connections.opening -= 1;
            self.connections.failed += 1;
            self.desk
                .ear
                .note(format!("a connection failed: {}", farewell.words));
            return;
        }
        self.connections.ready -= 1;
        self.publishing.keep_tracks(index, &self.plan, &client);
        let role = self.plan.roles.get(index);
        if let Some(role) = role {
            self.publishing.count_reader(role, false);
        }
        if role.is_some_and(|role| role.is_slow) {
            self.connections.slow_ended += 1;
            let words = farewell.words;
            self.desk
                .ear
                .note(format!("one that had stopped reading: {words}"));
        } else {
            self.connections.ended += 1;
            self.desk
                .ear
                .note(format!("a connection ended: {}", farewell.words));
        }
    }

    fn tell(&mut self) {
        let now = self.now();
        if now < self.next_watch {
            return;
        }
        self.next_watch = now + WATCH_NS;
        let progress = Progress {
            elapsed: Duration::from_nanos(now),
            ready: self.connections.ready,
            connections: self.plan.roles.len(),
            failed: self.connections.failed + self.connections.ended,
            publications: self.publishing.publications,
            deliveries: self.desk.ear.deliveries,
        };
        (self.watch)(&progress);
    }

    /// Whether so many are opened at once as the mode wants.
    fn most_at_once(&self) -> usize {
        if self.options.mode == Mode::Storm {
            usize::MAX
        } else {
            AT_ONCE
        }
    }
}

/// The token of what is no client.
const WAKE: Token = Token(usize::MAX);
const EVENTS: usize = 1024;
/// Bytes read at once.
const SCRATCH: usize = 256 << 10;
/// Connections being opened at once, but in a storm.
const AT_ONCE: usize = 256;
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
const WATCH_NS: u64 = 250_000_000;
