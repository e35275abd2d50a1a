//! Tests of clients that are served by a stream over HTTP: the same session, hub and outbox as behind a WebSocket.

use bytes::Bytes;
use veche_engine::control::Addressees;
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::identity::UserId;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::order::Order;
use veche_session::profile::Profile;
use veche_session::rules::Rules;

use crate::connection::{Conversation, Opening, Stage};
use crate::framing::Framing;
use crate::link::metered::Metered;
use crate::simulate::Simulation;

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A node on which everybody may do everything.
fn simulation() -> Simulation {
    let mut rules = Rules::default();
    rules.client.insecure = true;
    Simulation::new(rules).expect("an event queue")
}

/// A stream of JSON that begins with this command.
fn stream(profile: Profile, framing: Framing, first: &'static str) -> Opening {
    Opening {
        answer: HEAD.to_vec(),
        profile,
        framing,
        first: Some(Bytes::from_static(first.as_bytes())),
        user: Some(UserId::new("anna")),
        ..Opening::websocket(Conversation::Centrifuge {
            encoding: Encoding::Json,
        })
    }
}

/// A client that reads `room` bytes for now.
fn open(simulation: &mut Simulation, opening: Opening, room: usize) -> (u32, Metered) {
    let reader = Metered::new(room);
    let worker = &mut simulation.workers[0];
    let link = Some(reader.link());
    let slot = worker.seat(link, Stage::Busy).expect("a slot");
    worker.open(slot, opening);
    simulation.turn();
    (slot, reader)
}

fn publish(simulation: &mut Simulation, data: &str) {
    let publication = Publication::new(Payload::json(data.to_owned().into()));
    let channel = Channel::new("news");
    simulation.publish(&channel, publication, &PublishOptions::default());
    simulation.turn();
}

fn disconnect(simulation: &mut Simulation) {
    let addressees = Addressees {
        user: UserId::new("anna"),
        ..Addressees::default()
    };
    let disconnect = Disconnect::new(4000, "enough");
    simulation.order(&addressees, &Order::Disconnect(disconnect));
    simulation.turn();
}

/// The body of an answer that is sent in chunks, and whether it has ended. Everything that came is whole.
fn body(reader: &Metered) -> (String, bool) {
    let got = reader.got();
    let mut rest = got.strip_prefix(HEAD).expect("the head comes first");
    let mut body = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .windows(2)
            .position(|it| it == b"\r\n")
            .expect("a line");
        let (len, data) = rest.split_at(end + 2);
        let len = std::str::from_utf8(&len[..end]).expect("digits");
        let len = usize::from_str_radix(len, 16).expect("a hexadecimal number");
        body.extend_from_slice(&data[..len]);
        rest = data[len..].strip_prefix(b"\r\n").expect("the chunk's end");
        if len == 0 {
            assert!(rest.is_empty(), "nothing follows the end");
            return (String::from_utf8(body).expect("text"), true);
        }
    }
    (String::from_utf8(body).expect("text"), false)
}

/// The messages in a body of events.
fn events(reader: &Metered) -> Vec<String> {
    let (body, _) = body(reader);
    let events = body.split_terminator("\n\n");
    let data = |event: &str| event.strip_prefix("data: ").expect("data").to_owned();
    events.map(data).collect()
}

/// What the reply to `connect` names the session.
fn session(reply: &str) -> String {
    let (_, rest) = reply.split_once(r#""session":""#).expect("a session");
    let (session, rest) = rest.split_once('"').expect("the end of a text");
    assert!(rest.contains(r#""node":"#), "{reply}");
    session.to_owned()
}

#[test]
fn an_emulated_client_says_by_requests_what_another_says_by_its_socket() {
    let mut simulation = simulation();
    let connect = r#"{"id":1,"connect":{}}"#;
    let opening = stream(Profile::SSE, Framing::EventStream, connect);
    let (_, reader) = open(&mut simulation, opening, usize::MAX);
    let session = session(&events(&reader)[0]);
    let node = simulation.node().clone();
    let subscribe = r#"{"id":2,"subscribe":{"channel":"news"}}"#;
    for wrong in [
        "",
        "0.0.",
        "9.0.x",
        "0.ffffffff.x",
        &session[..session.len() - 1],
    ] {
        // Where it leads nowhere, the request is told; else the worker sees it.
        let _ = node.receive_apart(wrong, subscribe.into());
        simulation.turn();
        assert_eq!(events(&reader).len(), 1, "{wrong:?}");
    }
    node.receive_apart(&session, subscribe.into())
        .expect("it leads to this node");
    simulation.turn();
    assert_eq!(events(&reader)[1], r#"{"id":2,"subscribe":{}}"#);

    let opening = stream(Profile::HTTP_STREAM, Framing::Chunks, connect);
    let (_, lines) = open(&mut simulation, opening, usize::MAX);
    let name = self::session(&body(&lines).0);
    node.receive_apart(&name, subscribe.into())
        .expect("as above");
    publish(&mut simulation, r#"{"n":1}"#);
    let push = r#"{"push":{"channel":"news","pub":{"data":{"n":1}}}}"#;
    assert_eq!(events(&reader)[2..], [push]);
    let (lines, _) = body(&lines);
    assert_eq!(lines.lines().nth(2), Some(push));
}

#[test]
fn the_end_of_a_stream_says_why_before_the_last_chunk() {
    let mut simulation = simulation();
    let connect = r#"{"id":1,"connect":{}}"#;
    let opening = stream(Profile::SSE, Framing::EventStream, connect);
    let (slot, reader) = open(&mut simulation, opening, usize::MAX);
    let session = session(&events(&reader)[0]);
    disconnect(&mut simulation);
    let end = r#"{"push":{"disconnect":{"code":4000,"reason":"enough"}}}"#;
    assert_eq!(events(&reader)[1..], [end]);
    assert!(body(&reader).1, "the body has ended");
    // Who comes late finds nobody.
    let late = br#"{"id":2,"subscribe":{"channel":"news"}}"#;
    let sent = simulation.node().receive_apart(&session, late.to_vec());
    assert_eq!(sent, Ok(()));
    simulation.turn();
    assert_eq!(events(&reader).len(), 2);
    assert_eq!(simulation.population(), (0, 0));
    simulation.lose(slot);
    assert_eq!(simulation.connections(), (0, 0));
}

#[test]
fn a_one_way_client_is_told_by_bare_pushes() {
    let mut simulation = simulation();
    let connect = r#"{"id":1,"connect":{"subs":{"news":{}}}}"#;
    let opening = stream(Profile::UNI_SSE, Framing::EventStream, connect);
    let (_, reader) = open(&mut simulation, opening, usize::MAX);
    let connected = &events(&reader)[0];
    assert!(
        connected.starts_with(r#"{"connect":{"client":"#),
        "{connected}"
    );
    assert!(connected.contains(r#""subs":{"news":{}}"#), "{connected}");
    publish(&mut simulation, r#"{"n":1}"#);
    assert_eq!(
        events(&reader)[1..],
        [r#"{"channel":"news","pub":{"data":{"n":1}}}"#]
    );
    disconnect(&mut simulation);
    assert_eq!(
        events(&reader)[2..],
        [r#"{"disconnect":{"code":4000,"reason":"enough"}}"#]
    );
    assert!(body(&reader).1, "the body has ended");
}

#[test]
fn a_stream_that_is_read_in_small_pieces_is_cut_nowhere() {
    let mut simulation = simulation();
    let connect = r#"{"id":1,"connect":{"subs":{"news":{}}}}"#;
    let opening = stream(Profile::UNI_SSE, Framing::EventStream, connect);
    let (slot, reader) = open(&mut simulation, opening, 40);
    let mut wanted = Vec::new();
    for number in 0..50 {
        publish(&mut simulation, &format!("{number}"));
        wanted.push(format!(r#"{{"channel":"news","pub":{{"data":{number}}}}}"#));
        if reader.allow(7) {
            simulation.workers[0].outboxes.unblock(slot);
            simulation.turn();
        }
    }
    while reader.allow(23) {
        simulation.workers[0].outboxes.unblock(slot);
        simulation.turn();
    }
    assert_eq!(events(&reader)[1..], wanted);
}

#[test]
fn a_slow_reader_of_a_stream_gets_the_end_behind_what_was_under_way() {
    let mut simulation = simulation();
    let connect = r#"{"id":1,"connect":{"subs":{"news":{}}}}"#;
    let opening = stream(Profile::UNI_SSE, Framing::EventStream, connect);
    let (slot, reader) = open(&mut simulation, opening, HEAD.len() + 400);
    let data = format!("\"{}\"", "x".repeat(600));
    publish(&mut simulation, &data);
    publish(&mut simulation, "2");
    simulation.workers[0].disconnect(slot, Disconnect::SLOW);
    while reader.allow(usize::MAX / 2) {
        simulation.workers[0].outboxes.unblock(slot);
        simulation.turn();
    }
    let events = events(&reader);
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[1].contains(&data), "it was under way");
    assert_eq!(events[2], r#"{"disconnect":{"code":3008,"reason":"slow"}}"#);
    assert!(body(&reader).1, "the body has ended");
}

#[test]
fn an_order_that_names_an_emulated_session_is_for_that_one_alone() {
    let mut simulation = simulation();
    let connect = r#"{"id":1,"connect":{}}"#;
    let mut open_one = || {
        let opening = stream(Profile::SSE, Framing::EventStream, connect);
        open(&mut simulation, opening, usize::MAX).1
    };
    let (first, second) = (open_one(), open_one());
    let name = session(&events(&first)[0]);
    for name in ["0.0.unknown", &name] {
        let addressees = Addressees {
            user: UserId::new("anna"),
            session: name.into(),
            ..Addressees::default()
        };
        let disconnect = Disconnect::new(4000, "enough");
        simulation.order(&addressees, &Order::Disconnect(disconnect));
        simulation.turn();
        let is_meant = name != "0.0.unknown";
        assert_eq!(body(&first).1, is_meant, "{name}");
        assert!(!body(&second).1, "{name}");
    }
}
