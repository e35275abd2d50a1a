//! One client: the least that connects, subscribes, publishes and answers pings.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::{self, Opcode, Role as End};

use crate::dialect::Heard;
use crate::ear::Ear;
use crate::plan::Role;
use crate::script::Script;
use crate::tally::Track;

/// A connection, and how far it is.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    state: State,
    decoder: Decoder,
    out: Vec<u8>,
    tracks: Box<[Track]>,
    /// When it began to connect.
    pub(crate) began_ns: u64,
    next_id: u32,
    answers_pings: bool,
}

#[derive(Debug)]
enum State {
    /// The request was sent; the head of the answer, as far as it came.
    Upgrading(Vec<u8>),
    Connecting,
    Subscribing,
    Ready,
}

/// Why a connection ended.
#[derive(Debug)]
pub(crate) struct Farewell {
    /// The code of the close frame, if there was one.
    pub(crate) code: Option<u16>,
    pub(crate) words: String,
}

impl Farewell {
    fn new(words: impl Into<String>) -> Self {
        Self {
            code: None,
            words: words.into(),
        }
    }
}

impl From<io::Error> for Farewell {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// What clients share while they read.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) workspace: Workspace,
    pub(crate) scratch: Vec<u8>,
    pub(crate) ear: Ear,
}

impl Client {
    /// A client that will send its request as soon as it is connected.
    pub(crate) fn new(socket: TcpStream, script: &Script, began_ns: u64) -> Self {
        Self {
            socket,
            state: State::Upgrading(Vec::new()),
            decoder: Decoder::new(End::Client, false),
            out: script.request().to_vec(),
            tracks: Box::default(),
            began_ns,
            next_id: FIRST_PUBLICATION,
            answers_pings: false,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    /// Bytes that wait to be written.
    pub(crate) fn owed(&self) -> usize {
        self.out.len()
    }

    /// What it received of the `nth` publisher of its channel.
    pub(crate) fn track(&self, nth: usize) -> Track {
        self.tracks.get(nth).copied().unwrap_or_default()
    }

    /// Puts a publication into what is to be written. `command` is a buffer to be used again.
    pub(crate) fn publish(
        &mut self,
        script: &Script,
        channel: &str,
        data: &[u8],
        command: &mut Vec<u8>,
    ) {
        let id = self.next_id;
        self.next_id = id.checked_add(1).unwrap_or(FIRST_PUBLICATION);
        script.dialect.publish(channel, data, id, command);
        self.say(script, command);
    }

    /// Writes what is owed, as far as the system takes it.
    pub(crate) fn flush(&mut self) -> Result<(), Farewell> {
        while !self.out.is_empty() {
            match (&self.socket).write(&self.out) {
                Ok(written) if written == self.out.len() => self.out.clear(),
                Ok(written) => drop(self.out.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::NotConnected
                    ) =>
                {
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if self.out.is_empty() && self.out.capacity() > LARGE {
            self.out = Vec::new();
        }
        Ok(())
    }

    /// Reads what there is, and more than one buffer's worth only `to_the_end` or if there is more.
    pub(crate) fn read(
        &mut self,
        role: &Role,
        script: &Script,
        desk: &mut Desk,
        to_the_end: bool,
    ) -> Result<(), Farewell> {
        loop {
            let mut scratch = std::mem::take(&mut desk.scratch);
            let read = (&self.socket).read(&mut scratch);
            let is_full = read.as_ref().is_ok_and(|count| *count == scratch.len());
            let outcome = match read {
                Ok(0) => Err(Farewell::new("the server closed the connection")),
                Ok(count) => {
                    let bytes = scratch.get_mut(..count).unwrap_or_default();
                    self.receive(bytes, role, script, desk)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    desk.scratch = scratch;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
                Err(error) => Err(error.into()),
            };
            desk.scratch = scratch;
            outcome?;
            if !is_full && !to_the_end {
                return Ok(());
            }
        }
    }

    fn receive(
        &mut self,
        bytes: &mut [u8],
        role: &Role,
        script: &Script,
        desk: &mut Desk,
    ) -> Result<(), Farewell> {
        let State::Upgrading(head) = &mut self.state else {
            return self.decode(bytes, role, script, desk);
        };
        head.extend_from_slice(bytes);
        let Some(end) = script.check_answer(head).map_err(Farewell::new)? else {
            return Ok(());
        };
        let mut rest = head.split_off(end);
        self.state = State::Connecting;
        if let Some(connect) = script.connect() {
            self.say(script, connect);
        }
        self.decode(&mut rest, role, script, desk)
    }

    fn decode(
        &mut self,
        bytes: &mut [u8],
        role: &Role,
        script: &Script,
        desk: &mut Desk,
    ) -> Result<(), Farewell> {
        let now = script.clock.nanos();
        let mut input = bytes;
        loop {
            let event = self.decoder.next(&mut input, &LIMITS, &mut desk.workspace);
            let message = match event.map_err(|error| Farewell::new(error.to_string()))? {
                None => break,
                Some(Event::Text(text)) => text.as_bytes(),
                Some(Event::Binary(bytes)) => bytes,
                Some(Event::Ping(payload)) => {
                    desk.ear.pings += 1;
                    frame::write_masked(&mut self.out, Opcode::Pong, false, payload, key());
                    continue;
                }
                Some(Event::Pong(_)) => continue,
                Some(Event::Close(close)) => return Err(closed(close)),
            };
            desk.ear.frames += 1;
            let mut message = message;
            while let Some(item) = script.dialect.next_item(&mut message) {
                match desk.ear.finder.find(item) {
                    Some(stamp) => desk.ear.deliver(role, &mut self.tracks, stamp, now),
                    None => self.hear(script.dialect.hear(item), role, script, &mut desk.ear)?,
                }
            }
        }
        if self.out.is_empty() {
            Ok(())
        } else {
            self.flush()
        }
    }

    fn hear(
        &mut self,
        heard: Heard,
        role: &Role,
        script: &Script,
        ear: &mut Ear,
    ) -> Result<(), Farewell> {
        match (heard, &self.state) {
            (Heard::Connected { pong }, State::Connecting) => {
                self.answers_pings = pong;
                if role.subscribes {
                    self.state = State::Subscribing;
                    self.say(script, &script.subscribe(role.channel));
                } else {
                    self.become_ready(script, ear);
                }
            }
            (Heard::Subscribed, State::Subscribing) => self.become_ready(script, ear),
            (Heard::Published, _) => ear.published += 1,
            (Heard::Refused(words), State::Ready) => {
                ear.refused += 1;
                ear.note(format!("the server refused a publication: {words}"));
            }
            (Heard::Refused(words), _) => {
                return Err(Farewell::new(format!("the server refused: {words}")));
            }
            (Heard::Ping, _) => {
                ear.pings += 1;
                if self.answers_pings {
                    self.say(script, script.dialect.pong());
                }
            }
            (Heard::Unsubscribed(words), _) => {
                ear.note(format!("the server ended a subscription: {words}"))
            }
            _ => {}
        }
        Ok(())
    }

    fn become_ready(&mut self, script: &Script, ear: &mut Ear) {
        self.state = State::Ready;
        ear.connecting
            .add(script.clock.nanos().saturating_sub(self.began_ns));
    }

    fn say(&mut self, script: &Script, message: &[u8]) {
        let opcode = if script.dialect.is_binary() {
            Opcode::Binary
        } else {
            Opcode::Text
        };
        frame::write_masked(&mut self.out, opcode, false, message, key());
    }
}

fn closed(close: Option<(u16, &str)>) -> Farewell {
    match close {
        Some((code, reason)) => Farewell {
            code: Some(code),
            words: format!("the server closed the connection: {code} {reason}"),
        },
        None => Farewell::new("the server closed the connection, without a code"),
    }
}

fn key() -> [u8; 4] {
    fastrand::u32(..).to_be_bytes()
}

/// More than any message of a server we measure.
const LIMITS: Limits = Limits {
    max_message: 64 << 20,
    max_inflated: 64 << 20,
};
/// 1 and 2 are `connect` and `subscribe`.
const FIRST_PUBLICATION: u32 = 3;
/// A buffer above this is not kept.
const LARGE: usize = 64 << 10;
