//! Commands of all dialects, and filters.

use bytes::Bytes;
use veche_protocol::batch::Encoding;
use veche_protocol::command::{Command, Verb};
use veche_protocol::filter::Filter;
use veche_protocol::json;
use veche_protocol::payload::{Payload, is_json};
use veche_protocol::plain;
use veche_protocol::publication::Tags;

/// A text message of the JSON dialect.
pub fn json(input: &[u8]) {
    let commands: Vec<_> = Encoding::Json.commands(input).collect();
    check(commands.iter().flatten());
    let failed = commands.iter().filter(|command| command.is_err()).count();
    assert!(failed <= 1, "nothing follows what cannot be read");
    assert!(input.len() + 1 >= commands.len());
    assert!(
        failed == 1 || !commands.is_empty(),
        "an empty message is an error"
    );
}

/// A message of the Protobuf dialect.
pub fn protobuf(input: &[u8]) {
    let commands: Vec<_> = Encoding::Protobuf.commands(input).collect();
    check(commands.iter().flatten());
    let failed = commands.iter().filter(|command| command.is_err()).count();
    assert!(failed <= 1, "nothing follows what cannot be read");
}

/// A text frame of the plain dialect.
pub fn plain(input: &[u8]) {
    match plain::decode_action(input) {
        Ok(action) => {
            if let Some(id) = &action.asked.id {
                assert!(is_json(id.as_json().as_bytes()));
            }
        }
        Err(rejected) => {
            let mut out = Vec::new();
            plain::encode_error(&rejected.error, &rejected.asked, &mut out);
            assert!(is_json(&out), "an error is one JSON object");
            assert!(!out.contains(&b'\n'));
        }
    }
}

/// A filter: the first line is the filter, the others are tags, `name=value`.
pub fn filter(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let node = lines.next().unwrap_or_default();
    let mut line = br#"{"id":1,"subscribe":{"channel":"a","tf":"#.to_vec();
    line.extend_from_slice(node);
    line.extend_from_slice(b"}}");
    let Ok(Command {
        verb: Verb::Subscribe(subscribe),
        ..
    }) = json::decode_command(&line)
    else {
        return;
    };
    let Some(node) = &subscribe.filter else {
        return;
    };
    let tags: Tags = lines
        .filter_map(|line| std::str::from_utf8(line).ok()?.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    if let Ok(filter) = Filter::compile(node) {
        let again = Filter::compile(node).expect("it was good before");
        assert_eq!(filter, again);
        assert_eq!(filter.matches(Some(&tags)), again.matches(Some(&tags)));
        assert_eq!(filter.matches(None), filter.matches(Some(&Tags::new())));
    }
}

fn check<'a>(commands: impl Iterator<Item = &'a Command>) {
    for command in commands {
        if let Verb::Publish(publish) = &command.verb
            && let Some(data) = &publish.data
        {
            check_payload(data);
        }
        // What is logged of a command must be printable, too.
        assert!(!format!("{command:?}").is_empty());
    }
}

/// Data that are said to be JSON can stand in a JSON frame.
fn check_payload(data: &Payload) {
    let detected = Payload::detect(Bytes::clone(data.bytes()));
    assert!(!data.is_json() || detected.is_json(), "{data:?}");
}
