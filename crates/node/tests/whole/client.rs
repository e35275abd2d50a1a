//! A client that blocks: every wait ends with a failure after ten seconds.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use veche_websocket::frame::{self, Opcode};

/// Longer than anything here should take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A client of the JSON dialect.
#[derive(Debug)]
pub(crate) struct Client {
    socket: TcpStream,
    received: Vec<u8>,
    replies: VecDeque<Value>,
    last_id: u64,
}

/// What a server's frame is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(Vec<u8>),
    Close(u16),
    /// The server has closed the socket.
    End,
}

impl Client {
    /// A client whose upgrade is agreed.
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::greeted(address, b"hello\n")
    }

    /// A client with a cookie, whose upgrade is agreed.
    pub(crate) fn with_cookie(address: SocketAddr, cookie: &str) -> Self {
        Self::greeted(address, format!("cookie {cookie}\n").as_bytes())
    }

    /// A client of a user, connected.
    pub(crate) fn of(address: SocketAddr, user: &str) -> Self {
        let mut client = Self::greeted(address, format!("hello {user}\n").as_bytes());
        let reply = client.ask("connect", json!({ "name": "test", "version": "1" }));
        assert!(reply["connect"].is_object(), "{reply}");
        client
    }

    /// A client of the plain dialect that was welcomed.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        let mut client = Self::plain_later(address);
        let welcome = client.reply();
        assert_eq!(welcome["event"], "welcome", "{welcome}");
        client
    }

    /// A client of the plain dialect that is welcomed later.
    pub(crate) fn plain_later(address: SocketAddr) -> Self {
        Self::greeted(address, b"plain\n")
    }

    fn greeted(address: SocketAddr, greeting: &[u8]) -> Self {
        let mut client = Self::dial(address);
        client.socket.write_all(greeting).expect("the head is sent");
        let mut answer = [0; 8];
        client
            .socket
            .read_exact(&mut answer)
            .expect("the upgrade is answered");
        assert_eq!(&answer, b"welcome\n");
        client
    }

    /// A client that has not said anything.
    pub(crate) fn dial(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).expect("the node listens");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("a valid time");
        socket
            .set_write_timeout(Some(PATIENCE))
            .expect("a valid time");
        Self {
            socket,
            received: Vec::new(),
            replies: VecDeque::new(),
            last_id: 0,
        }
    }

    /// A client that is connected.
    pub(crate) fn connected(address: SocketAddr) -> Self {
        let mut client = Self::open(address);
        let reply = client.ask("connect", json!({}));
        assert!(reply["connect"].is_object(), "{reply}");
        client
    }

    /// A client that is subscribed to a channel.
    pub(crate) fn subscribed(address: SocketAddr, channel: &str) -> Self {
        let mut client = Self::connected(address);
        let reply = client.ask("subscribe", json!({ "channel": channel }));
        assert!(reply["subscribe"].is_object(), "{reply}");
        client
    }

    /// Sends a command, and waits for its reply; pushes that come before it are an error.
    pub(crate) fn ask(&mut self, verb: &str, body: Value) -> Value {
        let id = self.command(verb, body);
        let reply = self.reply();
        assert_eq!(reply["id"], id, "{reply}");
        reply
    }

    /// Sends a command.
    pub(crate) fn command(&mut self, verb: &str, body: Value) -> u64 {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id });
        command[verb] = body;
        self.send(command.to_string().as_bytes());
        self.last_id
    }

    /// Sends a text message.
    pub(crate) fn send(&mut self, text: &[u8]) {
        self.write(&masked(Opcode::Text, text));
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server reads");
    }

    /// Writes what the socket takes before `patience` ends. Returns how much that was.
    pub(crate) fn write_some(&mut self, bytes: &[u8], patience: Duration) -> usize {
        self.socket
            .set_write_timeout(Some(patience))
            .expect("a valid time");
        let written = match self.socket.write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        };
        self.socket
            .set_write_timeout(Some(PATIENCE))
            .expect("a valid time");
        written
    }

    /// The next reply or push.
    pub(crate) fn reply(&mut self) -> Value {
        loop {
            if let Some(reply) = self.replies.pop_front() {
                return reply;
            }
            match self.frame() {
                Frame::Text(text) => {
                    for line in text.split(|byte| *byte == b'\n') {
                        self.replies
                            .push_back(serde_json::from_slice(line).expect("JSON"));
                    }
                }
                other => panic!("instead of a reply: {other:?}"),
            }
        }
    }

    /// The next publication.
    pub(crate) fn publication(&mut self) -> Value {
        let push = self.reply();
        let publication = push["push"]["pub"].clone();
        assert!(publication.is_object(), "{push}");
        publication
    }

    /// The code with which the server ends the conversation; what comes before it is passed over.
    pub(crate) fn close_code(&mut self) -> u16 {
        loop {
            match self.frame() {
                Frame::Text(_) => {}
                Frame::Close(code) => return code,
                Frame::End => panic!("no close frame"),
            }
        }
    }

    /// Says the end, too, and waits until the server closes the socket.
    pub(crate) fn part(&mut self) {
        self.write(&masked(Opcode::Close, &1000_u16.to_be_bytes()));
        assert_eq!(self.frame(), Frame::End);
    }

    /// Sends nothing more.
    pub(crate) fn shut_down_writing(&mut self) {
        self.socket
            .shutdown(Shutdown::Write)
            .expect("the socket is open");
    }

    pub(crate) fn frame(&mut self) -> Frame {
        loop {
            if let Some((opcode, payload)) = self.take_frame() {
                return match opcode {
                    8 => Frame::Close(u16::from_be_bytes([payload[0], payload[1]])),
                    _ => Frame::Text(payload),
                };
            }
            let mut buffer = [0; 16 << 10];
            match self.socket.read(&mut buffer) {
                Ok(0) => return Frame::End,
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) => panic!("the server is silent: {error}"),
            }
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (header, len) = match *self.received.as_slice() {
            [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
            [_, 127, _, _, _, _, a, b, c, d, ..] => (10, u32::from_be_bytes([a, b, c, d]) as usize),
            [_, len @ 0..126, ..] => (2, usize::from(len)),
            _ => return None,
        };
        let payload = self.received.get(header..header + len)?.to_vec();
        let opcode = self.received[0] & 15;
        self.received.drain(..header + len);
        Some((opcode, payload))
    }
}

/// A client's frame.
pub(crate) fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame::write_masked(&mut frame, opcode, false, payload, [1, 2, 3, 4]);
    frame
}
