//! Clients that are behind: what counts, what is shared, who is slow, and when one can go on.

use super::*;
use crate::outbox::EASED;
use crate::outbox::backlog::LOOKS;

/// A group of the clients in these slots is sent a frame.
fn group(outboxes: &mut Outboxes, slots: &[u32], frame: &[u8]) {
    let run = outboxes.begin_run();
    for &slot in slots {
        outboxes.open(slot, run);
    }
    outboxes.extend(run, frame);
}

#[test]
fn replies_make_nobody_slow_and_what_comes_unasked_may_fill_the_limit_beside_them() {
    let mut outboxes = Outboxes::new(1000);
    let reader = client(&mut outboxes, 0, 0);
    for number in 0..10 {
        append_reply(&mut outboxes, 0, &frame(number, 5_000));
    }
    group(&mut outboxes, &[0], &frame(10, 500));
    outboxes.append(0, &frame(11, 400));
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), []);
    reader.allow(20_000);
    outboxes.unblock(0);
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), [], "some replies are written");
    group(&mut outboxes, &[0], &frame(12, 200));
    flush(&mut outboxes);
    assert_eq!(outboxes.take_casualties(), [(0, Casualty::Slow)]);
}

#[test]
fn what_was_written_does_not_count_any_more_wherever_the_writes_end() {
    for room in [1, 700, 1001, 5_000, 5_400] {
        let mut outboxes = Outboxes::new(1000);
        let reader = client(&mut outboxes, 0, 0);
        for number in 0..20 {
            append_reply(&mut outboxes, 0, &frame(2 * number, 4_996));
            group(&mut outboxes, &[0], &frame(2 * number + 1, 396));
            flush(&mut outboxes);
            let rest = outboxes.rows[0].rest.as_ref();
            let live = rest.map_or(0, |rest| rest.counted);
            let written = reader.got().len();
            // A reply of 5000 bytes and something unasked of 400, in turns.
            let wanted: usize = (0..=number)
                .map(|number| (number + 1) * 5_400)
                .map(|end| end.saturating_sub(written).min(400))
                .sum();
            assert_eq!(live, wanted, "{written} bytes are written");
            if reader.allow(room) {
                outboxes.unblock(0);
            }
            flush(&mut outboxes);
            outboxes.take_casualties();
        }
    }
}

#[test]
fn who_waits_for_a_client_to_owe_less_is_told_once() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, 100);
    append_reply(&mut outboxes, 0, &frame(0, 2 * EASED - 10));
    assert_eq!(outboxes.owed(0), 2 * EASED);
    outboxes.watch(0);
    flush(&mut outboxes);
    assert_eq!(outboxes.owed(0), 2 * EASED - 100);
    assert_eq!(outboxes.take_casualties(), []);
    for (room, told) in [
        (EASED - 101, vec![]),
        (1, vec![(0, Casualty::Eased)]),
        (1, vec![]),
        (UNLIMITED, vec![]),
    ] {
        reader.allow(room);
        outboxes.unblock(0);
        flush(&mut outboxes);
        assert_eq!(outboxes.take_casualties(), told);
    }
    assert_eq!(outboxes.owed(0), 0);
}

#[test]
fn a_client_that_takes_all_at_once_or_has_no_link_eases_too() {
    for room in [Some(UNLIMITED), None] {
        let mut outboxes = Outboxes::new(UNLIMITED);
        let reader = room.map(Metered::new);
        outboxes.insert(0, reader.as_ref().map(Metered::link));
        for number in 0..3 {
            append_reply(&mut outboxes, 0, &frame(number, EASED));
            group(&mut outboxes, &[0], &frame(9, 10));
        }
        outboxes.watch(0);
        flush(&mut outboxes);
        assert_eq!(outboxes.take_casualties(), [(0, Casualty::Eased)]);
        assert_eq!(outboxes.owed(0), 0);
    }
}

#[test]
fn what_several_clients_owe_alike_is_counted_once_until_the_last_has_it() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let slots = [0, 1, 2, 3, 4, 5, 6, 7];
    let readers = slots.map(|slot| client(&mut outboxes, slot, 0));
    group(&mut outboxes, &slots, &frame(0, 100_000));
    flush(&mut outboxes);
    let held = outboxes.backlog();
    assert!((100_000..300_000).contains(&held), "{held}");
    for (slot, reader) in slots.iter().zip(&readers) {
        assert_eq!(outboxes.backlog(), held);
        reader.allow(UNLIMITED);
        outboxes.unblock(*slot);
        flush(&mut outboxes);
    }
    assert_eq!(outboxes.backlog(), 0);
}

#[test]
fn copies_are_counted_until_they_are_written_or_dropped() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let readers = [0, 1, 2].map(|slot| client(&mut outboxes, slot, 0));
    for slot in [0, 1, 2] {
        outboxes.append(slot, &frame(1, 96));
        flush(&mut outboxes);
    }
    assert_eq!(outboxes.backlog(), 3 * 98);
    outboxes.remove(0);
    assert_eq!(outboxes.backlog(), 2 * 98);
    readers[1].allow(10);
    outboxes.unblock(1);
    flush(&mut outboxes);
    outboxes.discard(1);
    outboxes.discard(2);
    assert_eq!(outboxes.backlog(), 98, "the frame that is under way");
    readers[1].allow(UNLIMITED);
    outboxes.unblock(1);
    flush(&mut outboxes);
    assert_eq!(outboxes.backlog(), 0);
}

#[test]
fn a_frame_under_way_does_not_keep_its_whole_run() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    client(&mut outboxes, 0, 10);
    let run = outboxes.begin_run();
    outboxes.open(0, run);
    for number in 0..100 {
        outboxes.extend(run, &frame(number, 1000));
    }
    flush(&mut outboxes);
    assert!(outboxes.backlog() >= 100_000);
    outboxes.discard(0);
    assert_eq!(outboxes.backlog(), 1004);
}

#[test]
fn who_takes_nothing_for_some_looks_is_slow_and_who_takes_a_little_is_not() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let readers = [0, 1, 2].map(|slot| client(&mut outboxes, slot, 0));
    for slot in [0, 1, 2] {
        append_reply(&mut outboxes, slot, &frame(1, 10_000));
    }
    flush(&mut outboxes);
    readers[2].allow(UNLIMITED);
    outboxes.unblock(2);
    flush(&mut outboxes);
    for look in 1..=LOOKS {
        outboxes.find_stalled();
        assert_eq!(outboxes.take_casualties(), [], "look {look}");
        readers[1].allow(1);
        outboxes.unblock(1);
        flush(&mut outboxes);
    }
    outboxes.find_stalled();
    assert_eq!(outboxes.take_casualties(), [(0, Casualty::Slow)]);
    assert_eq!(outboxes.largest_backlogs(), [0, 1]);
    outboxes.remove(0);
    readers[1].allow(UNLIMITED);
    outboxes.unblock(1);
    flush(&mut outboxes);
    outboxes.find_stalled();
    assert!(!outboxes.is_anyone_behind());
    assert_eq!(outboxes.largest_backlogs(), [0; 0]);
}
