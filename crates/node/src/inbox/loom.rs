//! Pushing, taking, sleeping and closing in every order that loom finds.

use std::sync::Arc;

use loom::future::block_on;
use loom::thread;
use veche_engine::sink::Delivery;
use veche_protocol::channel::Channel;
use veche_protocol::payload::Payload;
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;

use super::{Congestion, Inbox, InboxLimits, Item};
use crate::fanout::{Event, EventBody};
use crate::sync::Waker;

/// Tries the interleavings of a few threads, with so many switches where no thread had to wait.
///
/// `LOOM_MAX_PREEMPTIONS=6` searches deeper, and takes half a minute.
pub(crate) fn explore(model: impl Fn() + Send + Sync + 'static) {
    const PREEMPTIONS: usize = 4;
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    builder.check(model);
}

/// An inbox, and the worker's side of it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) inbox: Arc<Inbox>,
    congestion: Arc<Congestion>,
    waker: Waker,
}

impl Desk {
    pub(crate) fn new(limits: InboxLimits) -> Self {
        let waker = Waker::alone();
        let congestion = Arc::new(Congestion::default());
        Self {
            inbox: Arc::new(Inbox::new(waker.clone(), congestion.clone(), limits)),
            congestion,
            waker,
        }
    }

    /// One turn of a worker: sleeps as long as nothing is there, and takes what is.
    pub(crate) fn turn(&self) -> Vec<Item> {
        if !self.inbox.fall_asleep() {
            self.waker.sleep();
        }
        self.inbox.awake();
        self.take()
    }

    /// Takes what is there.
    pub(crate) fn take(&self) -> Vec<Item> {
        let mut items = Vec::new();
        self.inbox.take(&mut items);
        let finished = items.iter().map(weight).sum();
        self.inbox.finished(finished);
        items
    }
}

fn weight(item: &Item) -> usize {
    match item {
        Item::Deliver(event) => event.weight(),
        _ => 0,
    }
}

/// A publication of the one channel.
pub(crate) fn event(offset: u64) -> Event {
    let mut publication = Publication::new(Payload::json("1".into()));
    publication.offset = offset;
    let delivery = Delivery {
        publication: Arc::new(publication),
        epoch: Epoch::new("a"),
        previous: None,
        delta: false,
    };
    Event::new(Channel::new("news"), 1, EventBody::Publication(delivery))
}

/// The offset of a delivery; `None` for anything else.
pub(crate) fn offset(item: &Item) -> Option<u64> {
    match item {
        Item::Deliver(event) => match &event.body {
            EventBody::Publication(delivery) => Some(delivery.publication.offset),
            EventBody::Join(_) | EventBody::Leave(_) => None,
        },
        _ => None,
    }
}

pub(crate) const ROOMY: InboxLimits = InboxLimits {
    high_water: usize::MAX,
    hard_limit: usize::MAX,
};

/// Publishers wait from the second delivery on.
fn narrow() -> InboxLimits {
    InboxLimits {
        high_water: event(1).weight(),
        hard_limit: usize::MAX,
    }
}

#[test]
fn a_worker_never_sleeps_over_an_item() {
    explore(|| {
        let desk = Desk::new(ROOMY);
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let inbox = desk.inbox.clone();
                thread::spawn(move || inbox.push(Item::DoubtEverywhere))
            })
            .collect();
        let mut count = 0;
        // Loom fails if everybody sleeps.
        while count < 2 {
            count += desk.turn().len();
        }
        for pusher in pushers {
            pusher.join().expect("it pushed");
        }
    });
}

#[test]
fn items_of_one_thread_come_in_order_even_if_each_wakes_the_worker() {
    explore(|| {
        let desk = Desk::new(ROOMY);
        let inbox = desk.inbox.clone();
        let pusher = thread::spawn(move || {
            for offset in 1..=2 {
                inbox.deliver(&Arc::new(event(offset)));
            }
            inbox.push(Item::Stop);
        });
        let mut seen = Vec::new();
        let mut is_stopped = false;
        while !is_stopped {
            for item in desk.turn() {
                assert!(!is_stopped, "nothing comes behind the end");
                is_stopped = matches!(item, Item::Stop);
                seen.extend(offset(&item));
            }
        }
        assert_eq!(seen, [1, 2]);
        pusher.join().expect("it pushed");
    });
}

#[test]
fn what_is_pushed_while_the_worker_goes_is_dropped_and_congests_nobody() {
    explore(|| {
        let desk = Desk::new(narrow());
        let event = Arc::new(event(1));
        let pushers: Vec<_> = (0..2)
            .map(|_| {
                let (inbox, event) = (desk.inbox.clone(), event.clone());
                thread::spawn(move || inbox.deliver(&event))
            })
            .collect();
        desk.inbox.close();
        for pusher in pushers {
            pusher.join().expect("it pushed");
        }
        assert_eq!(Arc::strong_count(&event), 1, "nobody keeps it");
        assert!(!desk.congestion.is_congested());
    });
}

#[test]
fn a_publisher_that_waits_goes_on_when_the_worker_has_finished() {
    explore(|| {
        let desk = Desk::new(narrow());
        let publisher = {
            let desk = desk.clone();
            thread::spawn(move || {
                for offset in 1..=2 {
                    desk.inbox.deliver(&Arc::new(event(offset)));
                }
                // Loom fails if it waits for ever.
                block_on(desk.congestion.eased());
                desk.inbox.push(Item::Stop);
            })
        };
        let mut count = 0;
        while count < 3 {
            count += desk.turn().len();
        }
        publisher.join().expect("it published");
        assert!(!desk.congestion.is_congested());
    });
}
