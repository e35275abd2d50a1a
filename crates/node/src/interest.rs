//! Which workers want which channel, and how the channel stands at the engine.
//!
//! A channel's entry is changed under the lock that also hands its deliveries to the inboxes, so each worker sees a
//! channel's publications in offset order, whoever published them. One request per channel is under way at the engine;
//! newcomers wait for it.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hashbrown::{DefaultHashBuilder, HashMap};
use veche_protocol::channel::Channel;
use veche_session::question::{Ask, Failure};

use crate::fanout::Event;
use crate::inbox::{ConnectionKey, Inbox, Item};
use crate::sync::Mutex;

#[cfg(test)]
#[cfg(loom)]
mod loom;
#[cfg(test)]
#[cfg(not(loom))]
mod tests;

/// Which workers want which channel.
#[derive(Debug)]
pub(crate) struct Interest {
    shards: Vec<Mutex<HashMap<Channel, Entry>>>,
    /// Chooses the shard; with a seed of its own, as the tables have.
    hasher: DefaultHashBuilder,
    inboxes: Vec<Arc<Inbox>>,
    last_id: AtomicI64,
}

/// Workers that a node can have: one bit of an entry each.
pub const MAX_WORKERS: usize = 64;
/// In a model all channels are in one, so that each run takes the same steps.
const SHARDS: usize = if cfg!(loom) { 1 } else { 64 };

#[derive(Debug)]
pub(crate) struct Entry {
    /// A bit per worker.
    workers: u64,
    /// Stands for the channel's name with clients that agreed to it, for as long as anybody here has the channel. No
    /// other channel ever gets it: a push may be on its way when the last subscriber leaves, and its client may have
    /// subscribed to something else when it comes.
    id: i64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The engine has been asked to begin.
    Subscribing(Vec<Waiter>),
    /// The engine delivers.
    Subscribed,
    /// The engine has been asked to end. Whoever came since waits for that, and for a new beginning.
    Leaving(Vec<Waiter>),
}

/// A session that waits for the engine to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    pub(crate) worker: usize,
    pub(crate) connection: ConnectionKey,
    pub(crate) ask: Ask,
}

/// What must be asked of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Nothing; the channel is delivered.
    None,
    /// Nothing; another's request is under way, and the answer will come to the inbox.
    Wait,
    /// To begin. Then call [`Interest::began`].
    Begin,
    /// To end. Then call [`Interest::ended`].
    End,
}

impl Interest {
    pub(crate) fn new(inboxes: Vec<Arc<Inbox>>) -> Self {
        assert!(
            inboxes.len() <= MAX_WORKERS,
            "a node has at most {MAX_WORKERS} workers"
        );
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: DefaultHashBuilder::default(),
            inboxes,
            last_id: AtomicI64::new(0),
        }
    }

    /// The number that stands for the channel's name; 0 if nobody here has the channel.
    pub(crate) fn id(&self, channel: &Channel) -> i64 {
        self.shard(channel)
            .lock()
            .get(channel)
            .map_or(0, |entry| entry.id)
    }

    /// A session of `waiting.worker` wants the channel.
    pub(crate) fn enter(&self, channel: &Channel, waiting: Waiter) -> Request {
        let mut shard = self.shard(channel).lock();
        let Some(entry) = shard.get_mut(channel) else {
            let entry = Entry {
                workers: bit(waiting.worker),
                id: self.last_id.fetch_add(1, Ordering::Relaxed) + 1,
                state: State::Subscribing(vec![waiting]),
            };
            shard.insert(channel.clone(), entry);
            return Request::Begin;
        };
        entry.workers |= bit(waiting.worker);
        match &mut entry.state {
            State::Subscribed => Request::None,
            State::Subscribing(queue) | State::Leaving(queue) => {
                queue.push(waiting);
                Request::Wait
            }
        }
    }

    /// Nobody on this worker wants the channel any more.
    pub(crate) fn leave(&self, channel: &Channel, worker: usize) -> Request {
        let mut shard = self.shard(channel).lock();
        let Some(entry) = shard.get_mut(channel) else {
            return Request::None;
        };
        entry.workers &= !bit(worker);
        if let State::Subscribing(waiting) | State::Leaving(waiting) = &mut entry.state {
            waiting.retain(|waiting| waiting.worker != worker);
        }
        if entry.workers != 0 {
            return Request::None;
        }
        match &entry.state {
            State::Subscribed => {
                entry.state = State::Leaving(Vec::new());
                Request::End
            }
            State::Subscribing(_) | State::Leaving(_) => Request::None,
        }
    }

    /// The engine has answered a request to begin. Returns whether it must be asked to end at once.
    pub(crate) fn began(&self, channel: &Channel, result: Result<(), Failure>) -> Request {
        let mut shard = self.shard(channel).lock();
        let Some(entry) = shard.get_mut(channel) else {
            return Request::None;
        };
        let State::Subscribing(waiting) = std::mem::replace(&mut entry.state, State::Subscribed)
        else {
            return Request::None;
        };
        self.answer(channel, result, waiting);
        if result.is_err() {
            shard.remove(channel);
            return Request::None;
        }
        if entry.workers == 0 {
            entry.state = State::Leaving(Vec::new());
            return Request::End;
        }
        Request::None
    }

    /// The engine has answered a request to end. Returns whether it must be asked to begin again.
    pub(crate) fn ended(&self, channel: &Channel) -> Request {
        let mut shard = self.shard(channel).lock();
        let Some(entry) = shard.get_mut(channel) else {
            return Request::None;
        };
        let State::Leaving(waiting) = &mut entry.state else {
            return Request::None;
        };
        if waiting.is_empty() && entry.workers == 0 {
            shard.remove(channel);
            return Request::None;
        }
        entry.state = State::Subscribing(std::mem::take(waiting));
        Request::Begin
    }

    /// The first session's answer when the engine had it at once: nobody else can have come between.
    pub(crate) fn began_at_once(&self, channel: &Channel, waiting: Waiter) {
        let mut shard = self.shard(channel).lock();
        if let Some(entry) = shard.get_mut(channel)
            && let State::Subscribing(queue) = &mut entry.state
        {
            let others = queue
                .extract_if(.., |other| {
                    other.connection != waiting.connection
                        || other.worker != waiting.worker
                        || other.ask != waiting.ask
                })
                .collect();
            entry.state = State::Subscribed;
            self.answer(channel, Ok(()), others);
        }
    }

    /// Hands an event, made with the channel's number, to the inboxes of all workers that want its channel. Returns how many dropped it.
    pub(crate) fn deliver(&self, channel: &Channel, event: impl FnOnce(i64) -> Event) -> usize {
        let shard = self.shard(channel).lock();
        let Some(entry) = shard.get(channel).filter(|entry| entry.workers != 0) else {
            return 0;
        };
        let event = Arc::new(event(entry.id));
        self.wanting(entry)
            .filter(|inbox| inbox.deliver(&event))
            .count()
    }

    /// Tells all workers that want the channel that publications may have been lost.
    pub(crate) fn doubt(&self, channel: &Channel) {
        let shard = self.shard(channel).lock();
        let Some(entry) = shard.get(channel) else {
            return;
        };
        for inbox in self.wanting(entry) {
            inbox.push(Item::Doubt(channel.clone()));
        }
    }

    /// Channels that the node has at its engine.
    pub(crate) fn channel_count(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn wanting(&self, entry: &Entry) -> impl Iterator<Item = &Arc<Inbox>> {
        let workers = entry.workers;
        self.inboxes
            .iter()
            .enumerate()
            .filter(move |(worker, _)| workers & bit(*worker) != 0)
            .map(|(_, inbox)| inbox)
    }

    /// Answers all that waited, in one item per worker, before any delivery that comes after.
    fn answer(&self, channel: &Channel, result: Result<(), Failure>, waiting: Vec<Waiter>) {
        for (worker, inbox) in self.inboxes.iter().enumerate() {
            let here: Vec<_> = waiting
                .iter()
                .filter(|waiting| waiting.worker == worker)
                .map(|waiting| (waiting.connection, waiting.ask))
                .collect();
            if !here.is_empty() {
                inbox.push(Item::Entered {
                    channel: channel.clone(),
                    result,
                    waiting: here,
                });
            }
        }
    }

    fn shard(&self, channel: &Channel) -> &Mutex<HashMap<Channel, Entry>> {
        let at = usize::try_from(self.hasher.hash_one(channel.as_str()) >> 58).expect("six bits");
        self.shards
            .get(at % SHARDS)
            .expect("there are SHARDS shards")
    }
}

fn bit(worker: usize) -> u64 {
    1 << worker
}
