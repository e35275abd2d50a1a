use std::time::Duration;

use tokio::time::Instant;
use veche_websocket::decoder::Workspace;
use veche_websocket::frame::{self, Opcode, Role};

use super::{Conversation, Terms};
use crate::closed::{By, CloseCode, Closed};
use crate::error::Error;
use crate::liveness::Ping;
use crate::message::Message;

fn conversation(now: Instant) -> Conversation {
    let terms = Terms {
        role: Role::Client,
        deflate: None,
        compress_from: usize::MAX,
        max_message: 1000,
        max_unsent: 300,
        ping: Some(Ping {
            every: Duration::from_secs(30),
            within: Duration::from_secs(10),
        }),
        close_timeout: Duration::from_secs(5),
    };
    Conversation::new(terms, now)
}

fn receive(conversation: &mut Conversation, now: Instant, bytes: &[u8]) -> Option<Message> {
    let mut bytes = bytes.to_vec();
    let mut input = bytes.as_mut_slice();
    conversation.receive(&mut input, &mut Workspace::new(), || now)
}

fn from_server(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, opcode, payload);
    out
}

/// Opcodes and payloads of the frames that wait to be written.
fn said(conversation: &mut Conversation) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    let unsent: Vec<u8> = (conversation.outgoing.unsent().iter())
        .flat_map(|slice| slice.to_vec())
        .collect();
    let mut bytes = unsent.as_slice();
    while let [first, second, rest @ ..] = bytes {
        let len = usize::from(second & 0x7f);
        let (key, rest) = rest.split_at(4);
        let (payload, rest) = rest.split_at(len);
        let unmasked = payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key);
        frames.push((first & 0x0f, unmasked.collect()));
        bytes = rest;
    }
    let len = conversation.outgoing.len();
    conversation.outgoing.advance(len);
    frames
}

#[test]
fn a_close_of_the_peer_is_answered_with_its_code_and_ends_what_can_be_sent() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    let close = from_server(Opcode::Close, b"\x0b\xb9you asked me to");
    assert_eq!(receive(&mut conversation, now, &close), None);
    assert_eq!(said(&mut conversation), [(8, b"\x0b\xb9".to_vec())]);
    assert!(conversation.is_ending());
    let expected = Closed {
        by: By::Peer,
        code: 3001,
        reason: "you asked me to".to_owned(),
        clean: true,
    };
    let refused = conversation.send("late".into()).expect_err("it is closed");
    assert!(matches!(refused, Error::Closed(closed) if closed == expected));
    conversation.end(None);
    assert_eq!(conversation.closed(), Some(&expected));
    assert!(conversation.take_error().is_none());
}

#[test]
fn our_close_is_clean_only_if_the_peer_answers_it() {
    let now = Instant::now();
    for answers in [true, false] {
        let mut conversation = conversation(now);
        conversation.close(CloseCode::NORMAL, "done", now);
        assert_eq!(said(&mut conversation), [(8, b"\x03\xe8done".to_vec())]);
        if answers {
            receive(
                &mut conversation,
                now,
                &from_server(Opcode::Close, b"\x03\xe8"),
            );
        }
        conversation.end(None);
        let closed = conversation.closed().expect("it ended");
        assert_eq!((closed.by, closed.code), (By::Local, 1000));
        assert_eq!((closed.reason.as_str(), closed.clean), ("done", answers));
        assert!(
            said(&mut conversation).is_empty(),
            "one close frame is enough"
        );
    }
}

#[test]
fn after_our_close_messages_still_come_until_the_peer_closes() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    conversation.close(CloseCode::NORMAL, "", now);
    let text = from_server(Opcode::Text, b"last words");
    assert_eq!(
        receive(&mut conversation, now, &text),
        Some("last words".into())
    );
}

#[test]
fn a_close_that_is_not_answered_ends_at_its_deadline() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    conversation.close(CloseCode::NORMAL, "", now);
    let deadline = now + Duration::from_secs(5);
    assert_eq!(conversation.deadline(), Some(deadline));
    conversation.handle_timeout(deadline, true);
    assert!(conversation.closed().is_some_and(|closed| !closed.clean));
}

#[test]
fn a_peer_that_breaks_the_protocol_is_told_why_and_so_are_we() {
    let now = Instant::now();
    for (bytes, code) in [
        (b"\x83\x00".to_vec(), 1002),
        (from_server(Opcode::Text, b"\xff"), 1007),
        (b"\x82\x7f\0\0\0\0\x05\xf5\xe1\0".to_vec(), 1009),
    ] {
        let mut conversation = conversation(now);
        assert_eq!(receive(&mut conversation, now, &bytes), None);
        let frames = said(&mut conversation);
        let [(8, payload)] = frames.as_slice() else {
            panic!("one close frame: {frames:?}");
        };
        assert_eq!(payload[..2], u16::to_be_bytes(code));
        match conversation.take_error().expect("an error") {
            Error::Protocol { code: told, .. } => assert_eq!(told, code),
            Error::TooBig { limit } => assert_eq!((limit, code), (1000, 1009)),
            other => panic!("{other}"),
        }
        conversation.end(None);
        let closed = conversation.closed().expect("it ended");
        assert_eq!(
            (closed.by, closed.code, closed.clean),
            (By::Local, code, false)
        );
    }
}

#[test]
fn a_connection_that_ends_without_a_word_is_1006_and_an_error() {
    let mut conversation = conversation(Instant::now());
    conversation.end(None);
    assert!(matches!(conversation.take_error(), Some(Error::Lost(_))));
    assert_eq!(conversation.closed(), Some(&Closed::lost()));
}

#[test]
fn a_close_frame_without_a_code_is_1005() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    receive(&mut conversation, now, b"\x88\x00");
    assert_eq!(said(&mut conversation), [(8, Vec::new())]);
    assert_eq!(conversation.decided().map(|closed| closed.code), Some(1005));
}

#[test]
fn pings_are_answered_while_there_is_room_and_then_only_the_latest() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    let pings: Vec<u8> = (0..200)
        .flat_map(|n| from_server(Opcode::Ping, &[n]))
        .collect();
    receive(&mut conversation, now, &pings);
    assert!(conversation.outgoing.len() < 310, "bounded");
    let pongs = said(&mut conversation);
    assert!(pongs.iter().all(|(opcode, _)| *opcode == 10));
    conversation.settle();
    assert_eq!(said(&mut conversation), [(10, vec![199])]);
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    let asked = now + Duration::from_secs(30);
    conversation.handle_timeout(asked, true);
    assert_eq!(said(&mut conversation), [(9, Vec::new())]);
    conversation.handle_timeout(asked + Duration::from_secs(10), true);
    assert!(matches!(conversation.take_error(), Some(Error::NoPong(_))));
    assert_eq!(conversation.closed(), Some(&Closed::lost()));
}

#[test]
fn a_long_reason_is_cut_and_the_end_tells_what_was_sent() {
    let now = Instant::now();
    let mut conversation = conversation(now);
    conversation.close(CloseCode::NORMAL, &"ж".repeat(100), now);
    let sent = said(&mut conversation);
    assert_eq!(sent[0].1.len(), 2 + 122);
    let reason = conversation.decided().map(|closed| closed.reason.clone());
    assert_eq!(reason, Some("ж".repeat(61)));
}
