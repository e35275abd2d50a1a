//! What clients say: messages, the commands in them, and those that wait.

use std::time::Instant;

use subtle::ConstantTimeEq;
use veche_protocol::batch::Encoding;
use veche_protocol::command::Command;
use veche_protocol::disconnect::Disconnect;
use veche_session::session::Session;
use veche_websocket::decoder::Event;
use veche_websocket::frame::Opcode;

use super::Fate;
use super::pacing::Pace;
use crate::connection::{Open, Talk};
use crate::pending_input::End;
use crate::worker::Worker;

impl Worker {
    /// Handles messages until `input` is used up, the connection ends, or too much waits: what is left of `input` then
    /// is not decoded.
    pub(super) fn received_messages(
        &mut self,
        slot: u32,
        open: &mut Open,
        input: &mut &mut [u8],
    ) -> Fate {
        let limits = self.context.config().websocket;
        let mut workspace = self.buffers.workspace.take().unwrap_or_default();
        let fate = loop {
            let pending = open.pending.as_ref();
            if pending.is_some_and(|pending| pending.is_full(limits.max_message)) {
                break Fate::Alive;
            }
            let Some(decoder) = &mut open.decoder else {
                // Its messages come by other requests, and nothing else is to be said on this connection.
                *input = &mut [];
                break Fate::Alive;
            };
            let fate = match decoder.next(input, &limits, &mut workspace) {
                Ok(Some(event)) => self.handle_event(slot, open, event),
                Ok(None) => break Fate::Alive,
                Err(error) => {
                    break Fate::Ends(Disconnect::new(error.close_code(), error.reason()));
                }
            };
            if fate != Fate::Alive {
                break fate;
            }
        };
        self.buffers.workspace = Some(workspace);
        fate
    }

    fn handle_event(&mut self, slot: u32, open: &mut Open, event: Event<'_>) -> Fate {
        match event {
            Event::Text(text) => self.handle_message(slot, open, text.as_bytes(), Opcode::Text),
            Event::Binary(bytes) => self.handle_message(slot, open, bytes, Opcode::Binary),
            Event::Ping(payload) => {
                self.sender.send_pong(slot, payload, &mut self.outboxes);
                Fate::Alive
            }
            Event::Pong(_) if open.talk.session().is_some() => {
                self.session_handles(slot, open, |session, turn, effects| {
                    session.handle_pong(turn, effects)
                })
            }
            Event::Pong(_) => Fate::Alive,
            Event::Close(received) => {
                let code = received.map(|(code, _)| code);
                match &mut open.pending {
                    // What came before it is carried out first.
                    Some(pending) if pending.has_messages() => {
                        pending.set_end(End::Close(code));
                        Fate::Alive
                    }
                    _ => Fate::PeerClosed(code),
                }
            }
        }
    }

    /// A message of an emulated client.
    pub(crate) fn received_apart(&mut self, slot: u32, name: &str, message: &[u8]) {
        let emulation = self.connections.session(slot).and_then(Session::emulation);
        let is_its =
            emulation.is_some_and(|it| it.session.as_bytes().ct_eq(name.as_bytes()).into());
        if !is_its {
            return;
        }
        let Some(mut open) = self.connections.take_open(slot) else {
            return;
        };
        let limit = self.context.config().websocket.max_message;
        let pending = open.pending.as_ref();
        let fate = if pending.is_some_and(|pending| pending.is_full(limit)) {
            // A socket would not be read; these messages are here already.
            Fate::Ends(Disconnect::SLOW)
        } else {
            self.received_message(slot, &mut open, message)
        };
        self.put_back(slot, open, fate);
    }

    /// A message that did not come by the client's own socket, or came with its request.
    pub(crate) fn received_message(&mut self, slot: u32, open: &mut Open, message: &[u8]) -> Fate {
        self.sender.serve_another();
        let opcode = open.format().dialect.opcode();
        self.handle_message(slot, open, message, opcode)
    }

    /// One message of a client: carried out, as far as its pace allows, or kept. Replies to it share a frame.
    fn handle_message(
        &mut self,
        slot: u32,
        open: &mut Open,
        message: &[u8],
        opcode: Opcode,
    ) -> Fate {
        self.context.counters().messages_received.add(1);
        self.context.counters().bytes_received.add(message.len());
        let pending = open.pending.as_ref();
        let left = if pending.is_some_and(|pending| pending.has_messages()) {
            Some(message)
        } else {
            let (fate, left) = self.carry_out_message(slot, open, message, opcode);
            self.send_batch(slot, open);
            if fate != Fate::Alive {
                return fate;
            }
            left
        };
        let Some(left) = left else {
            return Fate::Alive;
        };
        if let Talk::Centrifuge { encoding, .. } = &open.talk
            && let Some(pong) = lone_pong(*encoding, left)
        {
            return self.timed_command(slot, open, pong);
        }
        open.pending.get_or_insert_default().push(opcode, left);
        Fate::Alive
    }

    /// Carries out a message, as far as the client's pace allows. Returns what of it must wait, if anything.
    fn carry_out_message<'a>(
        &mut self,
        slot: u32,
        open: &mut Open,
        message: &'a [u8],
        opcode: Opcode,
    ) -> (Fate, Option<&'a [u8]>) {
        if let Talk::Centrifuge { encoding, .. } = &open.talk {
            return self.carry_out_commands(slot, open, *encoding, message);
        }
        if self.pace(slot, open) != Pace::Go {
            return (Fate::Alive, Some(message));
        }
        self.sender.spend_command();
        if let Talk::Plain { .. } = &open.talk {
            return (self.handle_plain(slot, open, message, opcode), None);
        }
        let form = (open.framing, opcode);
        self.sender
            .send_message(slot, form, message, true, &mut self.outboxes);
        (Fate::Alive, None)
    }

    fn carry_out_commands<'a>(
        &mut self,
        slot: u32,
        open: &mut Open,
        encoding: Encoding,
        message: &'a [u8],
    ) -> (Fate, Option<&'a [u8]>) {
        let mut commands = encoding.commands(message);
        loop {
            if self.pace(slot, open) != Pace::Go {
                return (Fate::Alive, Some(commands.rest()));
            }
            self.sender.spend_command();
            let fate = match commands.next() {
                None => return (Fate::Alive, None),
                Some(Ok(command)) => self.timed_command(slot, open, command),
                Some(Err(error)) => {
                    tracing::debug!(%error, "not a command");
                    Fate::Ends(Disconnect::BAD_REQUEST)
                }
            };
            if fate != Fate::Alive || commands.rest().is_empty() {
                return (fate, None);
            }
        }
    }

    pub(crate) fn timed_command(&mut self, slot: u32, open: &mut Open, command: Command) -> Fate {
        let began = Instant::now();
        let name = command.verb.name();
        let fate = self.session_handles(slot, open, |session, turn, effects| {
            session.handle_command(command, turn, effects)
        });
        self.context.counters().commands.add(name, began.elapsed());
        fate
    }

    /// Carries out waiting messages as far as the client's pace allows; then comes the client's end, if it was said.
    pub(super) fn carry_out_pending(&mut self, slot: u32, open: &mut Open) -> Fate {
        while let Some(pending) = &mut open.pending {
            let Some(message) = pending.take_message() else {
                return match pending.take_end() {
                    Some(End::Close(code)) => Fate::PeerClosed(code),
                    Some(End::Socket) | None => Fate::Alive,
                };
            };
            let (fate, left) = self.carry_out_message(slot, open, message.left(), message.opcode);
            if let Some(left) = left.map(<[u8]>::len)
                && let Some(pending) = &mut open.pending
            {
                pending.put_back(message, left);
                return fate;
            }
            if fate != Fate::Alive {
                return fate;
            }
        }
        Fate::Alive
    }
}

/// A pong that is a message of its own: it need not wait.
fn lone_pong(encoding: Encoding, message: &[u8]) -> Option<Command> {
    if message.len() > LONGEST_PONG {
        return None;
    }
    let mut commands = encoding.commands(message);
    let pong = commands.next()?.ok().filter(Command::is_pong)?;
    commands.rest().is_empty().then_some(pong)
}

/// As clients spell it, with some room for spaces.
const LONGEST_PONG: usize = 8;
