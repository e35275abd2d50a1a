//! The Protobuf dialect, held against an independent implementation of the encoding.

#[path = "protobuf/nested.rs"]
mod nested;
#[path = "protobuf/schema.rs"]
mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use veche_protocol::channel::Channel;
use veche_protocol::command::{self, Verb};
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::filter::FilterNode;
use veche_protocol::history::Page;
use veche_protocol::identity::{ClientInfo, UserId};
use veche_protocol::payload::{Payload, PayloadKind};
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::protobuf;
use veche_protocol::publication::Publication;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Body, Expiry, PresenceStats, Reply};

const CLIENT: &str = "6444ed02-c552-4b6d-8825-ded2eabd8959";

fn replied(body: Body) -> schema::Reply {
    let mut out = Vec::new();
    protobuf::encode_reply(&Reply::new(3, body), &mut out);
    let reply = schema::Reply::decode(out.as_slice()).expect("a message");
    assert_eq!(
        reply.encode_to_vec(),
        out,
        "the same bytes as the other implementation's"
    );
    assert_eq!(reply.id, 3);
    reply
}

fn pushed(channel: &str, body: push::Body) -> schema::Push {
    let mut out = Vec::new();
    protobuf::encode_push(&Push::new(channel.into(), body), &mut out);
    let reply = schema::Reply::decode(out.as_slice()).expect("a message");
    assert_eq!(
        reply.encode_to_vec(),
        out,
        "the same bytes as the other implementation's"
    );
    let push = reply.push.expect("a push");
    assert_eq!(push.channel, channel);
    push
}

fn binary(bytes: &'static [u8]) -> Payload {
    Payload::binary(Bytes::from_static(bytes))
}

fn client() -> ClientInfo {
    ClientInfo {
        user: UserId::new("u"),
        client: CLIENT.parse().expect("a UUID"),
        conn_info: Some(binary(b"conn")),
        chan_info: Some(binary(b"chan")),
    }
}

fn their_client() -> schema::ClientInfo {
    schema::ClientInfo {
        user: "u".into(),
        client: CLIENT.into(),
        conn_info: b"conn".to_vec(),
        chan_info: b"chan".to_vec(),
    }
}

fn publication() -> Publication {
    Publication {
        info: Some(Arc::new(client())),
        offset: u64::MAX,
        tags: Some(Arc::new(
            [("a".into(), "1".into()), ("b".into(), "x".into())].into(),
        )),
        delta: true,
        time_ms: -1,
        channel: Some("c*".into()),
        key: Some("k".into()),
        removed: true,
        score: -3,
        epoch: Epoch::new("e"),
        prev_data: Some(binary(b"before")),
        version: 7,
        ..Publication::new(Payload::binary(vec![0xff; 300].into()))
    }
}

fn their_publication() -> schema::Publication {
    schema::Publication {
        data: vec![0xff; 300],
        info: Some(their_client()),
        offset: u64::MAX,
        tags: BTreeMap::from([("a".into(), "1".into()), ("b".into(), "x".into())]),
        delta: true,
        time: -1,
        channel: "c*".into(),
        key: "k".into(),
        removed: true,
        score: -3,
        epoch: "e".into(),
        prev_data: b"before".to_vec(),
        version: 7,
    }
}

fn subscribed() -> reply::Subscribe {
    reply::Subscribe {
        expiry: Expiry::In { ttl_secs: 200 },
        recoverable: true,
        epoch: Epoch::new("e"),
        publications: vec![
            Arc::new(publication()),
            Arc::new(Publication::new(binary(b"2"))),
        ],
        recovered: true,
        offset: 300,
        positioned: true,
        data: Some(binary(b"d")),
        was_recovering: true,
        delta: true,
        id: -4,
    }
}

fn they_subscribed() -> schema::SubscribeResult {
    schema::SubscribeResult {
        expires: true,
        ttl: 200,
        recoverable: true,
        epoch: "e".into(),
        publications: vec![
            their_publication(),
            schema::Publication {
                data: b"2".to_vec(),
                ..Default::default()
            },
        ],
        recovered: true,
        offset: 300,
        positioned: true,
        data: b"d".to_vec(),
        was_recovering: true,
        delta: true,
        id: -4,
    }
}

/// The other implementation leaves out a map's value that has nothing set; the reference server does not.
fn few() -> reply::Subscribe {
    reply::Subscribe {
        recovered: true,
        ..Default::default()
    }
}

fn they_few() -> schema::SubscribeResult {
    schema::SubscribeResult {
        recovered: true,
        ..Default::default()
    }
}

fn connected() -> reply::Connect {
    reply::Connect {
        client: CLIENT.parse().expect("a UUID"),
        user: UserId::new("not told"),
        version: "0".into(),
        expiry: Expiry::In { ttl_secs: 9 },
        data: Some(binary(b"d")),
        subs: vec![("c".into(), subscribed()), ("d".into(), few())],
        ping_secs: 25,
        pong: true,
        session: "s".into(),
        node: "n".into(),
        time_ms: 1_795_460_179_459,
    }
}

#[test]
fn every_reply_is_read_by_the_other_implementation() {
    let subs = BTreeMap::from([("c".into(), they_subscribed()), ("d".into(), they_few())]);
    assert_eq!(
        replied(Body::Connect(Box::new(connected()))).connect,
        Some(schema::ConnectResult {
            client: CLIENT.into(),
            version: "0".into(),
            expires: true,
            ttl: 9,
            data: b"d".to_vec(),
            subs,
            ping: 25,
            pong: true,
            session: "s".into(),
            node: "n".into(),
            time: 1_795_460_179_459,
        })
    );
    assert_eq!(
        replied(Body::Subscribe(Box::new(subscribed()))).subscribe,
        Some(they_subscribed())
    );
    assert!(replied(Body::Unsubscribe).unsubscribe.is_some());
    assert!(replied(Body::Publish(None)).publish.is_some());
    let presence = replied(Body::Presence(vec![client()]))
        .presence
        .unwrap()
        .presence;
    assert_eq!(presence, BTreeMap::from([(CLIENT.into(), their_client())]));
    let stats = PresenceStats {
        num_clients: 2,
        num_users: 1,
    };
    let theirs = replied(Body::PresenceStats(stats)).presence_stats.unwrap();
    assert_eq!((theirs.num_clients, theirs.num_users), (2, 1));
    let page = Page {
        publications: vec![Arc::new(publication())],
        position: StreamPosition::new(8, Epoch::new("e")),
    };
    assert_eq!(
        replied(Body::History(page)).history,
        Some(schema::HistoryResult {
            publications: vec![their_publication()],
            epoch: "e".into(),
            offset: 8
        })
    );
    assert_eq!(
        replied(Body::Rpc(Some(binary(b"\0")))).rpc.unwrap().data,
        b"\0"
    );
    assert!(replied(Body::Rpc(None)).rpc.unwrap().data.is_empty());
    let refresh = replied(Body::Refresh(Expiry::In { ttl_secs: 5 }))
        .refresh
        .unwrap();
    assert_eq!((refresh.expires, refresh.ttl), (true, 5));
    let sub_refresh = replied(Body::SubRefresh(Expiry::In { ttl_secs: 5 }))
        .sub_refresh
        .unwrap();
    assert_eq!((sub_refresh.expires, sub_refresh.ttl), (true, 5));
    let error = replied(Body::Error(Box::new(CommandError::from(
        ErrorCode::INTERNAL,
    ))))
    .error
    .unwrap();
    assert_eq!(
        (error.code, error.message.as_str(), error.temporary),
        (100, "internal server error", true)
    );
}

/// What a subscriber is told under the number 9.
fn told(what: push::What<'_>) -> schema::Push {
    let channel = &Channel::new("c");
    let mut out = Vec::new();
    let id = 9;
    protobuf::encode_told(push::Told { channel, id, what }, &mut out);
    let reply = schema::Reply::decode(&out[..]).expect("a reply");
    let push = reply.push.expect("a push");
    assert_eq!((push.id, push.channel.as_str()), (9, ""));
    push
}

#[test]
fn subscribers_who_agreed_to_numbers_and_deltas_are_understood() {
    let whole = told(push::What::Publication(&publication()));
    assert_eq!(whole.r#pub, Some(their_publication()));
    assert!(told(push::What::Join(&client())).join.is_some());
    assert!(told(push::What::Leave(&client())).leave.is_some());
    let large =
        |n: u8| Publication::new(Payload::binary(Bytes::from([&[7; 40][..], &[n]].concat())));
    let (one, two) = (large(1), large(2));
    let publication = &two;
    let base = None;
    let first = told(push::What::Delta { publication, base }).r#pub.unwrap();
    assert_eq!(
        (&first.data[..], first.delta),
        (&two.data.bytes()[..], false)
    );
    let base = Some(&one);
    let delta = told(push::What::Delta { publication, base }).r#pub.unwrap();
    assert!(delta.delta);
    let made = veche_protocol::delta::apply(one.data.bytes(), &delta.data, 100).unwrap();
    assert_eq!(&made[..], &two.data.bytes()[..]);
}

#[test]
fn every_push_is_read_by_the_other_implementation() {
    let body = push::Body::Publication(Arc::new(publication()));
    assert_eq!(pushed("c", body.clone()).r#pub, Some(their_publication()));
    let (mut hot, mut slow) = (Vec::new(), Vec::new());
    protobuf::encode_publication_push(&Channel::new("c"), &publication(), &mut hot);
    protobuf::encode_push(&Push::new("c".into(), body), &mut slow);
    assert_eq!(hot, slow);
    assert_eq!(
        pushed("c", push::Body::Join(Arc::new(client())))
            .join
            .unwrap()
            .info,
        Some(their_client())
    );
    assert_eq!(
        pushed("c", push::Body::Leave(Arc::new(client())))
            .leave
            .unwrap()
            .info,
        Some(their_client())
    );
    let unsubscribe = pushed("c", push::Body::Unsubscribe(push::Unsubscribe::EXPIRED))
        .unsubscribe
        .unwrap();
    assert_eq!(
        (unsubscribe.code, unsubscribe.reason.as_str()),
        (2501, "subscription expired")
    );
    assert_eq!(
        pushed("", push::Body::Message(binary(b"m")))
            .message
            .unwrap()
            .data,
        b"m"
    );
    let subscribe = push::Subscribe {
        recoverable: true,
        positioned: true,
        position: StreamPosition::new(5, Epoch::new("e")),
        data: Some(binary(b"d")),
    };
    assert_eq!(
        pushed("c", push::Body::Subscribe(subscribe)).subscribe,
        Some(schema::Subscribe {
            recoverable: true,
            epoch: "e".into(),
            offset: 5,
            positioned: true,
            data: b"d".to_vec()
        })
    );
    let connect = pushed("", push::Body::Connect(Box::new(connected())))
        .connect
        .unwrap();
    assert_eq!(
        (connect.subs.len(), connect.ttl, connect.time),
        (2, 9, 1_795_460_179_459)
    );
    let disconnect = push::Body::Disconnect(veche_protocol::disconnect::Disconnect::SLOW);
    assert_eq!(pushed("", disconnect).disconnect.unwrap().code, 3008);
    assert_eq!(
        pushed("", push::Body::Refresh(Expiry::In { ttl_secs: 5 }))
            .refresh
            .unwrap()
            .ttl,
        5
    );
}

#[test]
fn commands_of_the_other_implementation_are_read() {
    let theirs = schema::Command {
        id: u32::MAX,
        subscribe: Some(schema::SubscribeRequest {
            channel: "c".into(),
            token: "t".into(),
            recover: true,
            epoch: "e".into(),
            offset: u64::MAX,
            data: b"{}".to_vec(),
            positioned: true,
            recoverable: true,
            join_leave: true,
            delta: "fossil".into(),
            tf: Some(schema::FilterNode {
                op: "not".into(),
                nodes: vec![schema::FilterNode {
                    key: "k".into(),
                    cmp: "in".into(),
                    vals: vec!["a".into(), String::new()],
                    ..Default::default()
                }],
                ..Default::default()
            }),
            flag: -1,
            r#type: -2,
            phase: 2,
            cursor: "cc".into(),
            limit: 9,
            asc: true,
        }),
        ..Default::default()
    };
    let ours = command::Subscribe {
        channel: "c".into(),
        token: "t".into(),
        recover: true,
        since: StreamPosition::new(u64::MAX, Epoch::new("e")),
        data: Some(Payload::json(Bytes::from_static(b"{}"))),
        positioned: true,
        recoverable: true,
        join_leave: true,
        delta: "fossil".into(),
        filter: Some(Box::new(FilterNode {
            op: "not".into(),
            nodes: vec![FilterNode {
                key: "k".into(),
                cmp: "in".into(),
                vals: vec!["a".into(), String::new()],
                ..FilterNode::default()
            }],
            ..FilterNode::default()
        })),
        flag: -1,
        kind: -2,
        phase: 2,
        cursor: "cc".into(),
        limit: 9,
        asc: true,
        events: Vec::new(),
    };
    let read = protobuf::decode_command(&theirs.encode_to_vec()).unwrap();
    assert_eq!(
        (read.id, read.verb),
        (u32::MAX, Verb::Subscribe(Box::new(ours)))
    );
}

#[test]
fn the_other_commands_of_the_other_implementation_are_read() {
    let read = |command: schema::Command| {
        protobuf::decode_command(&command.encode_to_vec())
            .unwrap()
            .verb
    };
    let subs = BTreeMap::from([("c".into(), Default::default())]);
    let headers = BTreeMap::from([("h".into(), "v".into()), ("i".into(), String::new())]);
    let Verb::Connect(connect) = read(schema::Command {
        connect: Some(schema::ConnectRequest {
            token: "t".into(),
            data: b"\xff".to_vec(),
            subs,
            name: "n".into(),
            version: "v".into(),
            headers,
            flag: 1,
        }),
        ..Default::default()
    }) else {
        panic!("not connect")
    };
    assert_eq!(
        connect.data.as_ref().map(Payload::kind),
        Some(PayloadKind::Binary)
    );
    assert_eq!(
        connect.subs,
        [("c".to_owned(), command::Subscribe::default())]
    );
    assert_eq!(
        connect.headers,
        [("h".into(), "v".into()), ("i".into(), String::new())]
    );
}

#[test]
fn commands_with_data_and_positions_are_read() {
    let read = |command: schema::Command| {
        protobuf::decode_command(&command.encode_to_vec())
            .unwrap()
            .verb
    };
    let since = Some(schema::StreamPosition {
        offset: 4,
        epoch: "e".into(),
    });
    let history = read(schema::Command {
        history: Some(schema::HistoryRequest {
            channel: "c".into(),
            limit: -1,
            since,
            reverse: true,
        }),
        ..Default::default()
    });
    let since = Some(StreamPosition::new(4, Epoch::new("e")));
    assert_eq!(
        history,
        Verb::History(command::History {
            channel: "c".into(),
            limit: -1,
            since,
            reverse: true
        })
    );
    let publish = schema::PublishRequest {
        channel: "c".into(),
        data: b"[1]".to_vec(),
        r#type: 1,
        key: "k".into(),
        removed: true,
    };
    let Verb::Publish(publish) = read(schema::Command {
        publish: Some(publish),
        ..Default::default()
    }) else {
        panic!("not publish")
    };
    assert!(publish.data.as_ref().is_some_and(Payload::is_json));
    assert_eq!(
        (publish.kind, publish.key.as_str(), publish.removed),
        (1, "k", true)
    );
    let send = read(schema::Command {
        send: Some(schema::SendRequest {
            data: b"1".to_vec(),
        }),
        ..Default::default()
    });
    assert!(matches!(send, Verb::Send(command::Send { data: Some(_) })));
}

#[test]
fn no_bytes_are_a_pong() {
    assert!(protobuf::decode_command(b"").unwrap().is_pong());
}

#[test]
fn a_field_of_a_message_may_come_in_pieces() {
    // publish {channel: "a"}, then publish {data: "1"}
    let command = protobuf::decode_command(b"\x08\x01\x3a\x03\x0a\x01a\x3a\x03\x12\x011").unwrap();
    let Verb::Publish(publish) = command.verb else {
        panic!("not publish")
    };
    assert_eq!(
        (publish.channel.as_str(), publish.data.is_some()),
        ("a", true)
    );
}

#[test]
fn strings_may_be_anything() {
    let command = protobuf::decode_command(b"\x08\x01\x2a\x04\x0a\x02a\xff").unwrap();
    let Verb::Subscribe(subscribe) = command.verb else {
        panic!("not subscribe")
    };
    assert_eq!(subscribe.channel, "a\u{fffd}");
}

#[test]
fn unknown_fields_are_skipped_whatever_they_are() {
    for unknown in [
        &b"\xa0\x06\x01"[..],
        b"\xa1\x06\0\0\0\0\0\0\0\0",
        b"\xa2\x06\x02ab",
        b"\xa5\x06\0\0\0\0",
        b"\xa3\x06\x08\x01\x13\x14\xa4\x06",
    ] {
        let bytes = [unknown, b"\x08\x05"].concat();
        assert_eq!(
            protobuf::decode_command(&bytes).unwrap().id,
            5,
            "{unknown:x?}"
        );
    }
}

#[test]
fn what_is_no_message_is_refused() {
    let groups = [
        &[0xa3, 0x06].repeat(10_000)[..],
        &[0xa4, 0x06].repeat(9_999),
    ]
    .concat();
    let mut filter = b"\x0a\x03not".to_vec();
    for _ in 0..1000 {
        filter = nested::Node { bytes: filter }.encode_to_vec();
    }
    let subscribe = nested::Filter { bytes: filter }.encode_to_vec();
    let deep = nested::Subscribed { bytes: subscribe }.encode_to_vec();
    for bad in [
        &b"\x08"[..],
        b"\x00\x01",
        b"\x0a\x01a",
        b"\x2a\xff\xff\xff\xff\x0f",
        b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x28\x01",
        b"\x0e\x01",
        b"\x0c",
        b"\xa3\x06\xac\x06",
        b"\xa1\x06\0",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        &groups,
        &deep,
    ] {
        assert!(
            protobuf::decode_command(bad).is_err(),
            "{:x?}",
            bad.get(..20).unwrap_or(bad)
        );
    }
}
