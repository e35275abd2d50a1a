//! The operations: what each prepares once, and what it repeats.

use std::hint::black_box;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use veche_engine::broker::Broker;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::sink::{Delivery, Sink};
use veche_protocol::batch::Encoding;
use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;
use veche_protocol::payload::Payload;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_protocol::{json, protobuf};
use veche_websocket::decoder::{Decoder, Limits, Workspace};
use veche_websocket::frame::Role;

use crate::client::{History, RETENTION, command, connect, simulation, subscribe};

/// Something that can be repeated.
pub type Step = Box<dyn FnMut()>;

/// Prepares what is repeated.
pub type Prepare = fn() -> Step;

/// Each operation by name.
pub const OPERATIONS: &[(&str, Prepare)] = &[
    ("encode-json", encode_json),
    ("encode-protobuf", encode_protobuf),
    ("decode-command-json", decode_command_json),
    ("decode-command-protobuf", decode_command_protobuf),
    ("decode-frame", decode_frame),
    ("history-append", history_append),
    ("publish-command", publish_command),
    ("session", session),
    ("fan-out-1000", fan_out),
    ("fan-out-1000-history", fan_out_with_history),
];

/// 128 bytes, as in the marks.
fn data() -> Payload {
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(117));
    Payload::json(Bytes::from(text))
}

fn publish_text() -> String {
    let data = data();
    let text = String::from_utf8_lossy(data.bytes()).into_owned();
    format!(r#"{{"id":3,"publish":{{"channel":"lobby","data":{text}}}}}"#)
}

fn publication() -> (Channel, Publication) {
    let mut publication = Publication::new(data());
    publication.offset = 123_456;
    (Channel::new("lobby"), publication)
}

/// One publication's push, JSON.
fn encode_json() -> Step {
    let (channel, publication) = publication();
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        json::encode_publication_push(&channel, black_box(&publication), &mut out);
        black_box(&out);
    })
}

/// One publication's push, Protobuf.
fn encode_protobuf() -> Step {
    let (channel, publication) = publication();
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        protobuf::encode_publication_push(&channel, black_box(&publication), &mut out);
        black_box(&out);
    })
}

/// A publish command, JSON.
fn decode_command_json() -> Step {
    let text = publish_text();
    Box::new(move || {
        black_box(json::decode_command(black_box(text.as_bytes())).is_ok());
    })
}

/// A publish command, Protobuf.
fn decode_command_protobuf() -> Step {
    let field = |tag: u8, bytes: &[u8]| {
        let mut field = vec![tag];
        protobuf_length(&mut field, bytes.len());
        field.extend_from_slice(bytes);
        field
    };
    let mut publish = field(0x0a, b"lobby");
    publish.extend(field(0x12, data().bytes()));
    let mut bytes = vec![0x08, 3];
    bytes.extend(field(0x32, &publish));
    assert!(protobuf::decode_command(&bytes).is_ok());
    Box::new(move || {
        black_box(protobuf::decode_command(black_box(&bytes)).is_ok());
    })
}

/// A length of at most two bytes of seven bits.
fn protobuf_length(out: &mut Vec<u8>, len: usize) {
    let low = u8::try_from(len % 128).expect("seven bits");
    let high = u8::try_from(len / 128).expect("the data is short");
    if high > 0 {
        out.extend([low | 0x80, high]);
    } else {
        out.push(low);
    }
}

/// A masked frame into a text message.
fn decode_frame() -> Step {
    let limits = Limits {
        max_message: 64 << 10,
        max_inflated: 640 << 10,
    };
    let frame = command(&publish_text());
    let mut workspace = Workspace::new();
    let mut decoder = Decoder::new(Role::Server, false);
    let mut scratch = frame.clone();
    Box::new(move || {
        scratch.copy_from_slice(&frame);
        let mut input = scratch.as_mut_slice();
        black_box(decoder.next(&mut input, &limits, &mut workspace).is_ok());
    })
}

/// A publish that the engine in memory keeps.
fn history_append() -> Step {
    let broker = MemoryBroker::new(Arc::new(Nowhere), Arc::new(SystemClock::default()));
    let (channel, publication) = publication();
    let options = PublishOptions {
        retention: Some(RETENTION),
        ..PublishOptions::default()
    };
    Box::new(move || {
        black_box(broker.publish(&channel, publication.clone(), &options));
    })
}

/// A client's publish in a channel where it is alone, up to its outbox.
fn publish_command() -> Step {
    let mut simulation = simulation(History::On);
    let client = connect(&mut simulation);
    subscribe(&mut simulation, client, "lobby");
    assert_eq!(simulation.population(), (1, 1));
    let frame = command(&publish_text());
    let mut scratch = frame.clone();
    Box::new(move || {
        scratch.copy_from_slice(&frame);
        simulation.receive(client, &mut scratch);
        simulation.turn();
    })
}

/// A client's life: it connects, subscribes, publishes, and is gone.
fn session() -> Step {
    let mut simulation = simulation(History::On);
    let frame = command(&publish_text());
    Box::new(move || {
        let client = connect(&mut simulation);
        subscribe(&mut simulation, client, "lobby");
        simulation.receive(client, &mut frame.clone());
        simulation.turn();
        assert_eq!(simulation.population(), (1, 1));
        simulation.lose(client);
        simulation.turn();
    })
}

/// One publication to a thousand subscribers, each with a socket that swallows everything.
fn fan_out() -> Step {
    fan_out_in(History::Off)
}

/// The same where publications are kept and positions watched.
fn fan_out_with_history() -> Step {
    fan_out_in(History::On)
}

fn fan_out_in(history: History) -> Step {
    const MEMBERS: usize = 1000;
    let mut simulation = simulation(history);
    let (reader, writer) = swallower();
    for _ in 0..MEMBERS {
        let socket = OwnedFd::from(writer.try_clone().expect("descriptors: ulimit -n 2048"));
        let client = simulation
            .open(Encoding::Json, Some(socket.into()))
            .expect("it is a socket");
        simulation.receive(client, &mut command(r#"{"id":1,"connect":{}}"#));
        subscribe(&mut simulation, client, "lobby");
    }
    simulation.turn();
    assert_eq!(simulation.population(), (MEMBERS, MEMBERS));
    let (channel, data) = (Channel::new("lobby"), data());
    let options = PublishOptions {
        retention: (history == History::On).then_some(RETENTION),
        ..PublishOptions::default()
    };
    Box::new(move || {
        black_box(&reader);
        simulation.publish(&channel, &data, &options);
        simulation.turn();
        assert_eq!(simulation.population().0, MEMBERS);
    })
}

/// A socket into which one can write for ever: datagrams to somebody who never reads are dropped. It blocks, so that
/// it never takes less than it is given while the system has not come to dropping.
fn swallower() -> (UdpSocket, UdpSocket) {
    let reader = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let writer = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let address = reader.local_addr().expect("it is bound");
    writer.connect(address).expect("loopback");
    (reader, writer)
}

/// Takes publications and does nothing with them.
#[derive(Debug)]
struct Nowhere;

impl Sink for Nowhere {
    fn publication(&self, _channel: &Channel, _delivery: Delivery) {}
    fn join(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}
    fn leave(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}
    fn gap(&self, _channel: &Channel) {}
    fn resumed(&self) {}
}
