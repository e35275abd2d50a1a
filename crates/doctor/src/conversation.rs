//! A WebSocket after the upgrade: what is said and what is heard.

use std::io;
use std::time::Instant;

use veche_websocket::close;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::{self, Opcode, Role};

use crate::wire::{Came, Wire};

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary,
    /// A ping frame; it is answered already.
    Ping,
    /// A pong frame.
    Pong,
    /// The server says the end.
    Closed(Option<u16>, String),
    /// The end, without a word.
    Cut,
    /// Bytes that are no frames.
    Broken(String),
    /// Nothing until the deadline.
    Nothing,
}

/// A conversation that goes on.
#[derive(Debug)]
pub(crate) struct Conversation {
    wire: Wire,
    decoder: Decoder,
    workspace: Workspace,
    /// Received, and not decoded yet.
    early: Vec<u8>,
}

const LIMITS: Limits = Limits {
    max_message: 16 << 20,
    max_inflated: 16 << 20,
};

impl Conversation {
    /// Goes on behind an upgrade, of which `early` came with the answer.
    pub(crate) fn new(wire: Wire, early: Vec<u8>, deflate: bool) -> Self {
        Self {
            wire,
            decoder: Decoder::new(Role::Client, deflate),
            workspace: Workspace::new(),
            early,
        }
    }

    /// Says a text message.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        self.frame(Opcode::Text, text.as_bytes())
    }

    /// Says the end. Nobody waits for the answer.
    pub(crate) fn leave(mut self) {
        // The connection ends anyway.
        let _ = self.frame(Opcode::Close, &close::payload(close::NORMAL, ""));
    }

    /// Hears what comes first, until the deadline. A ping is answered.
    pub(crate) fn hear(&mut self, deadline: Instant) -> Heard {
        loop {
            if let Some(heard) = self.decode() {
                return heard;
            }
            let mut buffer = vec![0; 16 << 10];
            match self.wire.read(&mut buffer, deadline) {
                Ok(Came::Bytes(count)) => {
                    buffer.truncate(count);
                    self.early = buffer;
                }
                Ok(Came::Nothing) => return Heard::Nothing,
                Ok(Came::End) | Err(_) => return Heard::Cut,
            }
        }
    }

    fn decode(&mut self) -> Option<Heard> {
        let mut received = std::mem::take(&mut self.early);
        let mut input = received.as_mut_slice();
        let (heard, pong) = match self.decoder.next(&mut input, &LIMITS, &mut self.workspace) {
            Ok(None) => return None,
            Ok(Some(event)) => match event {
                Event::Text(text) => (Heard::Text(text.to_owned()), None),
                Event::Binary(_) => (Heard::Binary, None),
                Event::Ping(payload) => (Heard::Ping, Some(payload.to_vec())),
                Event::Pong(_) => (Heard::Pong, None),
                Event::Close(Some((code, reason))) => {
                    (Heard::Closed(Some(code), reason.to_owned()), None)
                }
                Event::Close(None) => (Heard::Closed(None, String::new()), None),
            },
            Err(error) => (Heard::Broken(error.to_string()), None),
        };
        self.early = input.to_vec();
        if let Some(payload) = pong {
            // If it cannot be written, the next read says why.
            let _ = self.frame(Opcode::Pong, &payload);
        }
        Some(heard)
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::new();
        frame::write_masked(
            &mut bytes,
            opcode,
            false,
            payload,
            fastrand::u32(..).to_ne_bytes(),
        );
        self.wire.write(&bytes)
    }
}
