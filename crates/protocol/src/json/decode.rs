//! Commands from JSON.

use super::object::{Fields, entries, fields, list, object, payload, string, value};
use super::reader::Reader;
use crate::command::{
    Command, Connect, History, Presence, Publish, Refresh, Rpc, Send, SubRefresh, Subscribe,
    TrackBatch, Unsubscribe,
};
use crate::decode_error::DecodeError;
use crate::filter::FilterNode;
use crate::parts::{Nothing, Parts};
use crate::position::{Epoch, StreamPosition};

/// Reads one command. What follows the first JSON value of the line is ignored.
///
/// Names of fields are taken in any case; unknown ones are ignored. `null` stands for no value, except as `data`, where
/// it is the value `null`. Levels of nesting are bounded: 128 in all, [`crate::payload::MAX_DEPTH`] within data.
///
/// # Errors
/// The line doesn't begin with an object (or `null`, a pong) that is valid, or a field has the wrong type.
pub fn decode_command(line: &[u8]) -> Result<Command, DecodeError> {
    let text = simdutf8::basic::from_utf8(line).map_err(|_| DecodeError::new("not UTF-8"))?;
    let mut parts = Parts::default();
    fields(&mut Reader::new(text), &mut parts)?;
    Ok(parts.into_command())
}

impl Fields for Parts {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "id" => value(json, &mut self.id),
            "connect" => object(json, &mut self.connect),
            "ping" => object(json, &mut self.ping),
            "subscribe" => object(json, &mut self.subscribe),
            "unsubscribe" => object(json, &mut self.unsubscribe),
            "publish" => object(json, &mut self.publish),
            "presence" => object(json, &mut self.presence),
            "presence_stats" => object(json, &mut self.presence_stats),
            "history" => object(json, &mut self.history),
            "rpc" => object(json, &mut self.rpc),
            "send" => object(json, &mut self.send),
            "refresh" => object(json, &mut self.refresh),
            "sub_refresh" => object(json, &mut self.sub_refresh),
            _ => Ok(false),
        }
    }
}

impl Fields for Nothing {
    fn read(&mut self, _: &str, _: &mut Reader<'_>) -> Result<bool, DecodeError> {
        Ok(false)
    }
}

impl Fields for Connect {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "token" => string(json, &mut self.token),
            "data" => payload(json, &mut self.data),
            "subs" => entries(json, &mut self.subs),
            "name" => string(json, &mut self.name),
            "version" => string(json, &mut self.version),
            "headers" => entries(json, &mut self.headers),
            "flag" => value(json, &mut self.flag),
            _ => Ok(false),
        }
    }
}

impl Fields for Subscribe {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "channel" => string(json, &mut self.channel),
            "token" => string(json, &mut self.token),
            "recover" => value(json, &mut self.recover),
            "epoch" | "offset" => self.since.read(name, json),
            "data" => payload(json, &mut self.data),
            "positioned" => value(json, &mut self.positioned),
            "recoverable" => value(json, &mut self.recoverable),
            "join_leave" => value(json, &mut self.join_leave),
            "delta" => string(json, &mut self.delta),
            "tf" => object(json, &mut self.filter),
            "flag" => value(json, &mut self.flag),
            "type" => value(json, &mut self.kind),
            "phase" => value(json, &mut self.phase),
            "cursor" => string(json, &mut self.cursor),
            "limit" => value(json, &mut self.limit),
            "asc" => value(json, &mut self.asc),
            _ => Ok(false),
        }
    }
}

impl Fields for StreamPosition {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "offset" => value(json, &mut self.offset),
            "epoch" => {
                let mut epoch = String::new();
                let known = string(json, &mut epoch)?;
                if !epoch.is_empty() {
                    self.epoch = Epoch::new(&epoch);
                }
                Ok(known)
            }
            _ => Ok(false),
        }
    }
}

impl Fields for FilterNode {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "op" => string(json, &mut self.op),
            "key" => string(json, &mut self.key),
            "cmp" => string(json, &mut self.cmp),
            "val" => string(json, &mut self.val),
            "vals" => list(json, &mut self.vals),
            "nodes" => list(json, &mut self.nodes),
            _ => Ok(false),
        }
    }
}

impl Fields for Unsubscribe {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "channel" => string(json, &mut self.channel),
            _ => Ok(false),
        }
    }
}

impl Fields for Publish {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "channel" => string(json, &mut self.channel),
            "data" => payload(json, &mut self.data),
            "type" => value(json, &mut self.kind),
            "key" => string(json, &mut self.key),
            "removed" => value(json, &mut self.removed),
            _ => Ok(false),
        }
    }
}

impl Fields for Presence {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "channel" => string(json, &mut self.channel),
            _ => Ok(false),
        }
    }
}

impl Fields for History {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "channel" => string(json, &mut self.channel),
            "limit" => value(json, &mut self.limit),
            "since" => {
                let mut since = self.since.take().map(Box::new);
                let known = object(json, &mut since)?;
                self.since = since.map(|since| *since);
                Ok(known)
            }
            "reverse" => value(json, &mut self.reverse),
            _ => Ok(false),
        }
    }
}

impl Fields for Rpc {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "data" => payload(json, &mut self.data),
            "method" => string(json, &mut self.method),
            _ => Ok(false),
        }
    }
}

impl Fields for Send {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "data" => payload(json, &mut self.data),
            _ => Ok(false),
        }
    }
}

impl Fields for Refresh {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "token" => string(json, &mut self.token),
            _ => Ok(false),
        }
    }
}

impl Fields for SubRefresh {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "channel" => string(json, &mut self.channel),
            "token" => string(json, &mut self.token),
            "type" => value(json, &mut self.kind),
            "track" => list(json, &mut self.track),
            "untrack" => list(json, &mut self.untrack),
            _ => Ok(false),
        }
    }
}

impl Fields for TrackBatch {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "signature" => string(json, &mut self.signature),
            "items" => list(json, &mut self.items),
            _ => Ok(false),
        }
    }
}

/// A key and the version the client has.
impl Fields for (String, u64) {
    fn read(&mut self, name: &str, json: &mut Reader<'_>) -> Result<bool, DecodeError> {
        match name {
            "key" => string(json, &mut self.0),
            "version" => value(json, &mut self.1),
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Verb;

    fn decoded(line: &str) -> Command {
        decode_command(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn published(line: &str) -> Publish {
        match decoded(line).verb {
            Verb::Publish(publish) => *publish,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn bytes(payload: Option<&Payload>) -> &str {
        std::str::from_utf8(payload.unwrap().bytes()).unwrap()
    }

    use crate::payload::Payload;

    #[test]
    fn names_are_taken_in_any_case_and_the_last_of_duplicates_counts() {
        let publish =
            published(r#"{"ID":1,"PUBLISH":{"Channel":"a","dAta":1},"publish":{"channel":"b"}}"#);
        assert_eq!(
            (publish.channel.as_str(), bytes(publish.data.as_ref())),
            ("b", "1")
        );
        assert_eq!(decoded(r#"{"id":1,"id":2}"#).id, 2);
        assert_eq!(decoded(r#"{"i\u0064":7,"SUB_REFRESH":{}}"#).id, 7);
    }

    #[test]
    fn null_is_no_value() {
        assert_eq!(decoded(r#"{"id":null}"#).id, 0);
        assert_eq!(decoded("null").verb, Verb::Empty);
        assert_eq!(decoded("{}").verb, Verb::Empty);
        assert_eq!(
            decoded(r#"{"id":1,"publish":{"channel":"a"},"publish":null}"#).verb,
            Verb::Empty
        );
        assert_eq!(
            published(r#"{"id":1,"publish":{"channel":"a","channel":null}}"#).channel,
            "a"
        );
        let Verb::Connect(connect) =
            decoded(r#"{"id":1,"connect":{"subs":{"a":null},"headers":{"x":null}}}"#).verb
        else {
            panic!("not connect")
        };
        assert_eq!(connect.subs, [("a".to_owned(), Subscribe::default())]);
        assert_eq!(connect.headers, [("x".to_owned(), String::new())]);
    }

    #[test]
    fn data_is_kept_byte_for_byte() {
        for data in [
            "null",
            "[ 1.50 , \"\\u00e9\\ud800\" ]",
            "{\"a\":1,\"a\":1e400}",
            "\"\\/\"",
        ] {
            let publish = published(&format!("{{\"id\":1,\"publish\":{{\"data\": {data} }}}}"));
            assert_eq!(bytes(publish.data.as_ref()), data);
            assert!(publish.data.unwrap().is_json());
        }
        assert_eq!(
            published(r#"{"id":1,"publish":{"channel":"a"}}"#).data,
            None
        );
    }

    #[test]
    fn of_several_verbs_the_first_in_order_counts() {
        let verb = |line| decoded(line).verb;
        assert_eq!(verb(r#"{"id":1,"refresh":{},"ping":{}}"#), Verb::Ping);
        assert_eq!(verb(r#"{"id":1,"ping":{}}"#), Verb::Empty);
        assert!(matches!(
            verb(r#"{"id":1,"subscribe":{},"connect":{}}"#),
            Verb::Connect(_)
        ));
        assert!(matches!(
            verb(r#"{"id":1,"send":{},"rpc":{}}"#),
            Verb::Rpc(_)
        ));
        assert!(matches!(
            verb(r#"{"id":1,"sub_refresh":{},"refresh":{}}"#),
            Verb::Refresh(_)
        ));
        assert!(matches!(
            verb(r#"{"id":1,"publish":null,"history":{}}"#),
            Verb::History(_)
        ));
    }

    #[test]
    fn everything_a_subscriber_can_say_is_read() {
        let line = r#"{"id":3,"subscribe":{"channel":"\u00e9<","token":"t","recover":true,"epoch":"e","offset":
            18446744073709551615,"data":{},"positioned":true,"recoverable":true,"join_leave":true,"delta":"fossil",
            "tf":{"op":"and","nodes":[{"key":"k","cmp":"in","vals":["a",null]},null]},"flag":3,"type":-1,"phase":2,
            "cursor":"c","limit":9,"asc":true,"unknown":[[{}]]}}"#;
        let expected = Subscribe {
            channel: "é<".into(),
            token: "t".into(),
            recover: true,
            since: StreamPosition::new(u64::MAX, Epoch::new("e")),
            data: Some(Payload::json(bytes::Bytes::from_static(b"{}"))),
            positioned: true,
            recoverable: true,
            join_leave: true,
            delta: "fossil".into(),
            filter: Some(Box::new(FilterNode {
                op: "and".into(),
                nodes: vec![
                    FilterNode {
                        key: "k".into(),
                        cmp: "in".into(),
                        vals: vec!["a".into(), String::new()],
                        ..FilterNode::default()
                    },
                    FilterNode::default(),
                ],
                ..FilterNode::default()
            })),
            flag: 3,
            kind: -1,
            phase: 2,
            cursor: "c".into(),
            limit: 9,
            asc: true,
            events: Vec::new(),
        };
        assert_eq!(decoded(line).verb, Verb::Subscribe(Box::new(expected)));
    }

    #[test]
    fn the_other_verbs_are_read() {
        let history = decoded(
            r#"{"id":1,"history":{"channel":"a","limit":-5,"since":{"offset":1,"epoch":"x"},"reverse":true}}"#,
        );
        let since = Some(StreamPosition::new(1, Epoch::new("x")));
        assert_eq!(
            history.verb,
            Verb::History(History {
                channel: "a".into(),
                limit: -5,
                since,
                reverse: true
            })
        );
        let track = decoded(
            r#"{"id":1,"sub_refresh":{"type":1,"track":[{"signature":"s","items":[{"key":"a","version":1},null]},null],"untrack":["b",null]}}"#,
        );
        let batch = TrackBatch {
            signature: "s".into(),
            items: vec![("a".into(), 1), Default::default()],
        };
        assert_eq!(
            track.verb,
            Verb::SubRefresh(Box::new(SubRefresh {
                kind: 1,
                track: vec![batch, TrackBatch::default()],
                untrack: vec!["b".into(), String::new()],
                ..SubRefresh::default()
            }))
        );
        let Verb::Connect(connect) =
            decoded(r#"{"id":1,"connect":{"name":"n","flag":1,"subs":{"a":{"offset":5},"a":{"epoch":"x"}}}}"#).verb
        else {
            panic!("not connect")
        };
        let sub = Subscribe {
            since: StreamPosition::new(0, Epoch::new("x")),
            ..Subscribe::default()
        };
        assert_eq!(connect.subs, [("a".to_owned(), sub)]);
    }

    #[test]
    fn what_follows_the_first_value_is_ignored() {
        assert_eq!(decoded("  {\"id\":1} x").id, 1);
        assert_eq!(decoded("\t{\"id\":1}{\"id\":2}").id, 1);
        assert_eq!(decoded("{\"id\":1}\r").id, 1);
    }

    #[test]
    fn half_a_character_becomes_a_replacement() {
        let channel =
            |name| published(&format!(r#"{{"id":1,"publish":{{"channel":"{name}"}}}}"#)).channel;
        assert_eq!(channel(r"a\ud83d"), "a\u{fffd}");
        assert_eq!(channel(r"\ud83d\ude00\udc00é"), "😀\u{fffd}é");
        assert_eq!(channel(r"\ud83d\u0041"), "\u{fffd}A");
    }

    #[test]
    fn wrong_types_and_broken_lines_are_refused() {
        let deep = format!("{{\"id\":1,\"x\":{}", "[".repeat(100_000));
        let deep_data = format!(
            "{{\"id\":1,\"rpc\":{{\"data\":{}{}}}}}",
            "[".repeat(513),
            "]".repeat(513)
        );
        let mut deep_filter = String::from("{}");
        for _ in 0..1000 {
            deep_filter = format!("{{\"nodes\":[{deep_filter}]}}");
        }
        let deep_filter = format!("{{\"id\":1,\"subscribe\":{{\"tf\":{deep_filter}}}}}");
        for bad in [
            "",
            " ",
            "{",
            "[]",
            "\"x\"",
            "1",
            "{\"id\":\"1\"}",
            "{\"id\":1.0}",
            "{\"id\":-1}",
            "{\"id\":4294967296}",
            "{\"id\":1e2}",
            "{\"id\":true}",
            "{\"id\":01}",
            "{\"id\":-0}",
            "{\"id\":1,\"connect\":[]}",
            "{\"id\":1,\"connect\":{\"token\":5}}",
            "{\"id\":1,\"connect\":{\"subs\":[]}}",
            "{\"id\":1,\"connect\":{\"headers\":{\"x\":1}}}",
            "{\"id\":1,\"subscribe\":{\"recover\":\"true\"}}",
            "{\"id\":1,\"subscribe\":{\"recover\":1}}",
            "{\"id\":1,\"subscribe\":{\"offset\":-1}}",
            "{\"id\":1,\"subscribe\":{\"type\":2147483648}}",
            "{\"id\":1,\"publish\":{\"data\":nul}}",
            "{\"id\":1,\"publish\":{\"data\":{\"a\":}}}",
            "{\"id\":1,\"publish\":{\"data\":\"a\tb\"}}",
            "{\"id\":1,\"publish\":{\"channel\":\"a\tb\"}}",
            "{\"id\":1,\"publish\":{\"channel\":\"\\x\"}}",
            "{\"id\":1,,\"send\":{}}",
            "{\"id\":1,\"send\":{},}",
            &deep,
            &deep_data,
            &deep_filter,
        ] {
            let line = bad.get(..60).unwrap_or(bad);
            assert!(decode_command(bad.as_bytes()).is_err(), "{line}");
        }
        assert!(decode_command(b"{\"id\":1,\"publish\":{\"channel\":\"\xff\"}}").is_err());
    }
}
