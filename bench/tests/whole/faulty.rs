//! A server that loses, doubles and reorders as it is told: a thread for each connection, and JSON only.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::{self, Opcode, Role};
use veche_websocket::handshake::accept_key;

/// Says which publications are delivered when this one was made.
type Faults = fn(usize) -> Vec<usize>;

/// A running one. Its threads end with the connections.
#[derive(Debug)]
pub(crate) struct Faulty {
    pub(crate) address: SocketAddr,
}

#[derive(Debug, Default)]
struct Channel {
    subscribers: Vec<TcpStream>,
    published: Vec<String>,
}

impl Faulty {
    pub(crate) fn start(faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let channel = Arc::new(Mutex::new(Channel::default()));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let channel = channel.clone();
                thread::spawn(move || serve(socket, &channel, faults));
            }
        });
        Self { address }
    }
}

/// Serves one client until it leaves.
fn serve(mut socket: TcpStream, channel: &Mutex<Channel>, faults: Faults) -> Option<()> {
    upgrade(&mut socket)?;
    let mut decoder = Decoder::new(Role::Server, false);
    let mut workspace = Workspace::new();
    let limits = Limits {
        max_message: 1 << 20,
        max_inflated: 1 << 20,
    };
    let mut scratch = [0; 4096];
    loop {
        let count = socket.read(&mut scratch).ok().filter(|count| *count > 0)?;
        let mut input = &mut scratch[..count];
        while let Some(event) = decoder.next(&mut input, &limits, &mut workspace).ok()? {
            if let Event::Text(text) = event {
                answer(&mut socket, text, channel, faults);
            }
        }
    }
}

fn upgrade(socket: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    let mut scratch = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let count = socket.read(&mut scratch).ok().filter(|count| *count > 0)?;
        head.extend_from_slice(&scratch[..count]);
    }
    let head = String::from_utf8(head).expect("text");
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = accept_key(key.expect("a key"));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).ok()
}

fn answer(socket: &mut TcpStream, command: &str, channel: &Mutex<Channel>, faults: Faults) {
    let command: serde_json::Value = serde_json::from_str(command).expect("a command");
    let id = &command["id"];
    let mut channel = channel.lock().expect("no thread panicked");
    if command.get("connect").is_some() {
        send(
            socket,
            &format!(r#"{{"id":{id},"connect":{{"client":"x"}}}}"#),
        );
    } else if command.get("subscribe").is_some() {
        send(socket, &format!(r#"{{"id":{id},"subscribe":{{}}}}"#));
        channel
            .subscribers
            .push(socket.try_clone().expect("a descriptor"));
    } else {
        send(socket, &format!(r#"{{"id":{id},"publish":{{}}}}"#));
        let Channel {
            subscribers,
            published,
        } = &mut *channel;
        let (name, data) = (&command["publish"]["channel"], &command["publish"]["data"]);
        let number = published.len();
        published.push(format!(
            r#"{{"push":{{"channel":{name},"pub":{{"data":{data}}}}}}}"#
        ));
        for delivered in faults(number) {
            for subscriber in subscribers.iter_mut() {
                send(subscriber, &published[delivered]);
            }
        }
    }
}

/// A client that has left misses nothing.
fn send(socket: &mut TcpStream, text: &str) {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, Opcode::Text, text.as_bytes());
    let _ = socket.write_all(&bytes);
}
