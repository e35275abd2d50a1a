//! One client of a conversation: it counts what it asked and what was answered.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use veche_node::simulate::Seat;
use veche_protocol::batch::Encoding;
use veche_protocol::command::Verb;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::{self, Opcode, Role};

use super::Counts;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Centrifuge(Encoding),
    Plain,
    /// The request is still to come; what follows is not looked at.
    Http,
}

pub(super) struct Client {
    pub(super) seat: Seat,
    dialect: Dialect,
    socket: UnixStream,
    unsent: Vec<u8>,
    decoder: Decoder,
    workspace: Workspace,
    asked: Counts,
    answered: Counts,
    /// It has sent what is no frame; nothing is promised any more.
    is_wild: bool,
    is_closed: bool,
}

const LIMITS: Limits = Limits {
    max_message: 16 << 20,
    max_inflated: 64 << 20,
};

/// Bytes that are read at a time.
const CHUNK: usize = 256 << 10;

impl Client {
    pub(super) fn new(dialect: Dialect, deflate: bool, seat: Seat, socket: UnixStream) -> Self {
        Self {
            seat,
            dialect,
            socket,
            unsent: Vec::new(),
            decoder: Decoder::new(Role::Client, deflate),
            workspace: Workspace::new(),
            asked: Counts::new(),
            answered: Counts::new(),
            is_wild: dialect == Dialect::Http,
            is_closed: false,
        }
    }

    /// A message in a frame.
    pub(super) fn say(&mut self, is_text: bool, message: &[u8]) {
        let (opcode, is_bad) = match is_text {
            true => (Opcode::Text, std::str::from_utf8(message).is_err()),
            false => (Opcode::Binary, false),
        };
        frame::write_masked(&mut self.unsent, opcode, false, message, [1, 2, 3, 4]);
        if is_bad || self.is_wild || self.is_closed {
            self.is_wild = true;
            return;
        }
        if let Dialect::Centrifuge(encoding) = self.dialect {
            for command in encoding.commands(message).flatten() {
                let is_tell = matches!(command.verb, Verb::Send(_));
                if command.id > 0 && !is_tell {
                    *self.asked.entry(command.id).or_default() += 1;
                }
            }
        }
    }

    pub(super) fn write_raw(&mut self, bytes: &[u8]) {
        self.is_wild = true;
        self.unsent.extend_from_slice(bytes);
    }

    pub(super) fn send(&mut self) {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.is_closed = true;
                    self.unsent.clear();
                }
            }
        }
    }

    pub(super) fn hear(&mut self) {
        let mut bytes = vec![0; CHUNK];
        loop {
            let count = match self.socket.read(&mut bytes) {
                Ok(count @ 1..) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => {
                    self.is_closed = true;
                    return;
                }
            };
            if self.dialect != Dialect::Http {
                self.take(bytes.get_mut(..count).unwrap_or_default());
            }
        }
    }

    fn take(&mut self, mut bytes: &mut [u8]) {
        loop {
            let event = self.decoder.next(&mut bytes, &LIMITS, &mut self.workspace);
            let Some(event) = event.expect("the server's frames are good") else {
                return;
            };
            match (event, self.dialect) {
                (Event::Text(text), Dialect::Centrifuge(Encoding::Json)) => {
                    for line in text.split('\n') {
                        let reply = serde_json::from_str::<serde_json::Value>(line);
                        let reply = reply.expect("JSON");
                        let id = reply.get("id").and_then(serde_json::Value::as_u64);
                        count(&mut self.answered, id.unwrap_or(0));
                    }
                }
                (Event::Binary(message), Dialect::Centrifuge(Encoding::Protobuf)) => {
                    ids(message).for_each(|id| count(&mut self.answered, id));
                }
                (Event::Text(text), Dialect::Plain) => {
                    let frame: serde_json::Value = serde_json::from_str(text).expect("JSON");
                    let is_one = |name| frame.get(name).is_some_and(serde_json::Value::is_string);
                    assert!(is_one("event") || is_one("error"));
                }
                (Event::Close(close), _) => {
                    let code = close.map_or(1005, |(code, _)| code);
                    let is_known = matches!(code, 1000..1012 | 3000..5000);
                    assert!(is_known, "closed with {code}");
                    self.is_closed = true;
                }
                (Event::Ping(_) | Event::Pong(_), _) | (Event::Binary(_), Dialect::Plain) => {}
                (event, dialect) => unreachable!("{event:?} for {dialect:?}"),
            }
        }
    }

    /// Everything that it asked is answered, once, if the connection lives.
    pub(super) fn check(&self) {
        for (id, count) in &self.answered {
            let asked = self.asked.get(id).copied().unwrap_or(0);
            assert!(
                self.is_wild || *count <= asked,
                "{id} is answered too often"
            );
        }
        if !self.is_wild && !self.is_closed && self.unsent.is_empty() {
            assert_eq!(self.answered, self.asked, "not everything is answered");
        }
    }
}

fn count(counts: &mut Counts, id: u64) {
    if id > 0 {
        let id = u32::try_from(id).expect("ids have 32 bits");
        *counts.entry(id).or_default() += 1;
    }
}

/// The ids of Protobuf replies: field 1 of each, which comes first if it is there.
fn ids(mut message: &[u8]) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || {
        if message.is_empty() {
            return None;
        }
        let len = usize::try_from(varint(&mut message)).expect("a length");
        let (reply, rest) = message.split_at_checked(len).expect("a whole reply");
        message = rest;
        let mut fields = reply;
        Some(match reply.first() {
            Some(0x08) => {
                fields = fields.get(1..).unwrap_or_default();
                varint(&mut fields)
            }
            _ => 0,
        })
    })
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first().expect("a whole number");
        *rest = after;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return value;
        }
    }
    unreachable!("a number of more than ten bytes");
}
