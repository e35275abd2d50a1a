//! Deltas against their definition, against hostile bytes, and against those of two other implementations.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::Value;

use super::*;

const LIMIT: usize = 1 << 20;

/// A base, and a target made of parts of it and of other bytes.
fn pairs() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let letters = vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 0..300);
    let cuts = vec((any::<u16>(), any::<u16>(), vec(any::<u8>(), 0..20)), 0..6);
    (letters, cuts).prop_map(|(base, cuts)| {
        let mut target = Vec::new();
        for (from, len, between) in cuts {
            let from = usize::from(from) % (base.len() + 1);
            let end = (from + usize::from(len) % 100).min(base.len());
            target.extend_from_slice(&base[from..end]);
            target.extend(between);
        }
        (base, target)
    })
}

proptest! {
    #[test]
    fn a_delta_makes_its_target_of_its_base((base, target) in pairs()) {
        prop_assert_eq!(apply(&base, &create(&base, &target), LIMIT), Ok(target));
    }

    #[test]
    fn a_delta_between_texts_is_text(
        parts in vec("[a-zа-я😀-😅]{0,30}", 1..8),
        order in vec(any::<u8>(), 1..8),
    ) {
        let base = parts.concat();
        let target: String = order.iter().map(|at| {
            let part = &parts[usize::from(*at) % parts.len()];
            part.chars().skip(usize::from(*at) % 3).chain("я".chars()).collect::<String>()
        }).collect();
        let delta = create(base.as_bytes(), target.as_bytes());
        prop_assert!(String::from_utf8(delta.clone()).is_ok());
        prop_assert_eq!(apply(base.as_bytes(), &delta, LIMIT), Ok(target.into_bytes()));
    }

    #[test]
    fn bytes_that_are_no_delta_are_an_error(
        (base, target) in pairs(),
        changes in vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let mut delta = create(&base, &target);
        for (at, byte) in changes {
            let at = usize::from(at) % delta.len();
            delta[at] = byte;
        }
        if let Ok(made) = apply(&base, &delta, 4096) {
            prop_assert!(made.len() <= 4096);
        }
    }
}

#[test]
fn deltas_of_other_implementations_are_understood() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert!(vectors.len() > 20);
    for vector in vectors {
        let bytes = |name: &str| hex(vector[name].as_str().unwrap());
        let (base, target) = (bytes("base"), bytes("target"));
        for made_by in ["go", "npm"] {
            let made = apply(&base, &bytes(made_by), LIMIT);
            assert_eq!(made.as_ref(), Ok(&target), "{made_by}: {vector}");
        }
        // Other implementations made the target of this one, when the vectors were recorded.
        assert_eq!(create(&base, &target), bytes("veche"), "{vector}");
    }
}

#[test]
fn a_delta_that_saves_nothing_or_costs_much_is_not_made() {
    let long = b"{\"price\":1,\"name\":\"something that stays the same\"}";
    let near = b"{\"price\":2,\"name\":\"something that stays the same\"}";
    assert!(patch(long, near).is_some_and(|delta| delta.len() < near.len()));
    assert_eq!(patch(b"", near), None);
    assert_eq!(patch(near, b""), None);
    assert_eq!(patch(b"abc", b"xyz"), None);
    let huge = vec![b'x'; MAX_PATCHED + 1];
    assert_eq!(patch(&huge, &huge), None);
}

#[test]
fn what_is_wrong_with_a_delta_is_told() {
    let (base, target) = (&[b'x'; 40][..], &[b'x'; 39][..]);
    let delta = create(base, target);
    assert_eq!(apply(base, &delta, 38), Err(DeltaError::TooLarge));
    assert_eq!(apply(&[b'y'; 40], &delta, 39), Err(DeltaError::WrongBase));
    assert_eq!(apply(b"", &delta, 39), Err(DeltaError::WrongBase));
    for bad in [
        "",
        "\n",
        "5",
        "5\n",
        "5\n5:abc",
        "3\n3:abc",
        "3\n4:abcd0;",
        "1\n1@0",
        "1\n1@0;",
        "0\n1?",
        "~~~~~~~~\n",
        "0\n0;x",
        "1\n1@~~~~~~,0;",
        "2\n1@0,0;",
        "\u{e9}\n",
    ] {
        assert!(apply(b"abc", bad.as_bytes(), LIMIT).is_err(), "{bad:?}");
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap();
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).unwrap())
        .collect()
}
