//! What is published when, and what of it never arrived.

use std::io;
use std::time::Duration;

use mio::Waker;

use super::{Generator, WAKE};
use crate::client::Client;
use crate::options::Options;
use crate::pacer::{Metronome, Pace};
use crate::plan::{Plan, Role};
use crate::stamp::{Payload, Stamp};
use crate::tally::Track;

/// The state of publishing.
#[derive(Debug)]
pub(crate) struct Publishing {
    payload: Payload,
    pace: Pace,
    most: u64,
    /// When it began; `None` while nothing is published.
    began_ns: Option<u64>,
    /// Publications by each publisher.
    by: Vec<u32>,
    /// The publishers in the order of their turns, and whose turn it is.
    turns: Vec<usize>,
    turn: usize,
    /// All of them, the warm-up's too.
    pub(crate) publications: u64,
    /// Readers of each channel that are there.
    readers: Vec<u64>,
    /// Deliveries that follow from all publications so far.
    expected: u64,
    /// Deliveries that are no longer waited for.
    forgiven: u64,
    /// Deliveries when there last was progress, and the time.
    progress: (u64, u64),
    /// What clients that have ended since had received.
    lost_with: Vec<(usize, Vec<Track>)>,
    command: Vec<u8>,
    touched: Vec<usize>,
}

/// Publications that never arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lost {
    pub(crate) by_readers: u64,
    pub(crate) by_slow: u64,
}

impl Publishing {
    pub(super) fn new(options: &Options, plan: &Plan) -> Self {
        Self {
            payload: Payload::new(options.size),
            pace: Pace::new(options.rate, options.burst, options.window),
            most: options.messages.unwrap_or(u64::MAX),
            began_ns: None,
            by: vec![0; plan.publishers.len()],
            turns: plan.turns(),
            turn: 0,
            publications: 0,
            readers: vec![0; plan.channels.len()],
            expected: 0,
            forgiven: 0,
            progress: (0, 0),
            lost_with: Vec::new(),
            command: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Whether as many were published as were asked for.
    pub(crate) fn is_done(&self) -> bool {
        self.publications >= self.most
    }

    /// A client in `role` is there from now on, or no longer.
    pub(super) fn count_reader(&mut self, role: &Role, is_there: bool) {
        let counts = role.subscribes && !role.is_slow;
        let Some(readers) = self
            .readers
            .get_mut(index_of(role.channel))
            .filter(|_| counts)
        else {
            return;
        };
        *readers = if is_there {
            *readers + 1
        } else {
            readers.saturating_sub(1)
        };
    }

    /// Keeps what a client received beyond its end.
    pub(super) fn keep_tracks(&mut self, index: usize, plan: &Plan, client: &Client) {
        let per_channel = usize::try_from(plan.per_channel).unwrap_or_default();
        let tracks = (0..per_channel).map(|nth| client.track(nth)).collect();
        self.lost_with.push((index, tracks));
    }
}

impl Generator<'_> {
    /// Begins to publish.
    pub(crate) fn start_publishing(&mut self) -> io::Result<()> {
        let now = self.now();
        self.publishing.began_ns = Some(now);
        self.publishing.progress = (self.desk.ear.deliveries, now);
        if let Pace::Clock { period_ns, .. } = self.publishing.pace {
            let waker = Waker::new(self.poll.registry(), WAKE)?;
            self.metronome = Some(Metronome::start(Duration::from_nanos(period_ns), waker));
        }
        Ok(())
    }

    /// Publishes no more, and waits for what is on its way, at most until nothing arrives any more.
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        self.publishing.began_ns = None;
        self.metronome = None;
        let mut last = (self.desk.ear.deliveries, self.now());
        self.go_on(LONGEST_DRAIN, |generator| {
            if generator.desk.ear.deliveries != last.0 {
                last = (generator.desk.ear.deliveries, generator.now());
            }
            generator.missing() == 0 || generator.now() - last.1 > STILL_NS
        })
    }

    /// Deliveries that are due and have not come.
    fn missing(&self) -> u64 {
        let arrived = self.desk.ear.deliveries + self.publishing.forgiven;
        self.publishing.expected.saturating_sub(arrived)
    }

    pub(super) fn publish_due(&mut self) {
        let Some(began) = self.publishing.began_ns else {
            return;
        };
        let now = self.now();
        let missing = self.missing();
        let Publishing {
            pace,
            most,
            publications,
            ..
        } = &self.publishing;
        let due = pace.due(
            now.saturating_sub(began),
            *publications,
            missing,
            self.plan.fan,
        );
        let due = due.min(most - publications).min(MOST_AT_ONCE);
        if due == 0 {
            self.forgive_if_stalled(now, missing);
        }
        for _ in 0..due {
            if !self.publish_one() {
                break;
            }
        }
        let mut touched = std::mem::take(&mut self.publishing.touched);
        for index in touched.drain(..) {
            if let Some(Some(client)) = self.clients.get_mut(index)
                && let Err(farewell) = client.flush()
            {
                self.end(index, farewell);
            }
        }
        self.publishing.touched = touched;
    }

    /// Publishes by whoever is next and able to; false if nobody is.
    fn publish_one(&mut self) -> bool {
        let Publishing { turns, .. } = &self.publishing;
        for _ in 0..turns.len() {
            let turn = self.publishing.turn;
            self.publishing.turn = (turn + 1) % self.publishing.turns.len().max(1);
            let Some(publisher) = self.publishing.turns.get(turn).copied() else {
                return false;
            };
            if self.publish_by(publisher).is_some() {
                return true;
            }
        }
        false
    }

    fn publish_by(&mut self, publisher: usize) -> Option<()> {
        let index = *self.plan.publishers.get(publisher)?;
        let role = self.plan.roles.get(index)?;
        let time_ns = self.script.clock.nanos();
        let client = self.clients.get_mut(index)?.as_mut();
        let client = client.filter(|client| client.is_ready() && client.owed() < MOST_OWED)?;
        let publishing = &mut self.publishing;
        let sequence = publishing.by.get_mut(publisher)?;
        let data = publishing.payload.stamped(Stamp {
            publisher: role.publisher?,
            sequence: *sequence,
            time_ns,
        });
        let channel = self.script.channel(role.channel);
        client.publish(&self.script, channel, data, &mut publishing.command);
        *sequence += 1;
        publishing.publications += 1;
        publishing.expected += publishing
            .readers
            .get(index_of(role.channel))
            .copied()
            .unwrap_or_default();
        if publishing.touched.last() != Some(&index) {
            publishing.touched.push(index);
        }
        Some(())
    }

    /// A closed loop would wait for ever for what is lost.
    fn forgive_if_stalled(&mut self, now: u64, missing: u64) {
        let deliveries = self.desk.ear.deliveries;
        let publishing = &mut self.publishing;
        if publishing.progress.0 != deliveries || !matches!(publishing.pace, Pace::Window(_)) {
            publishing.progress = (deliveries, now);
        } else if now - publishing.progress.1 > STILL_NS {
            publishing.progress = (deliveries, now);
            publishing.forgiven += missing;
            self.desk.ear.note(format!(
                "the closed loop stood still, {missing} deliveries were missing"
            ));
        }
    }

    /// What never arrived, of everything that was published.
    pub(crate) fn lost(&self) -> Lost {
        let per_channel = usize::try_from(self.plan.per_channel).unwrap_or(1);
        let mut lost = Lost::default();
        let mut count = |index: usize, track: &dyn Fn(usize) -> Track| {
            let Some(role) = self.plan.roles.get(index).filter(|role| role.subscribes) else {
                return;
            };
            let channel = index_of(role.channel);
            let by = self
                .publishing
                .by
                .iter()
                .skip(channel.saturating_mul(per_channel))
                .take(per_channel);
            let missing: u64 = by
                .enumerate()
                .map(|(nth, published)| track(nth).lost(*published))
                .sum();
            if role.is_slow {
                lost.by_slow += missing;
            } else {
                lost.by_readers += missing;
            }
        };
        for (index, client) in self.clients.iter().enumerate() {
            if let Some(client) = client {
                count(index, &|nth| client.track(nth));
            }
        }
        for (index, tracks) in &self.publishing.lost_with {
            count(*index, &|nth| tracks.get(nth).copied().unwrap_or_default());
        }
        lost
    }
}

fn index_of(channel: u32) -> usize {
    usize::try_from(channel).unwrap_or(usize::MAX)
}

/// Publications in one turn.
const MOST_AT_ONCE: u64 = 4096;
/// Bytes that a publisher may owe before it waits.
const MOST_OWED: usize = 1 << 20;
/// So long without a delivery, and what is missing is lost.
const STILL_NS: u64 = 2_000_000_000;
const LONGEST_DRAIN: Duration = Duration::from_secs(30);
