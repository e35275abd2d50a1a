//! Replies and pushes as the reference server was seen to send them.

use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::disconnect::Disconnect;
use crate::error_code::ErrorCode;
use crate::identity::{ClientId, UserId};
use crate::position::{Epoch, StreamPosition};
use crate::reply::{Body, PresenceStats};

const CLIENT: &str = "6444ed02-c552-4b6d-8825-ded2eabd8959";

fn reply(id: u32, body: Body) -> String {
    let mut out = Vec::new();
    encode_reply(&Reply::new(id, body), &mut out);
    String::from_utf8(out).unwrap()
}

fn push(channel: &str, body: push::Body) -> String {
    let mut out = Vec::new();
    encode_push(&Push::new(channel.into(), body), &mut out);
    String::from_utf8(out).unwrap()
}

fn json(text: &'static str) -> Payload {
    Payload::json(Bytes::from_static(text.as_bytes()))
}

fn client(user: &str) -> ClientInfo {
    ClientInfo {
        user: UserId::new(user),
        client: CLIENT.parse::<ClientId>().unwrap(),
        conn_info: None,
        chan_info: None,
    }
}

fn first() -> Publication {
    Publication {
        info: Some(Arc::new(client(""))),
        offset: 1,
        epoch: Epoch::new("HfNpgGMC"),
        ..Publication::new(json("{\"a\":\r1.50, \"b\" : \"<&>\"}"))
    }
}

fn second() -> Publication {
    let tags = [("a", "1"), ("b", "<2>")].map(|(name, value)| (Box::from(name), Box::from(value)));
    Publication {
        offset: 2,
        tags: Some(Arc::new(tags.into_iter().collect())),
        ..Publication::new(json("{\r\n\"pretty\":\r\n [1,\n2]\r\n}"))
    }
}

fn connect() -> Connect {
    Connect {
        client: CLIENT.parse().unwrap(),
        user: UserId::default(),
        version: "0.0.0 OSS".into(),
        expiry: Expiry::Never,
        data: None,
        subs: Vec::new(),
        ping_secs: 25,
        pong: true,
        session: String::new(),
        node: String::new(),
        time_ms: 1_795_460_179_459,
    }
}

#[test]
fn connect_is_answered_as_seen() {
    assert_eq!(
        reply(1, Body::Connect(Box::new(connect()))),
        r#"{"id":1,"connect":{"client":"6444ed02-c552-4b6d-8825-ded2eabd8959","version":"0.0.0 OSS","ping":25,"pong":true,"time":1795460179459}}"#
    );
    let full = Connect {
        expiry: Expiry::In { ttl_secs: 100 },
        data: Some(json("{}")),
        subs: vec![(
            "a<".into(),
            Subscribe {
                recoverable: true,
                ..Subscribe::default()
            },
        )],
        session: "s".into(),
        node: "n".into(),
        pong: false,
        time_ms: 0,
        ..connect()
    };
    assert_eq!(
        reply(1, Body::Connect(Box::new(full.clone()))),
        r#"{"id":1,"connect":{"client":"6444ed02-c552-4b6d-8825-ded2eabd8959","version":"0.0.0 OSS","expires":true,"ttl":100,"data":{},"subs":{"a\u003c":{"recoverable":true}},"ping":25,"session":"s","node":"n"}}"#
    );
    assert_eq!(
        push("", push::Body::Connect(Box::new(full))),
        r#"{"push":{"connect":{"client":"6444ed02-c552-4b6d-8825-ded2eabd8959","version":"0.0.0 OSS","data":{},"subs":{"a\u003c":{"recoverable":true}},"expires":true,"ttl":100,"ping":25,"session":"s","node":"n"}}}"#
    );
}

#[test]
fn subscribe_is_answered_as_seen() {
    let live = Subscribe {
        recoverable: true,
        epoch: Epoch::new("HfNpgGMC"),
        positioned: true,
        ..Subscribe::default()
    };
    assert_eq!(
        reply(2, Body::Subscribe(Box::new(live.clone()))),
        r#"{"id":2,"subscribe":{"recoverable":true,"epoch":"HfNpgGMC","positioned":true}}"#
    );
    let recovered = Subscribe {
        publications: vec![Arc::new(first()), Arc::new(second())],
        recovered: true,
        was_recovering: true,
        offset: 7,
        ..live
    };
    assert_eq!(
        reply(2, Body::Subscribe(Box::new(recovered))),
        "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":\"HfNpgGMC\",\"publications\":[{\"data\":{\"a\":\r1.50, \"b\" : \"<&>\"},\"info\":{\"user\":\"\",\"client\":\"6444ed02-c552-4b6d-8825-ded2eabd8959\"},\"offset\":1,\"epoch\":\"HfNpgGMC\"},{\"data\":{\r\"pretty\":\r [1,2]\r},\"offset\":2,\"tags\":{\"a\":\"1\",\"b\":\"\\u003c2\\u003e\"}}],\"recovered\":true,\"offset\":7,\"positioned\":true,\"was_recovering\":true}}"
    );
}

#[test]
fn the_other_commands_are_answered_as_seen() {
    for (body, expected) in [
        (Body::Unsubscribe, r#"{"id":3,"unsubscribe":{}}"#),
        (
            Body::Publish(Some(StreamPosition::new(4, Epoch::new("e")))),
            r#"{"id":3,"publish":{}}"#,
        ),
        (Body::Rpc(None), r#"{"id":3,"rpc":{}}"#),
        (
            Body::Rpc(Some(json("null"))),
            r#"{"id":3,"rpc":{"data":null}}"#,
        ),
        (Body::Refresh(Expiry::Never), r#"{"id":3,"refresh":{}}"#),
        (
            Body::SubRefresh(Expiry::In { ttl_secs: 9 }),
            r#"{"id":3,"sub_refresh":{"expires":true,"ttl":9}}"#,
        ),
        (
            Body::PresenceStats(PresenceStats {
                num_clients: 2,
                num_users: 0,
            }),
            r#"{"id":3,"presence_stats":{"num_clients":2,"num_users":0}}"#,
        ),
        (
            Body::Presence(Vec::new()),
            r#"{"id":3,"presence":{"presence":{}}}"#,
        ),
        (
            Body::Presence(vec![ClientInfo {
                conn_info: Some(json("{}")),
                chan_info: Some(json("1")),
                ..client("<u>")
            }]),
            r#"{"id":3,"presence":{"presence":{"6444ed02-c552-4b6d-8825-ded2eabd8959":{"user":"\u003cu\u003e","client":"6444ed02-c552-4b6d-8825-ded2eabd8959","conn_info":{},"chan_info":1}}}}"#,
        ),
        (
            Body::History(Page {
                publications: Vec::new(),
                position: StreamPosition::new(0, Epoch::new("HfNpgGMC")),
            }),
            r#"{"id":3,"history":{"publications":[],"epoch":"HfNpgGMC","offset":0}}"#,
        ),
        (
            Body::Error(Box::new(ErrorCode::BAD_REQUEST.into())),
            r#"{"id":3,"error":{"code":107,"message":"bad request"}}"#,
        ),
        (
            Body::Error(Box::new(CommandError::because(
                ErrorCode::INTERNAL,
                "not told",
            ))),
            r#"{"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}"#,
        ),
    ] {
        assert_eq!(reply(3, body), expected);
    }
}

#[test]
fn pushes_are_as_seen() {
    let info = Arc::new(client(""));
    let join = r#"{"push":{"channel":"srv\u003cx","join":{"info":{"user":"","client":"6444ed02-c552-4b6d-8825-ded2eabd8959"}}}}"#;
    assert_eq!(push("srv<x", push::Body::Join(Arc::clone(&info))), join);
    assert_eq!(
        push("srv<x", push::Body::Leave(info)),
        join.replace("join", "leave")
    );
    for (channel, body, expected) in [
        (
            "news",
            push::Body::Unsubscribe(push::Unsubscribe::SERVER),
            r#"{"push":{"channel":"news","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}"#,
        ),
        (
            "srv",
            push::Body::Subscribe(push::Subscribe {
                recoverable: true,
                positioned: true,
                position: StreamPosition::new(0, Epoch::new("YMQOjMzm")),
                data: Some(json("{\"x\":1}")),
            }),
            r#"{"push":{"channel":"srv","subscribe":{"recoverable":true,"epoch":"YMQOjMzm","positioned":true,"data":{"x":1}}}}"#,
        ),
        (
            "",
            push::Body::Refresh(Expiry::In { ttl_secs: 100 }),
            r#"{"push":{"refresh":{"expires":true,"ttl":100}}}"#,
        ),
        (
            "",
            push::Body::Message(json("1")),
            r#"{"push":{"message":{"data":1}}}"#,
        ),
        (
            "",
            push::Body::Disconnect(Disconnect::SHUTDOWN),
            r#"{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}"#,
        ),
    ] {
        assert_eq!(push(channel, body), expected);
    }
}

#[test]
fn a_publication_has_the_same_bytes_in_each_function() {
    let publication = Publication {
        version: 7,
        time_ms: -1,
        score: -3,
        delta: true,
        removed: true,
        key: Some("k".into()),
        ..first()
    };
    let expected = "{\"push\":{\"channel\":\"news\",\"pub\":{\"data\":{\"a\":\r1.50, \"b\" : \"<&>\"},\"info\":{\"user\":\"\",\"client\":\"6444ed02-c552-4b6d-8825-ded2eabd8959\"},\"offset\":1,\"delta\":true,\"time\":-1,\"key\":\"k\",\"removed\":true,\"score\":-3,\"epoch\":\"HfNpgGMC\",\"version\":7}}}";
    assert_eq!(
        push(
            "news",
            push::Body::Publication(Arc::new(publication.clone()))
        ),
        expected
    );
    let mut out = Vec::new();
    encode_publication_push(&"news".into(), &publication, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn bytes_carry_their_media_type_from_the_tag() {
    let mut publication = Publication::new(Payload::binary(Bytes::from_static(b"\xff")));
    let written = |publication: &Publication| {
        let mut out = Vec::new();
        encode_publication(publication, &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        written(&publication),
        r#"{"data":{"binary":true,"base64":"/w=="}}"#
    );
    publication.tags = Some(Arc::new([("type".into(), "image/png".into())].into()));
    assert_eq!(
        written(&publication),
        r#"{"data":{"binary":true,"type":"image/png","base64":"/w=="},"tags":{"type":"image/png"}}"#
    );
}

/// What a subscriber is told under the number 9.
fn told(what: What<'_>) -> String {
    let channel = "news".into();
    let mut out = Vec::new();
    let id = 9;
    let channel = &channel;
    encode_told(Told { channel, id, what }, &mut out);
    String::from_utf8(out).unwrap()
}

fn large(score: u8) -> Publication {
    let data = format!(r#"{{"score":{score},"of":"a match that lasts, & lasts"}}"#);
    Publication {
        offset: score.into(),
        time_ms: 5,
        version: 6,
        ..Publication::new(Payload::detect(data.into()))
    }
}

#[test]
fn a_number_stands_for_the_name_of_a_channel() {
    let publication = Publication::new(Payload::detect("1".into()));
    assert_eq!(
        told(What::Publication(&publication)),
        r#"{"push":{"id":9,"pub":{"data":1}}}"#
    );
    let client = client("ann");
    assert!(told(What::Join(&client)).starts_with(r#"{"push":{"id":9,"join":{"info":"#));
    assert!(told(What::Leave(&client)).starts_with(r#"{"push":{"id":9,"leave":{"info":"#));
}

#[test]
fn for_those_who_take_deltas_data_are_a_string_whole_or_not() {
    let (one, two) = (large(1), large(2));
    let delta = |publication, base| told(What::Delta { publication, base });
    assert_eq!(
        delta(&one, None),
        r#"{"push":{"id":9,"pub":{"data":"{\"score\":1,\"of\":\"a match that lasts, \u0026 lasts\"}","offset":1}}}"#
    );
    let patched = delta(&two, Some(&one));
    assert!(
        patched.ends_with(r#","offset":2,"delta":true}}}"#),
        "{patched}"
    );
    assert!(patched.len() < delta(&two, None).len());
    let other = Publication::new(Payload::detect("[3]".into()));
    assert_eq!(
        delta(&other, Some(&one)),
        r#"{"push":{"id":9,"pub":{"data":"[3]"}}}"#
    );
    let bytes = Publication::new(Payload::binary(Bytes::from_static(b"\xff")));
    assert_eq!(
        delta(&bytes, None),
        r#"{"push":{"id":9,"pub":{"data":"{\"binary\":true,\"base64\":\"/w==\"}"}}}"#
    );
}

/// Two halves, each long enough to be copied by a delta.
fn halves(first: &str, second: &str, offset: u64) -> Publication {
    let data = format!(r#"["{}","{}"]"#, first.repeat(20), second.repeat(20));
    Publication {
        offset,
        ..Publication::new(Payload::detect(data.into()))
    }
}

#[test]
fn missed_publications_are_a_chain_of_deltas() {
    // The third is equal to the first, so a delta against a wrong base does not give it.
    let sent = [
        halves("one ", "other ", 1),
        halves("other ", "one ", 2),
        halves("one ", "other ", 3),
    ];
    let subscribe = Subscribe {
        publications: sent.iter().cloned().map(Arc::new).collect(),
        delta: true,
        ..Subscribe::default()
    };
    let body = Body::Subscribe(Box::new(subscribe));
    let mut out = Vec::new();
    encode_reply(&Reply { id: 1, body }, &mut out);
    let reply: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let told = reply["subscribe"]["publications"].as_array().unwrap();
    assert_eq!(told.len(), sent.len());
    let mut has = String::new();
    for (publication, sent) in told.iter().zip(&sent) {
        let said = publication["data"].as_str().unwrap();
        let is_delta = publication["delta"] == true;
        assert_eq!(is_delta, sent.offset > 1);
        has = if is_delta {
            assert!(said.len() < sent.data.len());
            let made = delta::apply(has.as_bytes(), said.as_bytes(), 1000).unwrap();
            String::from_utf8(made).unwrap()
        } else {
            said.to_owned()
        };
        assert_eq!(has.as_bytes(), sent.data.bytes());
    }
}
