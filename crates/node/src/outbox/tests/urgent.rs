//! Control frames go between messages, and ahead of those that are queued.

use proptest::prelude::prop_assert;

use super::*;
use crate::outbox::Urgent;
use crate::outbox::urgent::MAX_PONGS;

/// A long pong whose payload is its number.
fn pong(number: u8) -> Vec<u8> {
    let mut frames = Vec::new();
    frame::write(&mut frames, Opcode::Pong, &[number; 100]);
    frames
}

fn is_pong(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 15 == 10)
}

fn ping() -> Vec<u8> {
    vec![0x89, 0]
}

/// The frames in what a client got, which must end with one.
fn split(mut got: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while !got.is_empty() {
        let len = match *got {
            [_, 127, _, _, _, _, a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]) as usize + 10,
            [_, 126, a, b, ..] => usize::from(u16::from_be_bytes([a, b])) + 4,
            [_, len, ..] => usize::from(len) + 2,
            _ => panic!("half a header: {got:?}"),
        };
        let (one, rest) = got.split_at(len);
        frames.push(one.to_vec());
        got = rest;
    }
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_frame_that_begins_is_the_urgent_one(
        lens in proptest::collection::vec(0..3_000_usize, 1..20),
        first in 0..30_000_usize,
        rooms in proptest::collection::vec(1..9_000_usize, 1..12),
        in_groups in any::<bool>(),
    ) {
        let mut outboxes = Outboxes::new(UNLIMITED);
        let reader = client(&mut outboxes, 0, first);
        let mut wanted = Vec::new();
        for (number, len) in lens.iter().enumerate() {
            let frame = frame(number, *len);
            if in_groups {
                let run = outboxes.begin_run();
                outboxes.open(0, run);
                outboxes.extend(run, &frame);
            } else {
                append_reply(&mut outboxes, 0, &frame);
            }
            wanted.push(frame);
        }
        flush(&mut outboxes);
        let mut number = 0;
        for room in rooms {
            number += 1;
            let before = reader.got().len();
            let is_behind = outboxes.owed(0) > 0;
            outboxes.append_urgent(0, Urgent::Pong, &pong(number));
            if reader.allow(room) {
                outboxes.unblock(0);
            }
            flush(&mut outboxes);
            let got = reader.got();
            if is_behind && got.len() > before + 3_010 {
                // The frame that was under way is through, and so is the one behind it.
                let mut at = 0;
                let next = split_at_least(&got, before, &mut at);
                prop_assert!(next.is_some_and(|frame| is_pong(&frame)));
            }
        }
        reader.allow(UNLIMITED);
        outboxes.unblock(0);
        flush(&mut outboxes);
        let frames = split(&reader.got());
        let messages: Vec<_> = frames.iter().filter(|frame| !is_pong(frame)).cloned().collect();
        prop_assert_eq!(messages, wanted);
        prop_assert!(frames.contains(&pong(number)), "the latest ping is answered");
        prop_assert_eq!(outboxes.owed(0), 0);
        prop_assert_eq!(outboxes.backlog(), 0);
    }
}

/// The first frame that begins at `from` or later.
fn split_at_least(got: &[u8], from: usize, at: &mut usize) -> Option<Vec<u8>> {
    let mut rest = got;
    while !rest.is_empty() {
        let len = match *rest {
            [_, 126, a, b, ..] => usize::from(u16::from_be_bytes([a, b])) + 4,
            [_, len, ..] => usize::from(len) + 2,
            _ => return None,
        };
        if *at >= from {
            return rest.get(..len).map(<[u8]>::to_vec);
        }
        *at += len;
        rest = rest.get(len..)?;
    }
    None
}

#[test]
fn each_ping_is_answered_in_order_while_the_answers_are_few() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, 1);
    outboxes.append(0, &frame(0, 5_000));
    flush(&mut outboxes);
    for number in 0..10 {
        outboxes.append_urgent(0, Urgent::Pong, &pong(number));
    }
    reader.allow(UNLIMITED);
    outboxes.unblock(0);
    flush(&mut outboxes);
    let wanted: Vec<_> = std::iter::once(frame(0, 5_000))
        .chain((0..10).map(pong))
        .collect();
    assert_eq!(split(&reader.got()), wanted);
}

#[test]
fn pings_of_one_turn_are_answered_in_order() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, UNLIMITED);
    for number in 0..10 {
        outboxes.append_urgent(0, Urgent::Pong, &pong(number));
    }
    flush(&mut outboxes);
    assert_eq!(split(&reader.got()), (0..10).map(pong).collect::<Vec<_>>());
}

#[test]
fn of_the_pings_of_a_client_that_does_not_read_the_latest_are_answered() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, 1);
    outboxes.append(0, &frame(0, 5_000));
    flush(&mut outboxes);
    let owed = outboxes.owed(0);
    for number in 0..195 {
        outboxes.append_urgent(0, Urgent::Pong, &pong(number));
        outboxes.append_urgent(0, Urgent::Ping, &ping());
        flush(&mut outboxes);
    }
    assert_eq!(outboxes.owed(0), owed, "urgent frames do not pile up");
    reader.allow(UNLIMITED);
    outboxes.unblock(0);
    flush(&mut outboxes);
    let wanted: Vec<_> = [frame(0, 5_000), ping()]
        .into_iter()
        .chain((190..195).map(pong))
        .collect();
    assert_eq!(split(&reader.got()), wanted);
}

#[test]
fn the_answers_to_a_flood_of_pings_in_one_turn_are_bounded() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, UNLIMITED);
    for number in 0..200 {
        outboxes.append_urgent(0, Urgent::Pong, &pong(number));
    }
    flush(&mut outboxes);
    let got = reader.got();
    assert!(got.len() <= 2 * MAX_PONGS, "{}", got.len());
    assert!(split(&got).contains(&pong(199)));
}

#[test]
fn nothing_goes_before_the_answer_to_the_upgrade() {
    let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    for room in [UNLIMITED, 0, 5, head.len(), head.len() + 1] {
        let mut outboxes = Outboxes::new(UNLIMITED);
        let reader = client(&mut outboxes, 0, room);
        outboxes.append(0, head);
        append_reply(&mut outboxes, 0, &frame(1, 500));
        if room == UNLIMITED {
            outboxes.append_urgent(0, Urgent::Pong, &pong(1));
        }
        flush(&mut outboxes);
        outboxes.append_urgent(0, Urgent::Ping, &ping());
        if reader.allow(UNLIMITED) {
            outboxes.unblock(0);
        }
        flush(&mut outboxes);
        let got = reader.got();
        assert!(got.starts_with(head), "with room for {room}");
        let frames = split(&got[head.len()..]);
        assert!(frames.contains(&frame(1, 500)) && frames.contains(&ping()));
        if (1..=head.len()).contains(&room) || room == 0 {
            assert_eq!(frames, [ping(), frame(1, 500)]);
        }
    }
}

#[test]
fn urgent_frames_are_dropped_with_the_rest() {
    let mut outboxes = Outboxes::new(UNLIMITED);
    let reader = client(&mut outboxes, 0, 7);
    for number in 0..3 {
        outboxes.append(0, &frame(number, 10));
    }
    flush(&mut outboxes);
    outboxes.append_urgent(0, Urgent::Pong, &pong(1));
    outboxes.discard(0);
    reader.allow(UNLIMITED);
    outboxes.unblock(0);
    flush(&mut outboxes);
    assert_eq!(split(&reader.got()), [frame(0, 10)]);
    assert_eq!(outboxes.backlog(), 0);
}
