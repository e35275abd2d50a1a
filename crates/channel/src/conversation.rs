//! The rules of one WebSocket conversation, without its socket: bytes and time come in, messages
//! and bytes go out.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use veche_websocket::close::{self, ProtocolError};
use veche_websocket::decoder::{Decoder, Limits, Loan, Received, Workspace};
use veche_websocket::deflate::Deflate;
use veche_websocket::frame::{self, Opcode, Role};
use veche_websocket::mask;

use crate::closed::{By, CloseCode, Closed};
use crate::error::Error;
use crate::liveness::{Due, Liveness, Ping};
use crate::message::Message;
use crate::outgoing::Outgoing;
use crate::random;
use crate::scratch::Scratch;

/// What both sides agreed on, and what this side wants.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) role: Role,
    pub(crate) deflate: Option<Deflate>,
    /// Messages from this many bytes on are compressed.
    pub(crate) compress_from: usize,
    pub(crate) max_message: usize,
    /// Bytes that may wait to be written before [`Conversation::has_room`] says no.
    pub(crate) max_unsent: usize,
    pub(crate) ping: Option<Ping>,
    pub(crate) close_timeout: Duration,
}

/// One conversation. Whoever drives it writes what stands in `outgoing`, gives it what was read,
/// and calls [`Conversation::handle_timeout`] when the deadline has passed.
#[derive(Debug)]
pub(crate) struct Conversation {
    terms: Terms,
    decoder: Decoder,
    liveness: Liveness,
    pub(crate) outgoing: Outgoing,
    /// A ping that found no room for its answer; only the latest is owed one.
    unanswered: Option<Vec<u8>>,
    state: State,
    error: Option<Error>,
}

#[derive(Debug)]
enum State {
    Open,
    /// Our close frame is queued, the peer's has not come.
    Closing {
        closed: Closed,
        deadline: Instant,
    },
    /// Nothing more is said: what is queued is written, and then the transport ends.
    Ending {
        closed: Closed,
        deadline: Instant,
    },
    Ended(Closed),
}

impl Conversation {
    pub(crate) fn new(terms: Terms, now: Instant) -> Self {
        Self {
            decoder: Decoder::new(terms.role, terms.deflate.is_some()),
            liveness: Liveness::new(terms.ping, now),
            outgoing: Outgoing::default(),
            unanswered: None,
            state: State::Open,
            error: None,
            terms,
        }
    }

    /// Whether messages can still be sent.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether messages of the peer may still come.
    pub(crate) fn is_listening(&self) -> bool {
        matches!(self.state, State::Open | State::Closing { .. })
    }

    /// Whether nothing is left to be said, so that the transport may be shut down.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.state, State::Ending { .. })
    }

    /// How it ended, once it has.
    pub(crate) fn closed(&self) -> Option<&Closed> {
        match &self.state {
            State::Ended(closed) => Some(closed),
            _ => None,
        }
    }

    /// How it will have ended, once that is decided.
    pub(crate) fn decided(&self) -> Option<&Closed> {
        match &self.state {
            State::Open => None,
            State::Closing { closed, .. } | State::Ending { closed, .. } | State::Ended(closed) => {
                Some(closed)
            }
        }
    }

    /// Moves out why it failed, if it did and was not asked before.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// Whether another message may be queued.
    pub(crate) fn has_room(&self) -> bool {
        self.outgoing.len() < self.terms.max_unsent
    }

    /// Queues a message.
    ///
    /// # Errors
    /// [`Error::Closed`] if a close frame was sent or received before.
    pub(crate) fn send(&mut self, message: Message) -> Result<(), Error> {
        if let Some(closed) = self.decided() {
            return Err(Error::Closed(closed.clone()));
        }
        let opcode = match message {
            Message::Text(_) => Opcode::Text,
            Message::Binary(_) => Opcode::Binary,
        };
        let payload = message.as_bytes();
        let may_compress = payload.len() >= self.terms.compress_from
            && (self.terms.deflate).is_some_and(|deflate| deflate.may_compress(payload.len()));
        if payload.len() >= OWN_SEGMENT && !may_compress {
            self.send_large(opcode, message);
            return Ok(());
        }
        let out = self.outgoing.end();
        match (self.terms.role, may_compress) {
            (Role::Client, false) => {
                frame::write_masked(out, opcode, false, payload, random::mask_key());
            }
            (Role::Server, false) => frame::write(out, opcode, payload),
            (role, true) => Scratch::with(|scratch| match role {
                Role::Client => {
                    let key = random::mask_key();
                    scratch.deflater().write_masked(out, opcode, payload, key);
                }
                Role::Server => scratch.deflater().write(out, opcode, payload),
            }),
        }
        Ok(())
    }

    /// Queues a large message as it is: it is masked where it lies, and copied only if others
    /// share it.
    fn send_large(&mut self, opcode: Opcode, message: Message) {
        let payload = message.into_bytes();
        match self.terms.role {
            Role::Server => {
                let header = frame::header(opcode, false, payload.len());
                self.outgoing.push(&header, payload);
            }
            Role::Client => {
                let mut payload = payload
                    .try_into_mut()
                    .unwrap_or_else(|shared| shared.as_ref().into());
                let key = random::mask_key();
                let header = frame::masked_header(opcode, false, payload.len(), key);
                mask::apply(key, 0, &mut payload);
                self.outgoing.push(&header, payload.freeze());
            }
        }
    }

    /// Takes bytes from the front of `input`, until a message is whole or the input is used up.
    pub(crate) fn receive(
        &mut self,
        input: &mut &mut [u8],
        workspace: &mut Workspace,
        now: impl Fn() -> Instant,
    ) -> Option<Message> {
        let limits = self.limits();
        while self.is_listening() {
            match self.decoder.next_owned(input, &limits, workspace) {
                Ok(None) => break,
                Ok(Some(received)) => {
                    if let Some(message) = self.accept(received, &now) {
                        return Some(message);
                    }
                }
                Err(error) => self.refuse(error, now()),
            }
        }
        if !self.is_listening() {
            *input = &mut [];
        }
        None
    }

    /// Lends the buffer of a large message that is under way, to be read into.
    pub(crate) fn lend(&mut self) -> Option<Loan> {
        if self.is_listening() {
            self.decoder.lend(LENT_FROM)
        } else {
            None
        }
    }

    /// Takes a lent buffer back, and yields the message if it is whole.
    pub(crate) fn give_back(
        &mut self,
        loan: Loan,
        workspace: &mut Workspace,
        now: impl Fn() -> Instant,
    ) -> Option<Message> {
        let limits = self.limits();
        match self.decoder.give_back(loan, &limits, workspace) {
            Ok(received) => self.accept(received?, &now),
            Err(error) => {
                self.refuse(error, now());
                None
            }
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            max_message: self.terms.max_message,
            max_inflated: self.terms.max_message,
        }
    }

    /// Acts on what the peer said, or yields it.
    fn accept(&mut self, received: Received<'_>, now: &impl Fn() -> Instant) -> Option<Message> {
        match received {
            Received::Text(text) => return Some(Message::Text(text.into_owned())),
            Received::Binary(bytes) => return Some(Message::Binary(bytes.into_owned().into())),
            Received::Ping(payload) => self.answer_ping(&payload),
            Received::Pong(_) => {}
            Received::Close(received) => self.receive_close(received, now()),
        }
        None
    }

    /// Notes that bytes came.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.liveness.heard(now);
    }

    /// Begins the closing handshake, unless one side has begun it before.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str, now: Instant) {
        if !self.is_open() {
            return;
        }
        let payload = close::payload(code.get(), reason);
        let reason = payload.get(2..).unwrap_or_default();
        let closed = Closed {
            by: By::Local,
            code: code.get(),
            reason: String::from_utf8_lossy(reason).into_owned(),
            clean: false,
        };
        self.write_control(Opcode::Close, &payload);
        self.state = State::Closing {
            closed,
            deadline: now + self.terms.close_timeout,
        };
    }

    /// The transport ended, in order or with an error.
    pub(crate) fn end(&mut self, error: Option<io::Error>) {
        if self.is_open() {
            let error = error.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
            self.error = Some(Error::Lost(error));
        }
        self.finish();
    }

    /// Ends the conversation as it was decided, or as lost.
    pub(crate) fn finish(&mut self) {
        let closed = self.decided().cloned().unwrap_or_else(Closed::lost);
        self.state = State::Ended(closed);
        self.outgoing.clear();
        self.unanswered = None;
    }

    /// When to call [`Conversation::handle_timeout`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Open => self.liveness.deadline(),
            State::Closing { deadline, .. } | State::Ending { deadline, .. } => Some(*deadline),
            State::Ended(_) => None,
        }
    }

    /// Acts on what is due at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant, is_reading: bool) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        if !self.is_open() {
            self.finish();
            return;
        }
        match self.liveness.handle_timeout(now, is_reading) {
            Due::Nothing => {}
            Due::SendPing => self.write_control(Opcode::Ping, b""),
            Due::GiveUp(within) => {
                self.error = Some(Error::NoPong(within));
                self.finish();
            }
        }
    }

    /// Queues the answer that was owed, if there is room now.
    pub(crate) fn settle(&mut self) {
        if self.has_room()
            && let Some(payload) = self.unanswered.take()
        {
            self.write_control(Opcode::Pong, &payload);
        }
    }

    fn answer_ping(&mut self, payload: &[u8]) {
        if !self.is_open() {
            return;
        }
        if self.has_room() {
            self.write_control(Opcode::Pong, payload);
        } else {
            self.unanswered = Some(payload.to_vec());
        }
    }

    fn receive_close(&mut self, received: Option<(u16, String)>, now: Instant) {
        let deadline = now + self.terms.close_timeout;
        self.state = match std::mem::replace(&mut self.state, State::Open) {
            State::Closing {
                mut closed,
                deadline,
            } => {
                closed.clean = true;
                State::Ending { closed, deadline }
            }
            _ => {
                let answer = received
                    .as_ref()
                    .map(|(code, reason)| (*code, reason.as_str()));
                self.write_control(Opcode::Close, &close::answer(answer));
                let (code, reason) = received.unwrap_or((close::NO_STATUS, String::new()));
                let closed = Closed {
                    by: By::Peer,
                    code,
                    reason,
                    clean: true,
                };
                State::Ending { closed, deadline }
            }
        };
    }

    /// Fails the conversation for what the peer did wrong.
    fn refuse(&mut self, error: ProtocolError, now: Instant) {
        let (code, reason) = (error.close_code(), error.reason());
        if self.is_open() {
            self.write_control(Opcode::Close, &close::payload(code, reason));
        }
        self.error = Some(match error {
            ProtocolError::TooBig | ProtocolError::TooBigInflated => Error::TooBig {
                limit: self.terms.max_message,
            },
            ProtocolError::Violation(_) | ProtocolError::InvalidData(_) => {
                Error::Protocol { code, reason }
            }
        });
        self.state = State::Ending {
            closed: Closed {
                by: By::Local,
                code,
                reason: reason.to_owned(),
                clean: false,
            },
            deadline: now + self.terms.close_timeout,
        };
    }

    fn write_control(&mut self, opcode: Opcode, payload: &[u8]) {
        let out = self.outgoing.end();
        match self.terms.role {
            Role::Client => frame::write_masked(out, opcode, false, payload, random::mask_key()),
            Role::Server => frame::write(out, opcode, payload),
        }
    }
}

/// Bytes from which on a message is written from where it lies.
const OWN_SEGMENT: usize = 8192;

/// Bytes of a message that are worth a read of their own.
const LENT_FROM: usize = 4096;

#[cfg(test)]
mod tests;
