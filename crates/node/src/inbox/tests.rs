//! What an inbox does at its bounds, and when its worker sleeps or is gone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mio::{Events, Poll, Token, Waker};
use tokio::sync::mpsc;
use veche_engine::sink::Delivery;
use veche_protocol::channel::Channel;
use veche_protocol::payload::Payload;
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;

use super::{Congestion, Inbox, InboxLimits, Item};
use crate::fanout::{Event, EventBody};
use crate::inquiry::Inquiry;

/// An inbox, and the worker's side of it.
pub(crate) struct Desk {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) poll: Poll,
    pub(crate) congestion: Arc<Congestion>,
}

impl Desk {
    pub(crate) fn new(limits: InboxLimits) -> Self {
        let poll = Poll::new().expect("an event queue");
        let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
        let congestion = Arc::new(Congestion::default());
        Self {
            inbox: Arc::new(Inbox::new(waker, congestion.clone(), limits)),
            poll,
            congestion,
        }
    }

    /// Everything that is there, as text.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut items = Vec::new();
        self.inbox.take(&mut items);
        items.iter().map(text).collect()
    }

    /// Sleeps as a worker does. Returns whether somebody woke it, or it did not have to sleep at all.
    pub(crate) fn sleep(&mut self, patience: Duration) -> bool {
        if self.inbox.fall_asleep() {
            return true;
        }
        let mut events = Events::with_capacity(4);
        self.poll
            .poll(&mut events, Some(patience))
            .expect("it polls");
        self.inbox.awake();
        !events.is_empty()
    }
}

fn text(item: &Item) -> String {
    match item {
        Item::Deliver(event) => format!("{} {}", event.channel, offset(event)),
        Item::Gap(channel) => format!("{channel} gap"),
        Item::Doubt(channel) => format!("{channel} doubt"),
        Item::Entered {
            channel,
            result,
            waiting,
        } => format!("{channel} entered {} {}", result.is_ok(), waiting.len()),
        other => format!("{other:?}"),
    }
}

pub(crate) fn offset(event: &Event) -> u64 {
    match &event.body {
        EventBody::Publication(delivery) => delivery.publication.offset,
        EventBody::Join(_) | EventBody::Leave(_) => 0,
    }
}

/// A publication with so many bytes of data.
pub(crate) fn event(channel: &str, offset: u64, len: usize) -> Event {
    let mut publication = Publication::new(Payload::binary(Bytes::from(vec![0; len])));
    publication.offset = offset;
    let delivery = Delivery {
        publication: Arc::new(publication),
        epoch: Epoch::new("a"),
        previous: None,
        delta: false,
    };
    Event::new(Channel::new(channel), 1, EventBody::Publication(delivery))
}

pub(crate) const ROOMY: InboxLimits = InboxLimits {
    high_water: usize::MAX,
    hard_limit: usize::MAX,
};

/// Every delivery with this much data weighs some more than it.
const LEN: usize = 10_000;

#[test]
fn items_come_out_in_the_order_in_which_they_went_in() {
    let desk = Desk::new(ROOMY);
    desk.inbox.deliver(&Arc::new(event("a", 1, 0)));
    desk.inbox.push(Item::Gap(Channel::new("b")));
    desk.inbox.deliver(&Arc::new(event("a", 2, 0)));
    desk.inbox.push(Item::Stop);
    assert_eq!(desk.take(), ["a 1", "b gap", "a 2", "Stop"]);
    assert!(desk.take().is_empty());
}

#[test]
fn past_the_hard_limit_a_channel_has_one_gap_until_it_is_taken() {
    let desk = Desk::new(InboxLimits {
        high_water: usize::MAX,
        hard_limit: 2 * LEN + LEN / 2,
    });
    let deliver =
        |channel: &str, offset| desk.inbox.deliver(&Arc::new(event(channel, offset, LEN)));
    assert!(!deliver("a", 1));
    assert!(!deliver("b", 1));
    assert!(deliver("a", 2));
    assert!(deliver("a", 3));
    assert!(deliver("b", 2));
    assert_eq!(desk.take(), ["a 1", "b 1", "a gap", "b gap"]);
    // Taken is not finished: the worker still holds them.
    assert!(deliver("a", 4));
    assert_eq!(desk.take(), ["a gap"]);
    desk.inbox.finished(2 * event("a", 1, LEN).weight());
    assert!(!deliver("a", 5));
    assert_eq!(desk.take(), ["a 5"]);
}

#[test]
fn publishers_wait_from_the_high_water_mark_until_half_of_it() {
    let weight = event("a", 1, LEN).weight();
    let desk = Desk::new(InboxLimits {
        high_water: 4 * weight,
        hard_limit: usize::MAX,
    });
    for offset in 0..4 {
        desk.inbox.deliver(&Arc::new(event("a", offset, LEN)));
        assert!(!desk.congestion.is_congested());
    }
    desk.inbox.deliver(&Arc::new(event("a", 5, LEN)));
    assert!(desk.congestion.is_congested());
    desk.take();
    desk.inbox.finished(2 * weight);
    assert!(desk.congestion.is_congested());
    desk.inbox.finished(weight);
    assert!(!desk.congestion.is_congested());
}

#[test]
fn a_sleeping_worker_is_woken_and_a_busy_one_is_not() {
    let mut desk = Desk::new(ROOMY);
    let soon = Duration::from_millis(1);
    desk.inbox.push(Item::Stop);
    assert!(desk.sleep(soon), "something is there");
    desk.take();
    assert!(!desk.sleep(soon), "nobody woke it for what it has taken");
    let inbox = desk.inbox.clone();
    let pusher = std::thread::spawn(move || inbox.push(Item::Stop));
    assert!(desk.sleep(Duration::from_secs(10)));
    pusher.join().expect("it pushed");
    assert_eq!(desk.take(), ["Stop"]);
}

#[test]
fn when_the_worker_is_gone_nobody_waits_for_it() {
    let desk = Desk::new(InboxLimits {
        high_water: 0,
        hard_limit: usize::MAX,
    });
    let (reply, mut answers) = mpsc::unbounded_channel();
    desk.inbox.deliver(&Arc::new(event("a", 1, LEN)));
    desk.inbox
        .push(Item::Inquiry(Inquiry::SignOfLife(reply.clone())));
    assert!(desk.congestion.is_congested());
    desk.inbox.close();
    assert!(!desk.congestion.is_congested());
    desk.inbox.push(Item::Inquiry(Inquiry::SignOfLife(reply)));
    assert!(answers.blocking_recv().is_none(), "all senders are gone");
    assert!(!desk.inbox.deliver(&Arc::new(event("a", 2, LEN))));
    assert!(!desk.congestion.is_congested());
    assert!(desk.take().is_empty());
}

#[test]
fn a_worker_never_sleeps_over_an_item() {
    const ROUNDS: u32 = 30_000;
    let mut desk = Desk::new(ROOMY);
    let inbox = desk.inbox.clone();
    let (acknowledge, acknowledged) = std::sync::mpsc::channel();
    let pusher = std::thread::spawn(move || {
        // The next item comes just when the worker looks for the last time before it sleeps.
        for round in 0..ROUNDS {
            inbox.push(Item::Stop);
            if acknowledged.recv().is_err() {
                return;
            }
            for _ in 0..round % 50 {
                std::hint::spin_loop();
            }
        }
    });
    let mut count = 0;
    while count < ROUNDS {
        assert!(
            desk.sleep(Duration::from_secs(10)),
            "an item was slept over"
        );
        for _ in desk.take() {
            count += 1;
            acknowledge.send(()).expect("the pusher waits");
        }
    }
    pusher.join().expect("it pushed everything");
}

#[test]
fn each_delivery_that_was_dropped_is_counted_and_told_once() {
    let desk = Desk::new(InboxLimits {
        high_water: 1 << 10,
        hard_limit: 4 << 10,
    });
    assert_eq!(desk.inbox.take_dropped(), 0);
    let dropped = (1..=50).filter(|offset| {
        let event = Arc::new(event("news", *offset, 1000));
        desk.inbox.deliver(&event)
    });
    let dropped = dropped.count();
    assert!((1..50).contains(&dropped));
    assert_eq!(desk.inbox.take_dropped(), dropped);
    assert_eq!(desk.inbox.take_dropped(), 0);
}
