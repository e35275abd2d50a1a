//! What the decoder accepts, refuses and keeps.

use proptest::prelude::*;

use super::{Decoder, Event, Limits, Workspace};
use crate::close::{self, ProtocolError};
use crate::deflate::Deflater;
use crate::frame::{self, Opcode, Role};

const LIMITS: Limits = Limits {
    max_message: 4096,
    max_inflated: 16384,
};
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Feeds `chunks` one after the other; yields the events, and the code of the error if it came to
/// one.
fn decode<'a>(
    decoder: &mut Decoder,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<String>, Option<u16>) {
    let mut workspace = Workspace::new();
    let mut events = Vec::new();
    for chunk in chunks {
        let mut scratch = chunk.to_vec();
        let mut input = scratch.as_mut_slice();
        loop {
            match decoder.next(&mut input, &LIMITS, &mut workspace) {
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Ok(None) => break,
                Err(error) => return (events, Some(error.close_code())),
            }
        }
        assert!(input.is_empty(), "input is left");
    }
    (events, None)
}

/// A client's frame, given the first byte of its header.
fn client_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write_masked(&mut bytes, Opcode::Text, false, payload, KEY);
    bytes[0] = first;
    bytes
}

fn check(frames: &[(u8, &[u8])], events: &[&str], code: Option<u16>) {
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|(first, payload)| client_frame(*first, payload))
        .collect();
    let whole = decode(&mut Decoder::new(Role::Server, false), [bytes.as_slice()]);
    assert_eq!(
        whole,
        (events.iter().map(|&event| event.to_owned()).collect(), code),
        "{frames:02x?}"
    );
    let bytewise = decode(&mut Decoder::new(Role::Server, false), bytes.chunks(1));
    assert_eq!(bytewise, whole, "{frames:02x?} byte by byte");
}

#[test]
fn each_violation_closes_with_its_code() {
    for (what, first, payload) in [
        ("RSV1 without an extension", 0xc1, b"x".as_slice()),
        ("RSV2", 0xa1, b"x"),
        ("RSV3", 0x91, b"x"),
        ("reserved data opcode", 0x83, b""),
        ("reserved control opcode", 0x8b, b""),
        ("fragmented ping", 0x09, b""),
        ("fragmented close", 0x08, b""),
        ("long ping", 0x89, &[0; 126]),
        ("continuation of nothing", 0x80, b"x"),
        ("half a close code", 0x88, &[3]),
        ("close code 1005", 0x88, &[0x03, 0xed]),
    ] {
        println!("{what}");
        check(&[(first, payload)], &[], Some(close::PROTOCOL_ERROR));
    }
    check(&[(0x81, b"\xff")], &[], Some(close::INVALID_DATA));
    check(&[(0x88, b"\x03\xe8\xff")], &[], Some(close::INVALID_DATA));
    check(&[(0x82, &[0; 4097])], &[], Some(close::TOO_BIG));
    check(
        &[(0x01, b"a"), (0x81, b"b")],
        &[],
        Some(close::PROTOCOL_ERROR),
    );
    check(
        &[(0x02, &[0; 4000]), (0x80, &[0; 97])],
        &[],
        Some(close::TOO_BIG),
    );
}

#[test]
fn reserved_bits_stay_reserved_where_deflate_was_negotiated() {
    for first in [0xc0, 0xc8, 0xc9, 0xca, 0xe1, 0xd1] {
        let mut decoder = Decoder::new(Role::Server, true);
        let begun = client_frame(0x01, b"a");
        let (events, code) = decode(&mut decoder, [begun.as_slice(), &client_frame(first, b"")]);
        assert_eq!(
            (events, code),
            (vec![], Some(close::PROTOCOL_ERROR)),
            "{first:02x}"
        );
    }
}

#[test]
fn a_mask_is_what_tells_a_client_from_a_server() {
    let mut unmasked = Vec::new();
    frame::write(&mut unmasked, Opcode::Text, b"hi");
    let masked = client_frame(0x81, b"hi");
    let read = |role, bytes: &[u8]| decode(&mut Decoder::new(role, false), [bytes]);
    assert_eq!(
        read(Role::Server, &unmasked),
        (vec![], Some(close::PROTOCOL_ERROR))
    );
    assert_eq!(
        read(Role::Client, &masked),
        (vec![], Some(close::PROTOCOL_ERROR))
    );
    assert_eq!(
        read(Role::Server, &masked),
        (vec!["Text(\"hi\")".into()], None)
    );
    assert_eq!(
        read(Role::Client, &unmasked),
        (vec!["Text(\"hi\")".into()], None)
    );
}

#[test]
fn control_frames_pass_between_the_fragments_of_a_message() {
    check(
        &[
            (0x01, b"ve"),
            (0x89, b"1"),
            (0x00, b""),
            (0x8a, b"2"),
            (0x80, b"che"),
            (0x82, b""),
        ],
        &["Ping([49])", "Pong([50])", "Text(\"veche\")", "Binary([])"],
        None,
    );
}

#[test]
fn what_follows_a_close_frame_is_ignored() {
    check(
        &[(0x88, b"\x03\xe8bye"), (0x81, b"more"), (0xff, b"")],
        &["Close(Some((1000, \"bye\")))"],
        None,
    );
    check(&[(0x88, b"")], &["Close(None)"], None);
}

#[test]
fn what_follows_an_error_is_ignored() {
    let mut decoder = Decoder::new(Role::Server, false);
    assert_eq!(
        decode(&mut decoder, [client_frame(0x83, b"").as_slice()]),
        (vec![], Some(1002))
    );
    assert_eq!(
        decode(&mut decoder, [client_frame(0x81, b"x").as_slice()]),
        (vec![], None)
    );
    assert_eq!(decoder.heap_bytes(), 0);
}

#[test]
fn a_text_is_refused_at_its_first_bad_byte() {
    // Before the rest of the frame, and before the rest of the message.
    let mut bytes = client_frame(0x01, "вече\u{7f}".as_bytes());
    bytes.extend(client_frame(0x80, b"ab\xf4\x90\x80\x80 and so on"));
    let bad = client_frame(0x01, "вече\u{7f}".as_bytes()).len() + 6 + 4;
    let mut decoder = Decoder::new(Role::Server, false);
    assert_eq!(
        decode(&mut decoder, bytes[..bad - 1].chunks(1)),
        (vec![], None)
    );
    assert_eq!(
        decode(&mut decoder, [&bytes[bad - 1..bad]]),
        (vec![], Some(close::INVALID_DATA))
    );
}

#[test]
fn a_character_may_span_fragments_but_not_the_end() {
    check(
        &[(0x01, b"\xf0\x9f"), (0x80, b"\xa6\x80")],
        &["Text(\"🦀\")"],
        None,
    );
    check(
        &[(0x01, b"\xf0\x9f"), (0x80, b"\xa6")],
        &[],
        Some(close::INVALID_DATA),
    );
}

#[test]
fn a_message_that_came_whole_is_a_borrow_of_the_input() {
    let mut scratch = client_frame(0x82, b"payload");
    let range = scratch.as_ptr_range();
    let mut decoder = Decoder::new(Role::Server, false);
    let mut input = scratch.as_mut_slice();
    let mut workspace = Workspace::new();
    match decoder.next(&mut input, &LIMITS, &mut workspace) {
        Ok(Some(Event::Binary(payload))) => {
            assert_eq!(payload, b"payload");
            assert!(range.contains(&payload.as_ptr()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(decoder.heap_bytes(), 0);
}

#[test]
fn an_idle_connection_is_sixteen_bytes_without_a_heap() {
    assert!(size_of::<Decoder>() <= 16);
    let mut decoder = Decoder::new(Role::Server, false);
    let bytes = [
        client_frame(0x01, b"a"),
        client_frame(0x89, b"ping"),
        client_frame(0x80, b"b"),
    ]
    .concat();
    for cut in 0..bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        decode(&mut decoder, [head]);
        assert_eq!(decoder.heap_bytes() == 0, cut == 0, "{cut}");
        assert_eq!(decode(&mut decoder, [tail]).1, None);
        assert_eq!(decoder.heap_bytes(), 0, "{cut}");
    }
}

#[test]
fn a_header_may_come_alone() {
    let frames = [client_frame(0x81, b"first"), client_frame(0x82, b"second")];
    let mut decoder = Decoder::new(Role::Server, false);
    for frame in &frames {
        let (header, payload) = frame.split_at(6);
        assert_eq!(decode(&mut decoder, [header]), (vec![], None));
        let (events, code) = decode(&mut decoder, [payload]);
        assert_eq!((events.len(), code), (1, None));
        assert_eq!(decoder.heap_bytes(), 0);
    }
}

#[test]
fn an_announced_giant_is_refused_before_anything_is_kept() {
    let mut decoder = Decoder::new(Role::Server, false);
    let header = [
        0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4,
    ];
    assert_eq!(
        decode(&mut decoder, [header.as_slice()]),
        (vec![], Some(close::TOO_BIG))
    );
    assert_eq!(decoder.heap_bytes(), 0);
}

#[test]
fn an_announced_payload_takes_no_memory_until_it_comes() {
    let mut decoder = Decoder::new(Role::Server, false);
    let frame = client_frame(0x82, &[0; 4096]);
    decode(&mut decoder, [&frame[..20]]);
    assert!(decoder.heap_bytes() < 300, "{}", decoder.heap_bytes());
}

#[test]
fn an_inflated_message_is_held_to_its_own_limit() {
    let mut deflater = Deflater::new(6);
    let mut frames = Vec::new();
    deflater.write_masked(&mut frames, Opcode::Binary, &[0; 16384], KEY);
    deflater.write_masked(&mut frames, Opcode::Binary, &[0; 16385], KEY);
    let (events, code) = decode(&mut Decoder::new(Role::Server, true), frames.chunks(7));
    assert_eq!((events.len(), code), (1, Some(close::TOO_BIG)));
}

#[test]
fn a_compressed_text_must_be_utf8_and_deflate() {
    let mut payload = Vec::new();
    Deflater::new(1).compress(b"\xff", &mut payload);
    for payload in [payload.as_slice(), b"not deflate"] {
        let frame = client_frame(0xc1, payload);
        let read = decode(&mut Decoder::new(Role::Server, true), [frame.as_slice()]);
        assert_eq!(read, (vec![], Some(close::INVALID_DATA)));
    }
}

/// A message of a client or a server, to be spelled in frames.
#[derive(Clone, Debug)]
struct Sent {
    opcode: Opcode,
    payload: Vec<u8>,
    is_compressed: bool,
    /// Lengths of all fragments but the last, which takes the rest.
    fragments: Vec<usize>,
}

impl Sent {
    fn write(&self, role: Role, out: &mut Vec<u8>) {
        let mut wire = self.payload.clone();
        let is_compressed = self.is_compressed && !self.opcode.is_control();
        if is_compressed {
            wire.clear();
            Deflater::new(6).compress(&self.payload, &mut wire);
        }
        let mut rest = wire.as_slice();
        let fragments = if self.opcode.is_control() {
            &[]
        } else {
            self.fragments.as_slice()
        };
        for (number, len) in fragments.iter().chain([&usize::MAX]).enumerate() {
            let (fragment, after) = rest.split_at((*len).min(rest.len()));
            rest = after;
            let start = out.len();
            let opcode = if number == 0 {
                self.opcode
            } else {
                Opcode::Continuation
            };
            match role {
                Role::Client => {
                    frame::write_masked(out, opcode, is_compressed && number == 0, fragment, KEY)
                }
                Role::Server => {
                    out.extend_from_slice(&frame::header(
                        opcode,
                        is_compressed && number == 0,
                        fragment.len(),
                    ));
                    out.extend_from_slice(fragment);
                }
            }
            if number < fragments.len() {
                out[start] &= 0x7f;
            }
        }
    }

    fn expected(&self) -> String {
        let payload = self.payload.as_slice();
        let event = match self.opcode {
            Opcode::Text => Event::Text(std::str::from_utf8(payload).expect("generated as text")),
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => Event::Binary(payload),
        };
        format!("{event:?}")
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let text = "\\PC{0,200}".prop_map(|text| (Opcode::Text, text.into_bytes()));
    let binary =
        proptest::collection::vec(0..3_u8, 0..3000).prop_map(|bytes| (Opcode::Binary, bytes));
    let control = (
        prop_oneof![Just(Opcode::Ping), Just(Opcode::Pong)],
        proptest::collection::vec(any::<u8>(), 0..=125),
    );
    let fragments = proptest::collection::vec(0..100_usize, 0..4);
    (prop_oneof![text, binary, control], any::<bool>(), fragments).prop_map(
        |((opcode, payload), is_compressed, fragments)| Sent {
            opcode,
            payload,
            is_compressed,
            fragments,
        },
    )
}

/// Cuts `bytes` into pieces of the given lengths, again and again.
fn pieces<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for len in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*len).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// As [`decode`], for a reader that reads on into a message's own buffer wherever it can.
fn decode_lent(
    decoder: &mut Decoder,
    mut bytes: &[u8],
    lengths: &[usize],
) -> (Vec<String>, Option<u16>) {
    let mut workspace = Workspace::new();
    let mut events = Vec::new();
    for len in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let loan = decoder.lend(1);
        let room = loan.as_ref().map_or(usize::MAX, |loan| loan.room);
        let (piece, rest) = bytes.split_at((*len).min(room).min(bytes.len()));
        bytes = rest;
        let mut scratch = piece.to_vec();
        let mut input = scratch.as_mut_slice();
        let mut next = match loan {
            Some(mut loan) => {
                loan.buffer.extend_from_slice(piece);
                input = &mut [];
                decoder.give_back(loan, &LIMITS, &mut workspace)
            }
            None => decoder.next_owned(&mut input, &LIMITS, &mut workspace),
        };
        loop {
            match next {
                Ok(Some(received)) => events.push(format!("{received:?}")),
                Ok(None) => break,
                Err(error) => return (events, Some(error.close_code())),
            }
            next = decoder.next_owned(&mut input, &LIMITS, &mut workspace);
        }
    }
    (events, None)
}

/// First bytes of frames that may be right in some place, so that noise behind them goes deep.
const FIRST_BYTES: &[u8] = &[
    0x00, 0x80, 0x01, 0x02, 0x82, 0x42, 0xc2, 0x41, 0x8a, 0x89, 0x88,
];

proptest! {
    #[test]
    fn however_the_bytes_are_cut_the_events_are_the_same(
        messages in proptest::collection::vec(sent(), 0..8),
        lengths in proptest::collection::vec(prop_oneof![1..9_usize, 1..300_usize], 1..10),
        is_server: bool,
    ) {
        let (writer, reader) =
            if is_server { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| message.write(writer, &mut bytes));
        let expected: Vec<String> = messages.iter().map(Sent::expected).collect();
        let mut decoder = Decoder::new(reader, true);
        prop_assert_eq!(decode(&mut decoder, pieces(&bytes, &lengths)), (expected, None));
        prop_assert_eq!(decoder.heap_bytes(), 0);
    }

    #[test]
    fn what_is_read_into_lent_buffers_is_the_same_and_refused_alike(
        messages in proptest::collection::vec(sent(), 1..8),
        lengths in proptest::collection::vec(prop_oneof![1..9_usize, 1..300_usize], 1..10),
        is_server: bool,
        broken: Option<(prop::sample::Index, u8)>,
    ) {
        let (writer, reader) =
            if is_server { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
        let mut bytes = Vec::new();
        messages.iter().for_each(|message| message.write(writer, &mut bytes));
        if let Some((place, bits)) = broken {
            let place = place.index(bytes.len());
            bytes[place] ^= bits;
        }
        let read = decode(&mut Decoder::new(reader, true), pieces(&bytes, &lengths));
        // A close has other words in the two kinds of event.
        prop_assume!(!read.0.iter().any(|event| event.starts_with("Close")));
        let mut decoder = Decoder::new(reader, true);
        prop_assert_eq!(decode_lent(&mut decoder, &bytes, &lengths), read);
        prop_assert!(broken.is_some() || decoder.heap_bytes() == 0);
    }

    #[test]
    fn noise_neither_panics_nor_takes_more_memory_than_the_limit(
        frames in proptest::collection::vec((prop::sample::select(FIRST_BYTES), 0..700_usize), 0..20),
        seed: u64,
        lengths in proptest::collection::vec(1..700_usize, 1..10),
    ) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = Vec::new();
        for (first, len) in frames {
            let mut payload = vec![0; len];
            random.fill(&mut payload);
            bytes.extend(client_frame(first, &payload));
        }
        bytes.extend_from_slice(&random.u128(..).to_ne_bytes());
        let mut decoder = Decoder::new(Role::Server, true);
        let mut workspace = Workspace::new();
        let mut rest = bytes.as_mut_slice();
        for len in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let mut input = super::take(&mut rest, *len);
            let end: Result<(), ProtocolError> = loop {
                match decoder.next(&mut input, &LIMITS, &mut workspace) {
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            prop_assert!(decoder.heap_bytes() <= LIMITS.max_message + 256 + size_of::<super::Incomplete>());
            if end.is_err() {
                prop_assert_eq!(decoder.heap_bytes(), 0);
            }
        }
    }

    #[test]
    fn fragments_of_any_size_fill_no_more_than_the_limit(len in 0..40_usize, count in 1..500_usize) {
        let mut decoder = Decoder::new(Role::Server, false);
        let first = client_frame(0x02, &vec![0; len]);
        let next = client_frame(0x00, &vec![0; len]);
        let chunks = std::iter::once(first.as_slice()).chain(std::iter::repeat_n(next.as_slice(), count));
        let (_, code) = decode(&mut decoder, chunks);
        prop_assert_eq!(code.is_some(), len * (count + 1) > LIMITS.max_message);
        prop_assert!(decoder.heap_bytes() <= LIMITS.max_message + size_of::<super::Incomplete>());
    }
}

#[test]
fn between_messages_a_decoder_costs_no_more_than_was_decided() {
    // Once a connection; `heap_bytes` is zero then.
    assert!(size_of::<Decoder>() <= 16);
}
