//! What clients say: messages, the commands in them, and those that wait.

use std::time::Instant;

use veche_protocol::batch::Encoding;
use veche_protocol::command::Command;
use veche_protocol::disconnect::Disconnect;
use veche_websocket::decoder::Event;
use veche_websocket::frame::{self, Opcode};

use super::Fate;
use crate::connection::{Open, Talk};
use crate::worker::Worker;

impl Worker {
    /// Handles messages until `input` is used up, or the connection ends.
    pub(super) fn received_messages(
        &mut self,
        slot: u32,
        open: &mut Open,
        input: &mut &mut [u8],
    ) -> Fate {
        let limits = self.node.config().websocket;
        let mut workspace = std::mem::take(&mut self.workspace);
        let fate = loop {
            let fate = match open.decoder.next(input, &limits, &mut workspace) {
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
        self.workspace = workspace;
        open.pause(open.waiting_bytes() > limits.max_message);
        fate
    }

    fn handle_event(&mut self, slot: u32, open: &mut Open, event: Event<'_>) -> Fate {
        match event {
            Event::Text(text) => self.handle_message(slot, open, text.as_bytes(), Opcode::Text),
            Event::Binary(bytes) => self.handle_message(slot, open, bytes, Opcode::Binary),
            Event::Ping(payload) => {
                self.frames.clear();
                frame::write(&mut self.frames, Opcode::Pong, payload);
                self.outboxes.append(slot, &self.frames);
                Fate::Alive
            }
            Event::Pong(_) if open.talk.session().is_some() => {
                self.session_handles(slot, open, |session, turn, effects| {
                    session.handle_pong(turn, effects)
                })
            }
            Event::Pong(_) => Fate::Alive,
            Event::Close(received) => Fate::PeerClosed(received.map(|(code, _)| code)),
        }
    }

    /// One message of a client. Replies to it share a frame.
    fn handle_message(
        &mut self,
        slot: u32,
        open: &mut Open,
        message: &[u8],
        opcode: Opcode,
    ) -> Fate {
        self.counters.messages_received.add(1);
        self.counters.bytes_received.add(message.len());
        let fate = match &open.talk {
            Talk::Centrifuge { encoding, .. } => {
                self.handle_commands(slot, open, *encoding, message)
            }
            Talk::Plain { .. } => self.handle_plain(slot, open, message, opcode),
            Talk::Echo => {
                self.frames.clear();
                self.encoder
                    .frame(opcode, message, open.deflate, &mut self.frames);
                self.outboxes.append(slot, &self.frames);
                Fate::Alive
            }
        };
        self.send_batch(slot, open);
        fate
    }

    fn handle_commands(
        &mut self,
        slot: u32,
        open: &mut Open,
        encoding: Encoding,
        message: &[u8],
    ) -> Fate {
        for command in encoding.commands(message) {
            let fate = match command {
                Ok(command) => self.handle_command(slot, open, command, message.len()),
                Err(error) => {
                    tracing::debug!(%error, "not a command");
                    Fate::Ends(Disconnect::BAD_REQUEST)
                }
            };
            if fate != Fate::Alive {
                return fate;
            }
        }
        Fate::Alive
    }

    /// A command of a message of `bytes`: carried out, or kept while the session has enough to do.
    pub(crate) fn handle_command(
        &mut self,
        slot: u32,
        open: &mut Open,
        command: Command,
        bytes: usize,
    ) -> Fate {
        let turn = self.turn();
        let can_take = open.waiting.is_none()
            && open
                .talk
                .session()
                .is_some_and(|it| it.can_take_command(&turn));
        if !can_take && !command.is_pong() {
            let waiting = open.waiting.get_or_insert_default();
            if waiting.commands.is_empty() {
                waiting.bytes = 0;
            }
            waiting.bytes += bytes / WAITING_SHARE + WAITING_COST;
            waiting.commands.push_back(command);
            return Fate::Alive;
        }
        self.timed_command(slot, open, command)
    }

    fn timed_command(&mut self, slot: u32, open: &mut Open, command: Command) -> Fate {
        let began = Instant::now();
        let name = command.verb.name();
        let fate = self.session_handles(slot, open, |session, turn, effects| {
            session.handle_command(command, turn, effects)
        });
        self.counters.commands.add(name, began.elapsed());
        fate
    }

    /// Gives waiting commands to the session while it takes them.
    pub(super) fn take_waiting(&mut self, slot: u32, open: &mut Open) -> Fate {
        loop {
            let turn = self.turn();
            if !open
                .talk
                .session()
                .is_some_and(|session| session.can_take_command(&turn))
            {
                return Fate::Alive;
            }
            let Some(waiting) = &mut open.waiting else {
                return Fate::Alive;
            };
            let Some(command) = waiting.commands.pop_front() else {
                open.waiting = None;
                return Fate::Alive;
            };
            let fate = self.timed_command(slot, open, command);
            if fate != Fate::Alive {
                return fate;
            }
        }
    }
}

/// What a waiting command is reckoned to take, beside its share of the message it came in.
const WAITING_COST: usize = 64;
/// Commands of one message share its bytes; this many are assumed.
const WAITING_SHARE: usize = 4;
