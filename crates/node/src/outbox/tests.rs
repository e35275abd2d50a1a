//! Each client gets exactly its bytes, in order, however slowly it reads and however the writing is sliced.

use std::time::Duration;

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest,
};
use proptest::test_runner::TestCaseResult;
use veche_websocket::frame::{self, Opcode};

use super::backlog::MAX_SLICES;
use super::flush::COPY_UP_TO;
use super::{Casualty, Outboxes, RunId};
use crate::link::metered::Metered;

mod behind;
mod urgent;

const UNLIMITED: usize = usize::MAX;

/// A frame whose payload nobody else's looks like.
fn frame(number: usize, len: usize) -> Vec<u8> {
    let payload: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(len).collect();
    let mut frames = Vec::new();
    frame::write(&mut frames, Opcode::Binary, &payload);
    frames
}

fn row(slot: usize) -> u32 {
    u32::try_from(slot).expect("a handful of clients")
}

fn client(outboxes: &mut Outboxes, slot: u32, room: usize) -> Metered {
    let reader = Metered::new(room);
    outboxes.insert(slot, reader.link());
    reader
}

/// Bytes that are left after short writes.
/// Queues frames that the client has asked for.
fn append_reply(outboxes: &mut Outboxes, slot: u32, frames: &[u8]) {
    outboxes.append_with(slot, true, |out| out.extend_from_slice(frames));
}

fn unwritten(outboxes: &Outboxes) -> usize {
    let rests = outboxes.rows.iter().filter_map(|row| row.rest.as_ref());
    rests.map(|rest| rest.bytes).sum()
}

fn flush(outboxes: &mut Outboxes) {
    assert!(
        outboxes.flush(Duration::MAX),
        "there is time for everything"
    );
}

/// Memory of the runs that nobody uses.
fn kept(outboxes: &Outboxes) -> usize {
    outboxes.runs.iter().map(super::run::Run::memory).sum()
}

#[test]
fn a_turn_of_many_groups_leaves_its_memory_to_the_next_one_up_to_a_limit() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    client(&mut outboxes, 0, usize::MAX);
    let mut turn = |groups: usize| {
        for number in 0..groups {
            let run = outboxes.begin_run();
            outboxes.open(0, run);
            outboxes.extend(run, &frame(number, 4000));
        }
        flush(&mut outboxes);
        (kept(&outboxes), outboxes.kept)
    };
    let (few, counted) = turn(10);
    assert!(few >= 10 * 4000, "{few}");
    assert_eq!(few, counted);
    for groups in [1000, 10, 1000] {
        let (many, counted) = turn(groups);
        assert!(many <= super::MAX_KEPT, "{many}");
        assert_eq!(many, counted);
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Something for one client alone.
    Private {
        slot: usize,
        len: usize,
    },
    /// Something for all of a group.
    Group {
        group: usize,
        len: usize,
    },
    Join {
        slot: usize,
        group: usize,
    },
    Leave {
        slot: usize,
        group: usize,
    },
    /// Another client comes into the slot.
    Replace {
        slot: usize,
    },
    /// A few writes.
    Flush,
    /// The client reads.
    Read {
        slot: usize,
        room: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..CLIENTS;
    let group = 0..GROUPS;
    let len = prop_oneof![0..40_usize, 100..900_usize, 5_000..9_000_usize];
    let room = prop_oneof![1..100_usize, 100..20_000_usize];
    prop_oneof![
        4 => (slot.clone(), len.clone()).prop_map(|(slot, len)| Step::Private { slot, len }),
        6 => (group.clone(), len).prop_map(|(group, len)| Step::Group { group, len }),
        2 => (slot.clone(), group.clone()).prop_map(|(slot, group)| Step::Join { slot, group }),
        1 => (slot.clone(), group).prop_map(|(slot, group)| Step::Leave { slot, group }),
        1 => slot.clone().prop_map(|slot| Step::Replace { slot }),
        6 => Just(Step::Flush),
        6 => (slot, room).prop_map(|(slot, room)| Step::Read { slot, room }),
    ]
}

const CLIENTS: usize = 7;
const GROUPS: usize = 3;

struct Client {
    reader: Metered,
    wanted: Vec<u8>,
}

#[derive(Default)]
struct Group {
    members: Vec<usize>,
    run: Option<(RunId, u32)>,
}

/// The outboxes, and beside them what each client must get.
struct World {
    outboxes: Outboxes,
    clients: Vec<Client>,
    groups: Vec<Group>,
    number: usize,
}

impl World {
    fn new() -> Self {
        let mut outboxes = Outboxes::new(UNLIMITED);
        let clients = (0..CLIENTS)
            .map(|slot| Client {
                reader: client(&mut outboxes, row(slot), 0),
                wanted: Vec::new(),
            })
            .collect();
        Self {
            outboxes,
            clients,
            groups: (0..GROUPS).map(|_| Group::default()).collect(),
            number: 0,
        }
    }

    fn frame(&mut self, len: usize) -> Vec<u8> {
        self.number += 1;
        frame(self.number, len)
    }

    fn take(&mut self, step: &Step) -> TestCaseResult {
        match *step {
            Step::Private { slot, len } => {
                let frame = self.frame(len);
                self.outboxes.append(row(slot), &frame);
                self.clients[slot].wanted.extend(frame);
            }
            Step::Group { group, len } => {
                let frame = self.frame(len);
                self.send(group, &frame);
            }
            Step::Join { slot, group } => {
                let group = &mut self.groups[group];
                if !group.members.contains(&slot) {
                    group.members.push(slot);
                    group.run = None;
                }
            }
            Step::Leave { slot, group } => self.leave(slot, group),
            Step::Replace { slot } => {
                (0..GROUPS).for_each(|group| self.leave(slot, group));
                let gone = &self.clients[slot];
                prop_assert_eq!(gone.wanted.starts_with(&gone.reader.got()), true);
                self.outboxes.remove(row(slot));
                self.clients[slot] = Client {
                    reader: client(&mut self.outboxes, row(slot), 50),
                    wanted: Vec::new(),
                };
            }
            Step::Flush => {
                if self.outboxes.flush(Duration::ZERO) && !self.outboxes.is_dirty() {
                    self.check_backlog()?;
                }
            }
            Step::Read { slot, room } => {
                if self.clients[slot].reader.allow(room) {
                    self.outboxes.unblock(row(slot));
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, slot: usize, group: usize) {
        let group = &mut self.groups[group];
        if let Some(at) = group.members.iter().position(|&member| member == slot) {
            group.members.swap_remove(at);
            group.run = None;
        }
    }

    /// As the hub does it.
    fn send(&mut self, group: usize, frame: &[u8]) {
        let group = &mut self.groups[group];
        let run = match group.run {
            Some((run, generation)) if self.outboxes.can_grow(run, generation) => run,
            _ => {
                let run = self.outboxes.begin_run();
                for &slot in &group.members {
                    self.outboxes.open(row(slot), run);
                }
                group.run = Some((run, self.outboxes.generation()));
                run
            }
        };
        self.outboxes.extend(run, frame);
        for &slot in &group.members {
            self.clients[slot].wanted.extend_from_slice(frame);
        }
    }

    /// When all that could be written is, the rest is in the backlogs, to the byte.
    fn check_backlog(&self) -> TestCaseResult {
        let unread = |client: &Client| client.wanted.len() - client.reader.got().len();
        let unread: usize = self.clients.iter().map(unread).sum();
        prop_assert_eq!(unwritten(&self.outboxes), unread);
        Ok(())
    }

    /// Lets everybody read all.
    fn finish(&mut self) -> TestCaseResult {
        for (slot, client) in self.clients.iter().enumerate() {
            if client.reader.allow(1 << 40) {
                self.outboxes.unblock(row(slot));
            }
        }
        while !self.outboxes.flush(Duration::ZERO) || self.outboxes.is_dirty() {}
        for client in &self.clients {
            prop_assert_eq!(&client.reader.got(), &client.wanted);
        }
        self.check_backlog()?;
        prop_assert_eq!(self.outboxes.take_casualties(), vec![]);
        let (all, free) = (self.outboxes.runs.len(), self.outboxes.free.len());
        prop_assert_eq!(
            all,
            free + self.outboxes.active.len(),
            "every run came back"
        );
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_client_gets_exactly_its_bytes_in_order(steps in proptest::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step)?;
        }
        world.finish()?;
    }

    #[test]
    fn what_is_discarded_ends_at_a_frame(
        lens in proptest::collection::vec(0..700_usize, 1..12),
        room in 0..3_000_usize,
        in_groups in any::<bool>(),
    ) {
        let mut outboxes = Outboxes::new(UNLIMITED);
        let reader = client(&mut outboxes, 0, room);
        let mut ends = vec![0];
        let mut wanted = Vec::new();
        for (number, len) in lens.iter().enumerate() {
            let frame = frame(number, *len);
            if in_groups {
                let run = outboxes.begin_run();
                outboxes.open(0, run);
                outboxes.extend(run, &frame);
            } else {
                outboxes.append(0, &frame);
            }
            wanted.extend(frame);
            ends.push(wanted.len());
        }
        flush(&mut outboxes);
        let written = reader.got().len();
        let end = *ends.iter().find(|end| **end >= written).expect("the last is the end of all");
        outboxes.append(0, &frame(99, 10));
        outboxes.discard(0);
        prop_assert_eq!(unwritten(&outboxes), end - written);
        outboxes.append(0, &frame(100, 10));
        outboxes.drain(0);
        wanted.truncate(end);
        wanted.extend(frame(100, 10));
        flush(&mut outboxes);
        if reader.allow(UNLIMITED) {
            outboxes.unblock(0);
        }
        flush(&mut outboxes);
        prop_assert_eq!(reader.got(), wanted);
        prop_assert_eq!(outboxes.backlog(), 0);
        prop_assert_eq!(outboxes.take_casualties(), vec![(0, Casualty::Drained)]);
    }
}

#[test]
fn who_owes_more_than_the_limit_is_slow_and_nobody_else() {
    let mut outboxes = Outboxes::new(1000);
    let slow = client(&mut outboxes, 0, 100);
    let quick = client(&mut outboxes, 1, UNLIMITED);
    let run = outboxes.begin_run();
    outboxes.open(0, run);
    outboxes.open(1, run);
    outboxes.extend(run, &frame(1, 1096));
    flush(&mut outboxes);
    assert_eq!(unwritten(&outboxes), 1000);
    assert_eq!(
        outboxes.take_casualties(),
        [],
        "the limit itself is allowed"
    );
    outboxes.append(0, &frame(2, 0));
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), [(0, Casualty::Slow)]);
    assert_eq!(outboxes.largest_backlogs(), [0]);
    assert_eq!((slow.got().len(), quick.got().len()), (100, 1100));
}

#[test]
fn a_client_that_is_sent_off_is_not_slow_again() {
    let mut outboxes = Outboxes::new(10);
    client(&mut outboxes, 0, 5);
    outboxes.append(0, &frame(1, 100));
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), [(0, Casualty::Slow)]);
    outboxes.discard(0);
    outboxes.append(0, &frame(2, 100));
    outboxes.drain(0);
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), []);
}

#[test]
fn a_broken_socket_is_told_once_a_turn_and_costs_the_others_nothing() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    client(&mut outboxes, 0, UNLIMITED).break_off();
    let whole = client(&mut outboxes, 1, UNLIMITED);
    for slot in [0, 1] {
        outboxes.append(row(slot), &frame(slot, 10));
        let run = outboxes.begin_run();
        outboxes.open(row(slot), run);
        outboxes.extend(run, &frame(slot, 10));
    }
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), [(0, Casualty::Failed)]);
    assert_eq!(whole.got().len(), 24);
}

#[test]
fn a_long_rest_is_shared_and_a_short_one_copied() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let long = client(&mut outboxes, 0, 0);
    let short = client(&mut outboxes, 1, 3 * COPY_UP_TO);
    let run = outboxes.begin_run();
    outboxes.open(0, run);
    outboxes.open(1, run);
    for number in 0..4 {
        outboxes.extend(run, &frame(number, COPY_UP_TO - 4));
    }
    flush(&mut outboxes);
    let chunk = |slot: usize| {
        let rest = outboxes.rows[slot]
            .rest
            .as_ref()
            .expect("it was a short write");
        rest.backlog[0].clone()
    };
    assert_eq!(chunk(0).bytes.len(), 4 * COPY_UP_TO);
    assert!(!chunk(0).is_copied);
    assert_eq!(chunk(1).bytes.len(), COPY_UP_TO);
    assert!(chunk(1).is_copied);
    assert_eq!(
        outboxes.free.len(),
        1,
        "the run is free though a piece of it lives"
    );
    drop((long, short));
}

#[test]
fn more_pieces_than_one_write_takes_leave_in_several() {
    for count in [MAX_SLICES - 1, MAX_SLICES, MAX_SLICES + 1, 3 * MAX_SLICES] {
        for room in [UNLIMITED, 0, 500] {
            let mut outboxes = Outboxes::new(UNLIMITED);
            let reader = client(&mut outboxes, 0, room);
            let mut wanted = Vec::new();
            for number in 0..count {
                let frame = frame(number, 10);
                let run = outboxes.begin_run();
                outboxes.open(0, run);
                outboxes.extend(run, &frame);
                wanted.extend(frame);
            }
            flush(&mut outboxes);
            assert_eq!(reader.got(), wanted[..wanted.len().min(room)]);
            if reader.allow(UNLIMITED) {
                outboxes.unblock(0);
            }
            flush(&mut outboxes);
            assert_eq!(reader.got(), wanted);
        }
    }
}

#[test]
fn a_client_without_anything_to_write_is_drained_at_once() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    client(&mut outboxes, 0, 0);
    outboxes.drain(0);
    assert!(outboxes.is_dirty());
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), [(0, Casualty::Drained)]);
    assert!(!outboxes.is_dirty());
}

#[test]
fn what_is_for_a_client_that_has_gone_does_not_reach_the_next_one() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    client(&mut outboxes, 0, 5);
    outboxes.append(0, &frame(1, 100));
    flush(&mut outboxes);
    outboxes.append(0, &frame(2, 100));
    outboxes.remove(0);
    assert_eq!(outboxes.backlog(), 0);
    let next = client(&mut outboxes, 0, UNLIMITED);
    outboxes.unblock(0);
    flush(&mut outboxes);
    assert!(next.got().is_empty());
    outboxes.append(0, &frame(3, 1));
    flush(&mut outboxes);
    assert_eq!(next.got(), frame(3, 1));
}

#[test]
fn large_frames_come_whole_through_a_narrow_socket() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, 0);
    let wanted = [
        frame(1, 70_000),
        frame(2, 125),
        frame(3, 126),
        frame(4, 65_536),
    ];
    for frame in &wanted {
        outboxes.append(0, frame);
    }
    flush(&mut outboxes);
    let wanted = wanted.concat();
    while reader.got().len() < wanted.len() {
        if reader.allow(9_973) {
            outboxes.unblock(0);
        }
        flush(&mut outboxes);
        assert_eq!(unwritten(&outboxes), wanted.len() - reader.got().len());
    }
    assert_eq!(reader.got(), wanted);
}
