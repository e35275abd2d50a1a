//! Workers that come and go, and a publisher, in every order that loom finds.

use std::sync::Arc;

use loom::thread;
use veche_protocol::channel::Channel;
use veche_session::question::Ask;

use super::{Interest, Request, Waiter};
use crate::inbox::loom::{Desk, ROOMY, event, explore, offset};
use crate::inbox::{ConnectionKey, Item};
use crate::sync::{AtomicBool, Mutex, Ordering};

/// A node of two workers, with an engine that answers whoever asks it.
struct World {
    interest: Interest,
    desks: Vec<Desk>,
    is_under_way: AtomicBool,
    stream: Mutex<Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    is_subscribed: bool,
    top: u64,
}

impl World {
    fn new() -> Arc<Self> {
        let desks: Vec<_> = (0..2).map(|_| Desk::new(ROOMY)).collect();
        Arc::new(Self {
            interest: Interest::new(desks.iter().map(|desk| desk.inbox.clone()).collect()),
            desks,
            is_under_way: AtomicBool::new(false),
            stream: Mutex::default(),
        })
    }

    /// Brings a request to the engine and its answer back, as a node does.
    fn request(&self, mut request: Request) {
        loop {
            request = match request {
                Request::None | Request::Wait => return,
                Request::Begin => {
                    self.engine(true);
                    self.interest.began(&news(), Ok(()))
                }
                Request::End => {
                    self.engine(false);
                    self.interest.ended(&news())
                }
            };
        }
    }

    fn engine(&self, subscribes: bool) {
        assert!(
            !self.is_under_way.swap(true, Ordering::AcqRel),
            "one request at a time"
        );
        self.stream.lock().is_subscribed = subscribes;
        self.is_under_way.store(false, Ordering::Release);
    }

    fn publish(&self) {
        let mut stream = self.stream.lock();
        stream.top += 1;
        if stream.is_subscribed {
            let offset = stream.top;
            self.interest.deliver(&news(), |_| event(offset));
        }
    }

    /// A worker wants the channel, and waits until it has it. Returns what was published before, as far as it was seen,
    /// and the position from which everything must be seen.
    fn enter(&self, worker: usize) -> (Vec<u64>, u64) {
        let mut seen = Vec::new();
        let request = self.want(worker);
        let mut has_entered = request == Request::None;
        self.request(request);
        while !has_entered {
            for item in self.desks[worker].turn() {
                has_entered |= matches!(item, Item::Entered { .. });
                seen.extend(offset(&item));
            }
        }
        (seen, self.stream.lock().top)
    }

    fn want(&self, worker: usize) -> Request {
        let waiting = Waiter {
            worker,
            connection: ConnectionKey {
                slot: 0,
                generation: 0,
            },
            ask: Ask(1),
        };
        self.interest.enter(&news(), waiting)
    }

    fn leave(&self, worker: usize) {
        let request = self.interest.leave(&news(), worker);
        self.request(request);
    }

    fn offsets(&self, worker: usize) -> Vec<u64> {
        self.desks[worker]
            .take()
            .iter()
            .filter_map(offset)
            .collect()
    }
}

fn news() -> Channel {
    Channel::new("news")
}

#[test]
fn whoever_comes_and_goes_is_answered_and_in_the_end_nobody_has_the_channel() {
    explore(|| {
        let world = World::new();
        let other = {
            let world = world.clone();
            thread::spawn(move || {
                world.enter(1);
                world.leave(1);
            })
        };
        world.enter(0);
        world.leave(0);
        other.join().expect("it came and went");
        assert_eq!(world.interest.channel_count(), 0);
        assert!(!world.stream.lock().is_subscribed);
    });
}

#[test]
fn who_leaves_before_the_answer_leaves_the_channel_to_those_that_come_then() {
    explore(|| {
        let world = World::new();
        let request = world.want(0);
        let engine = {
            let world = world.clone();
            thread::spawn(move || world.request(request))
        };
        world.leave(0);
        world.enter(1);
        engine.join().expect("it answered");
        assert!(world.stream.lock().is_subscribed);
        world.leave(1);
        assert_eq!(world.interest.channel_count(), 0);
        assert!(!world.stream.lock().is_subscribed);
    });
}

#[test]
fn a_channel_that_nobody_waits_for_any_more_is_ended() {
    explore(|| {
        let world = World::new();
        let request = world.want(0);
        let engine = {
            let world = world.clone();
            thread::spawn(move || world.request(request))
        };
        world.leave(0);
        engine.join().expect("it answered");
        assert_eq!(world.interest.channel_count(), 0);
        assert!(!world.stream.lock().is_subscribed);
    });
}

#[test]
fn while_one_stays_the_other_cannot_take_the_channel_away() {
    explore(|| {
        let world = World::new();
        let other = {
            let world = world.clone();
            thread::spawn(move || {
                world.enter(1);
                world.leave(1);
            })
        };
        world.enter(0);
        other.join().expect("it came and went");
        world.publish();
        assert_eq!(world.offsets(0).last(), Some(&1));
    });
}

#[test]
fn who_has_the_channel_sees_all_that_is_published_from_then_on_once_and_in_order() {
    explore(|| {
        let world = World::new();
        let publisher = {
            let world = world.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    world.publish();
                }
            })
        };
        let (mut seen, position) = world.enter(0);
        publisher.join().expect("it published");
        seen.extend(world.offsets(0));
        assert!(seen.is_sorted_by(|a, b| a < b), "in order, and once");
        let missed = (position + 1..=2).find(|offset| !seen.contains(offset));
        assert_eq!(missed, None);
    });
}
