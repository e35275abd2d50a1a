//! The operations: what each prepares once, and what it repeats.

use std::hint::black_box;
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use veche_engine::broker::Broker;
use veche_engine::memory::broker::MemoryBroker;
use veche_engine::memory::clock::SystemClock;
use veche_engine::pending::Pending;
use veche_engine::sink::{Delivery, Sink};
use veche_node::connection::{Conversation, Opening};
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
    ("fan-out-1000-groups", fan_out_in_groups),
    ("fan-out-1000-deltas", fan_out_deltas),
    ("fan-out-1000-deflated", fan_out_deflated),
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
    Fan::default().step()
}

/// The same where publications are kept and positions watched.
fn fan_out_with_history() -> Step {
    Fan {
        history: History::On,
        ..Fan::default()
    }
    .step()
}

/// The same with 32 filters: each lets the publication pass, and makes a group of those who have it.
fn fan_out_in_groups() -> Step {
    Fan {
        filters: 32,
        ..Fan::default()
    }
    .step()
}

/// The same to clients that take deltas: one is cut for all.
fn fan_out_deltas() -> Step {
    Fan {
        history: History::On,
        deltas: true,
        ..Fan::default()
    }
    .step()
}

/// The same to clients that agreed to compression: it is compressed once for all.
fn fan_out_deflated() -> Step {
    Fan {
        deflate: true,
        ..Fan::default()
    }
    .step()
}

/// What a thousand subscribers have agreed on.
#[derive(Debug)]
struct Fan {
    history: History,
    /// How many filters there are among them; 0 for none.
    filters: usize,
    deltas: bool,
    deflate: bool,
}

impl Default for Fan {
    fn default() -> Self {
        Self {
            history: History::Off,
            filters: 0,
            deltas: false,
            deflate: false,
        }
    }
}

impl Fan {
    /// The subscribe command of the nth.
    fn subscribe(&self, nth: usize) -> String {
        let mut more = String::new();
        if let Some(group) = nth.checked_rem(self.filters) {
            more = format!(r#","tf":{{"key":"to","cmp":"in","vals":["all","{group}"]}}"#);
        }
        if self.deltas {
            more.push_str(r#","delta":"fossil""#);
        }
        format!(r#"{{"id":2,"subscribe":{{"channel":"lobby"{more}}}}}"#)
    }

    fn opening(&self) -> Opening {
        let encoding = Encoding::Json;
        let opening = Opening::websocket(Conversation::Centrifuge { encoding });
        if self.deflate {
            opening.compressed()
        } else {
            opening
        }
    }

    /// What is published: the same for ever, but for a number of four digits where deltas are to be cut.
    fn publications(&self) -> impl FnMut() -> Publication + use<> {
        let (filters, deltas) = (self.filters, self.deltas);
        let data = data();
        let mut number = 0;
        move || {
            let mut publication = Publication::new(data.clone());
            if deltas {
                number = (number + 1) % 9000;
                let text = format!(r#"{{"text":"{}{}"}}"#, number + 1000, "x".repeat(113));
                publication.data = Payload::json(Bytes::from(text));
            }
            if filters > 0 {
                publication.tags = Some(Arc::new([("to".into(), "all".into())].into()));
            }
            publication
        }
    }

    fn step(self) -> Step {
        const MEMBERS: usize = 1000;
        let mut simulation = simulation(self.history);
        let (reader, writer) = swallower();
        for nth in 0..MEMBERS {
            let socket = OwnedFd::from(writer.try_clone().expect("descriptors: ulimit -n 2048"));
            let client = simulation
                .open_at(0, self.opening(), Some(socket.into()))
                .expect("it is a socket")
                .slot;
            simulation.receive(client, &mut command(r#"{"id":1,"connect":{}}"#));
            simulation.receive(client, &mut command(&self.subscribe(nth)));
        }
        simulation.turn();
        assert_eq!(simulation.population(), (MEMBERS, MEMBERS));
        let channel = Channel::new("lobby");
        let mut publications = self.publications();
        let options = PublishOptions {
            retention: (self.history == History::On).then_some(RETENTION),
            delta: self.deltas,
            ..PublishOptions::default()
        };
        Box::new(move || {
            black_box(&reader);
            simulation.publish(&channel, publications(), &options);
            simulation.turn();
            assert_eq!(simulation.population().0, MEMBERS);
        })
    }
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
    fn room(&self) -> Pending<()> {
        Pending::Ready(())
    }
}
