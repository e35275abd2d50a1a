//! A worker's one queue: deliveries, orders, answers and sockets, in the order in which they were put in.
//!
//! A push never waits, and wakes the worker only if it sleeps. The bound is kept before: whoever publishes waits while
//! the node is congested (see [`Congestion`]). Past the hard limit a delivery is dropped, and its channel has a gap.

use std::collections::HashSet;
use std::io;
use std::mem;
use std::sync::Arc;

use mio::Token;
use tokio::sync::mpsc;
use veche_engine::control::Addressees;
use veche_protocol::channel::Channel;
use veche_session::order::Order;
use veche_session::question::{Answer, Ask, Failure};
use veche_session::rules::Rules;

use crate::compared::Compared;
use crate::connection::Opening;
use crate::fanout::Event;
use crate::inquiry::Inquiry;
use crate::link::Link;
use crate::link::handover::Handover;
use crate::listener::Role;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Notify, Ordering, Waker};

#[cfg(test)]
#[cfg(loom)]
pub(crate) mod loom;
#[cfg(test)]
#[cfg(not(loom))]
pub(crate) mod tests;

/// The token of the inbox's waker.
pub(crate) const WAKER: Token = Token(usize::MAX);

/// Names a connection of a worker. The generation tells it from another one in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// Something for a worker to do.
#[derive(Debug)]
pub(crate) enum Item {
    /// A channel's subscribers are to be told something.
    Deliver(Arc<Event>),
    /// Deliveries of the channel were dropped on the way here.
    Gap(Channel),
    /// Publications of the channel may have been lost before they came here.
    Doubt(Channel),
    /// ... of any channel.
    DoubtEverywhere,
    /// The engine delivers the channel from now on, or failed to.
    Entered {
        channel: Channel,
        result: Result<(), Failure>,
        waiting: Vec<(ConnectionKey, Ask)>,
    },
    /// An answer to a session's question.
    Answer {
        connection: ConnectionKey,
        ask: Ask,
        answer: Answer,
    },
    /// Sessions must do something. The sender counts how many did.
    Order {
        addressees: Arc<Addressees>,
        order: Order,
        done: mpsc::UnboundedSender<usize>,
    },
    /// Somebody wants to know something about this worker.
    Inquiry(Inquiry),
    /// A message of an emulated client, and the name that its request gave.
    Input {
        slot: u32,
        session: Box<str>,
        message: Vec<u8>,
    },
    /// A fresh connection that another worker accepted.
    Accepted { link: Link, role: Role },
    /// A connection whose upgrade was answered elsewhere.
    Upgraded {
        handover: Handover,
        opening: Box<Opening>,
    },
    /// The engine has said later where the stream of a channel is.
    Compared(Compared),
    /// New rules.
    Rules(Arc<Rules>),
    /// No more connections.
    StopAccepting,
    /// Say goodbye to all, and end.
    Stop,
}

/// A worker's one queue.
///
/// Only deliveries are bounded; all else is bounded by what causes it: questions by sessions, sockets by descriptors,
/// orders and inquiries by the API calls in progress.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    /// Set by the worker before it sleeps, cleared by whoever wakes it.
    asleep: AtomicBool,
    waker: Waker,
    congestion: Arc<Congestion>,
    /// Deliveries that were dropped since the worker last asked.
    dropped: AtomicUsize,
    hard_limit: usize,
    high_water: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: Vec<Item>,
    /// Weight of the deliveries in `items`, and of those the worker has taken and not finished.
    bytes: usize,
    /// Channels of which a delivery was dropped; told once each.
    gaps: HashSet<Channel>,
    congested: bool,
    is_closed: bool,
}

impl Inbox {
    pub(crate) fn new(waker: Waker, congestion: Arc<Congestion>, limits: InboxLimits) -> Self {
        Self {
            queue: Mutex::default(),
            asleep: AtomicBool::new(false),
            waker,
            congestion,
            dropped: AtomicUsize::new(0),
            hard_limit: limits.hard_limit,
            high_water: limits.high_water,
        }
    }

    /// Puts something in, and wakes the worker if it sleeps.
    pub(crate) fn push(&self, item: Item) {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            // Dropped outside the lock: an item may be a socket, or wake whoever waits for its answer.
            drop(queue);
            return;
        }
        queue.items.push(item);
        drop(queue);
        self.wake();
    }

    /// Puts a delivery in. Returns whether it was dropped because the inbox is full; the worker reports that, since the
    /// caller may hold a lock of the engine.
    pub(crate) fn deliver(&self, event: &Arc<Event>) -> bool {
        let weight = event.weight();
        let mut queue = self.queue.lock();
        if queue.is_closed {
            return false;
        }
        let dropped = queue.bytes + weight > self.hard_limit;
        if dropped {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            if queue.gaps.insert(event.channel.clone()) {
                queue.items.push(Item::Gap(event.channel.clone()));
            }
        } else {
            queue.bytes += weight;
            queue.items.push(Item::Deliver(event.clone()));
            if queue.bytes > self.high_water && !queue.congested {
                queue.congested = true;
                self.congestion.begin();
            }
        }
        drop(queue);
        self.wake();
        dropped
    }

    /// Takes everything into `items`, which must be empty. Returns the weight of the deliveries among them.
    pub(crate) fn take(&self, items: &mut Vec<Item>) -> usize {
        let mut queue = self.queue.lock();
        mem::swap(&mut queue.items, items);
        queue.gaps.clear();
        queue.bytes
    }

    /// How many deliveries were dropped since this was last asked.
    pub(crate) fn take_dropped(&self) -> usize {
        match self.dropped.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.dropped.swap(0, Ordering::Relaxed),
        }
    }

    /// The worker has finished deliveries of this weight.
    pub(crate) fn finished(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut queue = self.queue.lock();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        if queue.congested && queue.bytes <= self.high_water / 2 {
            queue.congested = false;
            self.congestion.end();
        }
    }

    /// The worker is gone: whatever is here, or comes later, is dropped, so that nobody waits for it.
    pub(crate) fn close(&self) {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        if mem::take(&mut queue.congested) {
            self.congestion.end();
        }
        let items = mem::take(&mut queue.items);
        drop(queue);
        drop(items);
    }

    /// The worker is about to sleep. Returns whether it must not, because something came.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        let has_work = !self.queue.lock().items.is_empty();
        if has_work {
            self.asleep.store(false, Ordering::SeqCst);
        }
        has_work
    }

    /// The worker is awake: pushes need not wake it.
    pub(crate) fn awake(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn wake(&self) {
        let wakes = self.asleep.load(Ordering::SeqCst)
            && self
                .asleep
                .compare_exchange(true, false, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok();
        if wakes && let Err(error) = self.waker.wake() {
            // Without the wake the worker sleeps on to its next timer; nothing is lost.
            if error.kind() != io::ErrorKind::WouldBlock {
                tracing::error!(%error, "cannot wake a worker");
            }
        }
    }
}

/// How much may wait in an inbox, in bytes of deliveries.
#[derive(Clone, Copy, Debug)]
pub struct InboxLimits {
    /// Past it publishers wait.
    pub high_water: usize,
    /// Past it deliveries are dropped, and positioned subscribers are told.
    pub hard_limit: usize,
}

impl Default for InboxLimits {
    /// Publishers wait at 16 MiB; deliveries are dropped at 64 MiB.
    fn default() -> Self {
        Self {
            high_water: 16 << 20,
            hard_limit: 64 << 20,
        }
    }
}

/// Whether some inbox of the node is past its high-water mark.
#[derive(Debug, Default)]
pub(crate) struct Congestion {
    inboxes: AtomicUsize,
    eased: Notify,
}

impl Congestion {
    /// Whether publishers must wait.
    pub(crate) fn is_congested(&self) -> bool {
        self.inboxes.load(Ordering::SeqCst) > 0
    }

    /// Waits until publishers may go on.
    pub(crate) async fn eased(&self) {
        loop {
            let eased = self.eased.notified();
            if !self.is_congested() {
                return;
            }
            eased.await;
        }
    }

    fn begin(&self) {
        self.inboxes.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        self.inboxes.fetch_sub(1, Ordering::SeqCst);
        self.eased.notify_waiters();
    }
}
