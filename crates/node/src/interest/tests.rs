//! One request per channel is under way, and nobody who waits is forgotten.

mod stress;

use veche_protocol::channel::Channel;
use veche_session::question::{Ask, Failure};

use super::{Interest, Request, Waiter};
use crate::inbox::ConnectionKey;
use crate::inbox::tests::{Desk, ROOMY, event};

/// The interest of a node with three workers, and their inboxes.
struct World {
    interest: Interest,
    desks: Vec<Desk>,
    asks: u32,
}

impl World {
    fn new() -> Self {
        let desks: Vec<_> = (0..3).map(|_| Desk::new(ROOMY)).collect();
        let inboxes = desks.iter().map(|desk| desk.inbox.clone()).collect();
        Self {
            interest: Interest::new(inboxes),
            desks,
            asks: 0,
        }
    }

    fn waiting(&mut self, worker: usize) -> Waiter {
        self.asks += 1;
        Waiter {
            worker,
            connection: ConnectionKey {
                slot: self.asks,
                generation: 1,
            },
            ask: Ask(self.asks),
        }
    }

    fn enter(&mut self, worker: usize) -> Request {
        let waiting = self.waiting(worker);
        self.interest.enter(&news(), waiting)
    }

    fn leave(&self, worker: usize) -> Request {
        self.interest.leave(&news(), worker)
    }

    fn began(&self, result: Result<(), Failure>) -> Request {
        self.interest.began(&news(), result)
    }

    fn ended(&self) -> Request {
        self.interest.ended(&news())
    }

    fn deliver(&self, offset: u64) {
        self.interest.deliver(&news(), |_| event("news", offset, 1));
    }

    fn items(&self, worker: usize) -> Vec<String> {
        self.desks[worker].take()
    }
}

fn news() -> Channel {
    Channel::new("news")
}

#[test]
fn newcomers_wait_for_the_one_request_and_are_answered_before_what_comes_after_it() {
    let mut world = World::new();
    assert_eq!(world.enter(0), Request::Begin);
    assert_eq!(world.enter(1), Request::Wait);
    assert_eq!(world.enter(1), Request::Wait);
    world.deliver(1);
    assert_eq!(world.began(Ok(())), Request::None);
    world.deliver(2);
    assert_eq!(world.enter(2), Request::None);
    world.deliver(3);
    assert_eq!(
        world.items(0),
        ["news 1", "news entered true 1", "news 2", "news 3"]
    );
    assert_eq!(
        world.items(1),
        ["news 1", "news entered true 2", "news 2", "news 3"]
    );
    assert_eq!(world.items(2), ["news 3"]);
}

#[test]
fn the_last_to_leave_ends_the_channel_and_the_first_to_come_begins_it_again() {
    let mut world = World::new();
    world.enter(0);
    world.began(Ok(()));
    world.enter(1);
    assert_eq!(world.leave(0), Request::None);
    assert_eq!(world.leave(1), Request::End);
    assert_eq!(world.enter(2), Request::Wait, "the end is under way");
    assert_eq!(world.ended(), Request::Begin);
    assert_eq!(world.enter(0), Request::Wait);
    assert_eq!(world.began(Ok(())), Request::None);
    assert_eq!(world.items(2), ["news entered true 1"]);
    assert_eq!(
        world.items(0),
        ["news entered true 1", "news entered true 1"]
    );
}

#[test]
fn when_nobody_wants_it_any_more_a_channel_that_has_begun_is_ended_at_once() {
    let mut world = World::new();
    assert_eq!(world.enter(0), Request::Begin);
    assert_eq!(world.leave(0), Request::None, "a request is under way");
    assert_eq!(world.began(Ok(())), Request::End);
    assert!(world.items(0).is_empty(), "nobody is there to be answered");
    assert_eq!(world.ended(), Request::None);
    assert_eq!(world.interest.channel_count(), 0);
}

#[test]
fn who_came_and_left_during_the_end_causes_no_new_beginning() {
    let mut world = World::new();
    world.enter(0);
    world.began(Ok(()));
    world.leave(0);
    assert_eq!(world.enter(1), Request::Wait);
    assert_eq!(world.leave(1), Request::None);
    assert_eq!(world.ended(), Request::None);
    assert_eq!(world.interest.channel_count(), 0);
}

#[test]
fn a_failure_is_told_to_all_that_waited_and_the_next_tries_again() {
    let mut world = World::new();
    world.enter(0);
    world.enter(2);
    assert_eq!(world.began(Err(Failure::Unavailable)), Request::None);
    assert_eq!(world.items(0), ["news entered false 1"]);
    assert_eq!(world.items(2), ["news entered false 1"]);
    assert_eq!(world.leave(0), Request::None);
    assert_eq!(world.enter(2), Request::Begin);
}

#[test]
fn an_answer_that_was_there_at_once_goes_through_the_inbox_for_the_others_alone() {
    let mut world = World::new();
    let first = world.waiting(0);
    assert_eq!(world.interest.enter(&news(), first), Request::Begin);
    world.enter(0);
    world.enter(1);
    world.interest.began_at_once(&news(), first);
    assert_eq!(world.items(0), ["news entered true 1"]);
    assert_eq!(world.items(1), ["news entered true 1"]);
    assert_eq!(world.enter(2), Request::None);
}

#[test]
fn deliveries_and_gaps_go_to_the_workers_that_want_the_channel() {
    let mut world = World::new();
    world
        .interest
        .deliver(&news(), |_| unreachable!("nobody wants it"));
    world.enter(1);
    world.began(Ok(()));
    world.desks[1].take();
    world.deliver(1);
    world.interest.doubt(&news());
    assert!(world.items(0).is_empty());
    assert_eq!(world.items(1), ["news 1", "news doubt"]);
}

#[test]
fn a_number_is_never_given_to_another_channel_nor_again_to_the_same() {
    let mut world = World::new();
    let mut given = std::collections::HashSet::new();
    for round in 0..100 {
        for name in ["news", "sport", "weather"] {
            let channel = Channel::new(name);
            let waiting = world.waiting(round % 3);
            assert_eq!(world.interest.enter(&channel, waiting), Request::Begin);
            world.interest.began_at_once(&channel, waiting);
            let id = world.interest.id(&channel);
            assert!(id > 0 && given.insert(id), "{id} was another's");
            // A push that left before the last subscriber did may still be on its way with the number.
            assert_eq!(world.interest.leave(&channel, round % 3), Request::End);
            assert_eq!(world.interest.ended(&channel), Request::None);
            assert_eq!(world.interest.id(&channel), 0);
        }
    }
}

#[test]
fn a_number_stays_while_somebody_has_the_channel() {
    let mut world = World::new();
    assert_eq!(world.enter(0), Request::Begin);
    assert_eq!(world.began(Ok(())), Request::None);
    let id = world.interest.id(&news());
    assert_eq!(world.enter(1), Request::None);
    assert_eq!(world.leave(0), Request::None);
    assert_eq!(world.enter(0), Request::None);
    assert_eq!(world.leave(1), Request::None);
    assert_eq!(world.interest.id(&news()), id);
    // The engine is asked to end, and somebody comes back before it has.
    assert_eq!(world.leave(0), Request::End);
    assert_eq!(world.enter(2), Request::Wait);
    assert_eq!(world.ended(), Request::Begin);
    assert_eq!(world.interest.id(&news()), id);
}
