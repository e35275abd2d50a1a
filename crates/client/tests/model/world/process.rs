//! The process of a run: the machine and what drives it, until it crashes.

use veche_client::State;
use veche_client::machine::{
    Change, Credentials, Event, LinkId, Machine, Now, Output, SubscribeOptions, TokenError,
};

use super::{HOUR, World};
use crate::application::Reader;
use crate::happening::{Happening, Wire};

impl World {
    /// A process begins.
    pub(super) fn start(&mut self) {
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
    pub(super) fn crash(&mut self) {
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

    pub(super) fn store(&mut self, count: usize, now: Now) {
        let written: Vec<_> = self.storing.drain(..count).collect();
        written.into_iter().for_each(|change| self.write(change));
        self.machine.handle_stored(count, now);
    }

    pub(super) fn write(&mut self, change: Change) {
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
    pub(super) fn drive(&mut self) {
        let mut changes = 0;
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Connect(link) => self.connect(self.wire(link)),
                Output::Send(link, frame) => self.send_up(self.wire(link), frame),
                Output::Close { link, .. } => {
                    let link = self.wire(link);
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

    pub(super) fn arm(&mut self) {
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

    pub(super) fn token(&mut self) -> Result<String, TokenError> {
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

    pub(super) fn event(&mut self, event: Event) {
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

    /// A link of the process that runs now.
    fn wire(&self, link: LinkId) -> Wire {
        let life = self.life;
        Wire { life, link }
    }
}
