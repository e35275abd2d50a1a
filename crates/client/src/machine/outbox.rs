//! Publications that are not confirmed yet: in order, each with its key, and how far it is.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::backoff::Backoff;
use super::output::{PublicationId, Sent, Stored};
use super::settings::Settings;

/// A bounded queue of publications, with a lane for each channel.
#[derive(Debug)]
pub(super) struct Outbox {
    entries: BTreeMap<PublicationId, Entry>,
    lanes: BTreeMap<LaneId, Lane>,
    by_channel: HashMap<String, LaneId>,
    /// May be sent now, the oldest first.
    ready: BTreeSet<PublicationId>,
    in_flight: usize,
    bytes: usize,
    last_id: u64,
    last_lane: u64,
    /// Makes the keys of this machine other ones than those of any other.
    key_prefix: u64,
    window: usize,
    first_backoff: Backoff,
}

/// The queue of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LaneId(u64);

#[derive(Debug)]
struct Lane {
    channel: String,
    queue: VecDeque<PublicationId>,
    /// The server refused a publication for the moment: nothing is sent until it may be tried again.
    is_resting: bool,
    backoff: Backoff,
}

/// A publication that is not confirmed yet.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stored: Stored,
    pub(super) phase: Phase,
    /// Until when the key holds, by the longest time that may have passed since it was first sent.
    pub(super) key_until: u64,
    lane: LaneId,
    weight: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It is being stored.
    Storing,
    /// It waits for its turn.
    Waiting,
    /// That it is about to be sent is being stored.
    Marking,
    /// It was sent on this connection.
    InFlight,
}

impl Outbox {
    pub(super) fn new(settings: &Settings, key_prefix: u64) -> Self {
        Self {
            entries: BTreeMap::new(),
            lanes: BTreeMap::new(),
            by_channel: HashMap::new(),
            ready: BTreeSet::new(),
            in_flight: 0,
            bytes: 0,
            last_id: 0,
            last_lane: 0,
            key_prefix,
            window: settings.in_flight.clamp(1, MAX_IN_FLIGHT),
            first_backoff: settings.backoff(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether one of so many bytes fits in.
    pub(super) fn has_room(&self, weight: usize, settings: &Settings) -> bool {
        self.entries.len() < settings.max_outbox
            && self.bytes.saturating_add(weight) <= settings.max_outbox_bytes
    }

    pub(super) fn next_id(&self) -> PublicationId {
        PublicationId(self.last_id + 1)
    }

    /// A key that no other publication has.
    pub(super) fn key(&self, id: PublicationId) -> String {
        format!("{:016x}-{}", self.key_prefix, id.0)
    }

    /// Adds a publication behind all others.
    pub(super) fn add(&mut self, stored: Stored, phase: Phase, key_until: u64) {
        let id = stored.id;
        self.last_id = self.last_id.max(id.0);
        let lane = self.lane_of(&stored.channel);
        let weight = weight(&stored);
        self.bytes += weight;
        let entry = Entry {
            stored,
            phase,
            key_until,
            lane,
            weight,
        };
        self.entries.insert(id, entry);
        if let Some(lane) = self.lanes.get_mut(&lane) {
            lane.queue.push_back(id);
        }
        self.refresh(lane);
    }

    pub(super) fn get(&self, id: PublicationId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: PublicationId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    pub(super) fn set_phase(&mut self, id: PublicationId, phase: Phase) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut entry.phase, phase);
        let lane = entry.lane;
        self.in_flight -= usize::from(is_busy(before));
        self.in_flight += usize::from(is_busy(phase));
        self.refresh(lane);
    }

    /// Takes a publication out, wherever it is.
    pub(super) fn remove(&mut self, id: PublicationId) -> Option<Stored> {
        let entry = self.entries.remove(&id)?;
        self.bytes -= entry.weight;
        self.in_flight -= usize::from(is_busy(entry.phase));
        self.ready.remove(&id);
        if let Some(lane) = self.lanes.get_mut(&entry.lane) {
            lane.queue.retain(|other| *other != id);
            if lane.queue.is_empty() {
                self.by_channel.remove(&lane.channel);
                self.lanes.remove(&entry.lane);
            }
        }
        self.refresh(entry.lane);
        Some(entry.stored)
    }

    /// The oldest publication that may be sent now.
    pub(super) fn next_ready(&self) -> Option<PublicationId> {
        if self.in_flight >= MAX_IN_FLIGHT {
            return None;
        }
        self.ready.first().copied()
    }

    /// Those in a phase, the oldest first.
    pub(super) fn in_phase(&self, phase: Phase) -> Vec<PublicationId> {
        let entries = self.entries.iter();
        entries
            .filter(|(_, entry)| entry.phase == phase)
            .map(|(id, _)| *id)
            .collect()
    }

    pub(super) fn ids(&self) -> Vec<PublicationId> {
        self.entries.keys().copied().collect()
    }

    /// Keeps a publication's channel from being published in, until the lane is woken. Yields the
    /// lane and its backoff.
    pub(super) fn rest(&mut self, id: PublicationId) -> Option<(LaneId, &mut Backoff)> {
        let id = self.entries.get(&id)?.lane;
        self.lanes.get_mut(&id)?.is_resting = true;
        self.refresh(id);
        let lane = self.lanes.get_mut(&id)?;
        Some((id, &mut lane.backoff))
    }

    pub(super) fn wake(&mut self, id: LaneId) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.is_resting = false;
        }
        self.refresh(id);
    }

    /// A publication went through: the next failure of its channel is a first one.
    pub(super) fn forget_failures(&mut self, id: PublicationId) {
        if let Some(entry) = self.entries.get(&id)
            && let Some(lane) = self.lanes.get_mut(&entry.lane)
        {
            lane.backoff.reset();
        }
    }

    fn lane_of(&mut self, channel: &str) -> LaneId {
        if let Some(id) = self.by_channel.get(channel) {
            return *id;
        }
        self.last_lane += 1;
        let id = LaneId(self.last_lane);
        let lane = Lane {
            channel: channel.to_owned(),
            queue: VecDeque::new(),
            is_resting: false,
            backoff: self.first_backoff,
        };
        self.lanes.insert(id, lane);
        self.by_channel.insert(channel.to_owned(), id);
        id
    }

    /// Finds out anew which publications at the head of a lane may be sent.
    fn refresh(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get(&id) else {
            return;
        };
        for id in lane.queue.iter().take(self.window + 1) {
            self.ready.remove(id);
        }
        if lane.is_resting {
            return;
        }
        for id in lane.queue.iter().take(self.window) {
            match self.entries.get(id).map(|entry| entry.phase) {
                Some(Phase::Waiting) => {
                    self.ready.insert(*id);
                }
                // What is behind it waits for it, so that the order is kept.
                Some(Phase::Storing) | None => break,
                Some(Phase::Marking | Phase::InFlight) => {}
            }
        }
    }
}

/// Whether it counts as being on its way.
fn is_busy(phase: Phase) -> bool {
    matches!(phase, Phase::Marking | Phase::InFlight)
}

/// Bytes that a publication takes in the outbox.
pub(super) fn weight(stored: &Stored) -> usize {
    let event = stored.event.as_ref().map_or(0, String::len);
    let sent = |sent: &Sent| sent.user.as_ref().map_or(0, String::len);
    let names = stored.key.len() + stored.channel.len() + event;
    crate::publication::OVERHEAD + names + stored.data.len() + stored.sent.as_ref().map_or(0, sent)
}

/// Publications that are on their way at once, in all channels. The server remembers the last 256
/// keys of a user in a channel, so that a repeated one is still known.
const MAX_IN_FLIGHT: usize = 64;

#[cfg(test)]
mod tests;
