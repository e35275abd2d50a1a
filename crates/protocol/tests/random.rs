//! Bytes that nobody meant never stop the server.

use proptest::prelude::{any, prop, proptest};
use proptest::strategy::Strategy;
use veche_protocol::batch::Encoding;
use veche_protocol::filter::Filter;
use veche_protocol::payload::Payload;
use veche_protocol::{json, plain, protobuf};

/// Pieces of commands in any order.
fn almost_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u12",
        "\\ud800",
        "null",
        "true",
        "1",
        "-1",
        "1.5",
        "1e9",
        "\n",
        " ",
        "\"id\":1",
        "\"connect\":",
        "\"subscribe\":{",
        "\"publish\":",
        "\"channel\":\"a\"",
        "\"data\":",
        "\"subs\":{",
        "\"tf\":{",
        "\"nodes\":[",
        "\"token\":",
        "é",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn random_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let count = encoding.commands(&bytes).count();
            assert!(count <= bytes.len() + 1);
        }
        let _ = json::decode_command(&bytes);
        let _ = protobuf::decode_command(&bytes);
        let _ = plain::decode_action(&bytes);
        let _ = Payload::detect(bytes.into());
    }

    #[test]
    fn random_pieces_of_commands_are_read_without_panic(text in almost_json()) {
        let _ = Encoding::Json.commands(text.as_bytes()).count();
        let _ = json::decode_command(format!("{{\"id\":1,{text}").as_bytes());
        let _ = plain::decode_action(format!("{{\"action\":\"publish\",{text}").as_bytes());
    }

    #[test]
    fn what_is_written_as_a_string_is_read_as_the_same(text in any::<String>()) {
        let mut out = Vec::new();
        json::text::push_string(&mut out, &text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        assert!(!out.contains(&b'\n') && !out.contains(&b'<'));
    }

    #[test]
    fn a_cut_command_is_never_read_as_the_whole(cut in 0_usize..40) {
        let whole = b"{\"id\":1,\"publish\":{\"channel\":\"a\",\"data\":1}}";
        if let Some(part) = whole.get(..cut) {
            assert!(json::decode_command(part).is_err());
        }
    }

    #[test]
    fn filters_answer_whatever_they_are_asked(key in ".{0,3}", cmp in "(eq|lt|in|ex|sw|zz)", val in ".{0,30}") {
        let node = veche_protocol::filter::FilterNode { key: key.clone(), cmp, val: val.clone(), ..Default::default() };
        if let Ok(filter) = Filter::compile(&node) {
            let _ = filter.matches(Some(&[(key.into(), val.into())].into()));
            let _ = filter.matches(None);
        }
    }
}
