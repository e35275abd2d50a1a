//! The only driver of sessions: messages in, effects carried out. It decides nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use veche_protocol::batch::Encoding;
use veche_protocol::command::Command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Reply};
use veche_protocol::{json, protobuf};
use veche_session::effect::{Attach, Effect, Effects};
use veche_session::session::Session;
use veche_session::turn::Turn;
use veche_websocket::close;
use veche_websocket::decoder::{Decoder, Event};
use veche_websocket::frame::{self, Opcode, Role};

use crate::accept::CLOSE_TIMEOUT;
use crate::connection::{Closing, Connection, Conversation, Open, Opening, Stage, Talk};
use crate::fanout::opcode;
use crate::hub::GroupKey;
use crate::plain::Asked;
use crate::worker::Worker;

/// How a connection goes on after some input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It lives.
    Alive,
    /// It ends, and the client is told.
    Ends(Disconnect),
    /// The client has said the end, with this code if any.
    PeerClosed(Option<u16>),
}

/// Replies in one frame at the most; a longer batch is continued in another.
const MAX_BATCH: usize = 64 << 10;

impl Worker {
    /// Begins a conversation.
    pub(crate) fn open(&mut self, slot: u32, opening: Opening) {
        let Opening {
            answer,
            conversation,
            inflate,
            deflate,
        } = opening;
        self.outboxes.append(slot, &answer);
        let talk = match conversation {
            Conversation::Centrifuge {
                encoding,
                frame_ping,
            } => Talk::Centrifuge {
                session: self
                    .node
                    .new_session(self.node.new_client(), frame_ping, &self.turn()),
                encoding,
                frame_ping,
            },
            Conversation::Plain { token } => {
                let session = self
                    .node
                    .new_session(self.node.new_client(), true, &self.turn());
                Talk::Plain {
                    translator: Box::new(self.translator(&session, token)),
                    session,
                    asked: Asked::default(),
                }
            }
            Conversation::Echo => Talk::Echo,
            Conversation::Refused { why, disconnect } => {
                self.send_refusal(slot, &why, &disconnect);
                self.say_goodbye(slot, &disconnect, Decoder::new(Role::Server, inflate));
                return;
            }
        };
        let decoder = Decoder::new(Role::Server, inflate);
        let mut open = Box::new(Open {
            talk,
            decoder,
            deflate,
            paused: false,
            waiting: None,
        });
        let fate = self.greet(slot, &mut open);
        self.put_back(slot, open, fate);
    }

    /// Bytes came for a connection.
    pub(crate) fn received(&mut self, slot: u32, received: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(slot as usize) else {
            return;
        };
        match &connection.stage {
            Stage::Head(_) => self.received_head(slot, received),
            Stage::Closing(_) => self.received_closing(slot, received),
            Stage::Busy => {}
            Stage::Open(_) => {
                let Some(mut open) = self.take_open(slot) else {
                    return;
                };
                let mut input = received;
                let fate = self.received_messages(slot, &mut open, &mut input);
                self.put_back(slot, open, fate);
                // The client's own end may be in what follows.
                if !input.is_empty() {
                    self.received_closing(slot, input);
                }
            }
        }
    }

    /// Lets the session in `slot` handle something, and carries out what it asks for.
    pub(crate) fn with_session(
        &mut self,
        slot: u32,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) {
        let Some(mut open) = self.take_open(slot) else {
            return;
        };
        let mut fate = self.session_handles(slot, &mut open, handle);
        if fate == Fate::Alive {
            fate = self.settle_plain(slot, &mut open);
        }
        if fate == Fate::Alive {
            fate = self.take_waiting(slot, &mut open);
        }
        self.send_batch(slot, &open);
        self.put_back(slot, open, fate);
    }

    /// The session in a slot, if a conversation is held there.
    pub(crate) fn session(&self, slot: u32) -> Option<&Session> {
        match &self.connections.get(slot as usize)?.stage {
            Stage::Open(open) => open.talk.session(),
            _ => None,
        }
    }

    /// Ends a conversation with a word to the client.
    pub(crate) fn disconnect(&mut self, slot: u32, disconnect: Disconnect) {
        let Some(open) = self.take_open(slot) else {
            return;
        };
        self.put_back(slot, open, Fate::Ends(disconnect));
    }

    /// The client will send no more. What is still owed to a closing connection is written all the same.
    pub(crate) fn read_to_end(&mut self, slot: u32) {
        if let Some(Connection {
            stage: Stage::Closing(closing),
            ..
        }) = self.connections.get_mut(slot as usize)
            && !closing.drained
        {
            closing.peer_closed = true;
            return;
        }
        self.lost(slot);
    }

    /// The socket is gone.
    pub(crate) fn lost(&mut self, slot: u32) {
        if let Some(mut open) = self.take_open(slot) {
            self.part(slot, &mut open);
        }
        self.remove(slot);
    }

    fn take_open(&mut self, slot: u32) -> Option<Box<Open>> {
        let connection = self.connections.get_mut(slot as usize)?;
        match std::mem::replace(&mut connection.stage, Stage::Busy) {
            Stage::Open(open) => Some(open),
            other => {
                connection.stage = other;
                None
            }
        }
    }

    /// Puts a conversation back after it was driven, or ends it.
    fn put_back(&mut self, slot: u32, mut open: Box<Open>, fate: Fate) {
        match fate {
            Fate::Alive => {
                let resume = open.paused && open.waiting_bytes() == 0;
                if resume {
                    open.pause(false);
                }
                if let Some(connection) = self.connections.get_mut(slot as usize) {
                    connection.stage = Stage::Open(open);
                }
                self.set_timer(slot);
                if resume && let Some(key) = self.key(slot) {
                    self.again.push(key);
                }
            }
            Fate::PeerClosed(code) => {
                self.part(slot, &mut open);
                self.answer_goodbye(slot, code);
            }
            Fate::Ends(disconnect) => {
                self.part(slot, &mut open);
                self.send_batch(slot, &open);
                if let Talk::Plain { .. } = &open.talk {
                    self.send_plain(slot, &mut open, &Effect::Close(disconnect.clone()));
                }
                self.counters.disconnects.add(u32::from(disconnect.code));
                if open.paused
                    && let Some(key) = self.key(slot)
                {
                    // The client's own end may lie behind what was not read.
                    self.again.push(key);
                }
                self.say_goodbye(slot, &disconnect, open.decoder);
            }
        }
    }

    /// The session leaves its channels, and the worker forgets it.
    pub(crate) fn part(&mut self, slot: u32, open: &mut Open) {
        open.waiting = None;
        let Some(session) = open.talk.session_mut() else {
            return;
        };
        let user = session.user().clone();
        let mut effects = std::mem::take(&mut self.effects);
        let left = self.let_handle(open, &mut effects, |session, turn, effects| {
            session.handle_closed(turn, effects);
        });
        if left.is_err() {
            effects.clear();
        }
        for effect in effects.drain(..) {
            match effect {
                Effect::Tell(notice) => self.tell(slot, notice),
                Effect::Detach { channel } => self.detach(slot, &channel),
                _ => {}
            }
        }
        self.effects = effects;
        self.detach_from_all(slot);
        self.forget_user(slot, &user);
    }

    /// What a session that failed did not leave itself: the next client in this slot must not get its channels.
    fn detach_from_all(&mut self, slot: u32) {
        while let Some(connection) = self.connections.get(slot as usize)
            && let Some(&attachment) = connection.attachments.first()
            && let Some(channel) = self.hub.name(attachment).cloned()
        {
            self.detach(slot, &channel);
        }
    }

    /// Sends the close frame, and waits for the client's.
    fn say_goodbye(&mut self, slot: u32, disconnect: &Disconnect, decoder: Decoder) {
        if *disconnect == Disconnect::SLOW {
            self.outboxes.discard(slot);
        }
        let silent = disconnect.code == Disconnect::CONNECTION_CLOSED.code;
        if !silent {
            self.outboxes
                .append(slot, &close::frame(disconnect.code, &disconnect.reason));
        }
        self.close_when_drained(
            slot,
            Closing {
                decoder: Some(decoder),
                peer_closed: silent,
                drained: false,
                // Who violated the framing can't be expected to close in order.
                finish: disconnect.code < 3000,
                deadline: self.now.monotonic + CLOSE_TIMEOUT,
            },
        );
    }

    /// Answers the client's close frame, and closes.
    fn answer_goodbye(&mut self, slot: u32, code: Option<u16>) {
        self.frames.clear();
        frame::write(
            &mut self.frames,
            Opcode::Close,
            &close::answer(code.map(|code| (code, ""))),
        );
        self.outboxes.append(slot, &self.frames);
        self.close_when_drained(
            slot,
            Closing {
                decoder: None,
                peer_closed: true,
                drained: false,
                finish: true,
                deadline: self.now.monotonic + CLOSE_TIMEOUT,
            },
        );
    }

    /// Handles messages until `input` is used up, or the connection ends.
    fn received_messages(&mut self, slot: u32, open: &mut Open, input: &mut &mut [u8]) -> Fate {
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
    fn take_waiting(&mut self, slot: u32, open: &mut Open) -> Fate {
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

    /// Lets the session handle something and carries out what it asks for. A panic ends this connection alone.
    fn session_handles(
        &mut self,
        slot: u32,
        open: &mut Open,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) -> Fate {
        let mut effects = std::mem::take(&mut self.effects);
        match self.let_handle(open, &mut effects, handle) {
            Ok(()) => self.carry_out(slot, open, effects),
            Err(disconnect) => Fate::Ends(disconnect),
        }
    }

    /// Lets the session handle something, if there is one. A panic is an error.
    fn let_handle(
        &self,
        open: &mut Open,
        effects: &mut Effects,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) -> Result<(), Disconnect> {
        let turn = self.turn();
        let Some(session) = open.talk.session_mut() else {
            return Ok(());
        };
        let handled = catch_unwind(AssertUnwindSafe(|| handle(session, &turn, effects)));
        handled.map_err(|_| {
            self.counters.panics.add(1);
            tracing::error!(client = %session.client(), "a session failed; its connection ends");
            Disconnect::SERVER_ERROR
        })
    }

    fn carry_out(&mut self, slot: u32, open: &mut Open, mut effects: Effects) -> Fate {
        let mut next = Effects::new();
        let mut fate = Fate::Alive;
        while !effects.is_empty() {
            for effect in effects.drain(..) {
                match effect {
                    Effect::Reply(reply) => self.send_reply(slot, open, &reply),
                    Effect::Push(push) => self.send_push(slot, open, &push),
                    Effect::Ping => self.send_ping(slot, open),
                    Effect::Ask { ask, question } => {
                        let Some(key) = self.key(slot) else { continue };
                        let Some(answer) = self.ask(key, ask, question) else {
                            continue;
                        };
                        let handled = self.let_handle(open, &mut next, |session, turn, next| {
                            session.handle_answer(ask, answer, turn, next);
                        });
                        if let Err(disconnect) = handled {
                            return Fate::Ends(disconnect);
                        }
                    }
                    Effect::Tell(notice) => self.tell(slot, notice),
                    Effect::Attach(attach) => self.attach(slot, open, attach),
                    Effect::Detach { channel } => self.detach(slot, &channel),
                    // Answers that were there at once may still have to be undone.
                    Effect::Close(disconnect) => fate = Fate::Ends(disconnect),
                }
            }
            std::mem::swap(&mut effects, &mut next);
        }
        self.effects = effects;
        fate
    }

    fn attach(&mut self, slot: u32, open: &Open, attach: Attach) {
        let key = GroupKey {
            format: open.format(),
            join_leave: attach.join_leave,
            positioned: attach.after.is_some(),
            filter: attach.filter,
        };
        let Some(connection) = self.connections.get_mut(slot as usize) else {
            return;
        };
        self.hub.attach(
            &attach.channel,
            slot,
            key,
            attach.after,
            &mut connection.attachments,
        );
        self.counters
            .subscriptions
            .set(self.hub.subscription_count());
    }

    fn send_reply(&mut self, slot: u32, open: &mut Open, reply: &Reply) {
        self.counters.replies_sent.add(1);
        match &reply.body {
            reply::Body::Error(error) => self.counters.reply_errors.add(error.code.0),
            reply::Body::Subscribe(subscribed) if subscribed.was_recovering => {
                self.counters.recoveries.add(subscribed.recovered);
            }
            _ => {}
        }
        match &mut open.talk {
            Talk::Centrifuge { encoding, .. } => {
                self.frames.clear();
                match encoding {
                    Encoding::Json => json::encode_reply(reply, &mut self.frames),
                    Encoding::Protobuf => protobuf::encode_reply(reply, &mut self.frames),
                }
                encoding.append(&mut self.batch, &self.frames);
                if self.batch.len() > MAX_BATCH {
                    self.send_batch(slot, open);
                }
            }
            Talk::Plain { .. } => self.send_plain(slot, open, &Effect::Reply(reply.clone())),
            Talk::Echo => {}
        }
    }

    fn send_push(&mut self, slot: u32, open: &mut Open, push: &Push) {
        self.counters.replies_sent.add(1);
        if let push::Body::Unsubscribe(unsubscribe) = &push.body {
            self.counters.unsubscribes.add(unsubscribe.code);
        }
        match &mut open.talk {
            Talk::Centrifuge { encoding, .. } => {
                self.frames.clear();
                match encoding {
                    Encoding::Json => json::encode_push(push, &mut self.frames),
                    Encoding::Protobuf => protobuf::encode_push(push, &mut self.frames),
                }
                encoding.append(&mut self.batch, &self.frames);
            }
            Talk::Plain { .. } => self.send_plain(slot, open, &Effect::Push(push.clone())),
            Talk::Echo => {}
        }
    }

    fn send_ping(&mut self, slot: u32, open: &Open) {
        match &open.talk {
            Talk::Centrifuge {
                encoding,
                frame_ping: false,
                ..
            } => {
                encoding.append(&mut self.batch, encoding.ping());
            }
            _ => self.outboxes.append(slot, &PING_FRAME),
        }
    }

    /// Sends the replies that have come together.
    pub(crate) fn send_batch(&mut self, slot: u32, open: &Open) {
        if self.batch.is_empty() {
            return;
        }
        self.frames.clear();
        self.encoder.frame(
            opcode(open.format().dialect),
            &self.batch,
            open.deflate,
            &mut self.frames,
        );
        self.outboxes.append(slot, &self.frames);
        self.batch.clear();
    }
}

/// A WebSocket ping without payload.
const PING_FRAME: [u8; 2] = [0x89, 0];
/// What a waiting command is reckoned to take, beside its share of the message it came in.
const WAITING_COST: usize = 64;
/// Commands of one message share its bytes; this many are assumed.
const WAITING_SHARE: usize = 4;
