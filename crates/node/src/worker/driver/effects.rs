//! What a session asks for, carried out: replies, questions, attachments.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use veche_protocol::batch::Encoding;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Reply};
use veche_protocol::{json, protobuf};
use veche_session::effect::{Effect, Effects};
use veche_session::profile::Ping;
use veche_session::question::Notice;
use veche_session::session::Session;
use veche_session::turn::Turn;
use veche_websocket::frame::{self, Opcode};

use super::Fate;
use crate::connection::{Open, Talk};
use crate::encoder::encode_push;
use crate::format::Format;
use crate::outbox::Urgent;
use crate::worker::Worker;

impl Worker {
    /// Lets the session handle something and carries out what it asks for. A panic ends this connection alone.
    pub(super) fn session_handles(
        &mut self,
        slot: u32,
        open: &mut Open,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) -> Fate {
        let mut effects = mem::take(&mut self.buffers.effects);
        match self.let_handle(open, &mut effects, handle) {
            Ok(()) => self.carry_out(slot, open, effects),
            Err(disconnect) => Fate::Ends(disconnect),
        }
    }

    /// Lets the session handle something, if there is one. A panic is an error.
    pub(super) fn let_handle(
        &self,
        open: &mut Open,
        effects: &mut Effects,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) -> Result<(), Disconnect> {
        let turn = self.context.turn();
        let Some(session) = open.talk.session_mut() else {
            return Ok(());
        };
        let handled = catch_unwind(AssertUnwindSafe(|| handle(session, &turn, effects)));
        handled.map_err(|_| {
            self.context.counters().panics.add(1);
            tracing::error!(client = %session.client(), "a session failed; its connection ends");
            Disconnect::SERVER_ERROR
        })
    }

    fn carry_out(&mut self, slot: u32, open: &mut Open, mut effects: Effects) -> Fate {
        let mut next = mem::take(&mut self.buffers.next_effects);
        let mut fate = Fate::Alive;
        while !effects.is_empty() {
            for effect in effects.drain(..) {
                match effect {
                    Effect::Reply(reply) => self.send_reply(slot, open, &reply),
                    Effect::Push(push) => self.send_push(slot, open, &push),
                    Effect::Ping => self.send_ping(slot, open),
                    Effect::Ask { ask, question } => {
                        let Some(key) = self.connections.key(slot) else {
                            continue;
                        };
                        let Some(answer) = self.ask(key, open, ask, question) else {
                            continue;
                        };
                        let handled = self.let_handle(open, &mut next, |session, turn, next| {
                            session.handle_answer(ask, answer, turn, next);
                        });
                        if let Err(disconnect) = handled {
                            return Fate::Ends(disconnect);
                        }
                    }
                    Effect::Tell(Notice::Connected { user, app, .. }) => {
                        open.app = app.map(|app| self.clients.app(*app));
                        open.connected_ms = self.context.now().unix_ms;
                        let connections = &mut self.connections;
                        self.clients
                            .remember(slot, user, connections, &self.context);
                    }
                    Effect::Tell(notice) if open.talk.session().is_some_and(Session::is_closed) => {
                        self.notices.tell_of_the_gone(notice, &self.context);
                    }
                    Effect::Tell(notice) => self.notices.tell(notice, &self.context),
                    Effect::Attach(attach) => self.attach(slot, open, attach),
                    Effect::Detach { channel } => self.detach(slot, &channel),
                    // Answers that were there at once may still have to be undone.
                    Effect::Close(disconnect) => fate = Fate::Ends(disconnect),
                }
            }
            mem::swap(&mut effects, &mut next);
        }
        self.buffers.effects = effects;
        self.buffers.next_effects = next;
        fate
    }

    fn send_reply(&mut self, slot: u32, open: &mut Open, reply: &Reply) {
        self.context.counters().replies_sent.add(1);
        match &reply.body {
            reply::Body::Error(error) => self.context.counters().reply_errors.add(error.code.0),
            reply::Body::Subscribe(subscribed) if subscribed.was_recovering => {
                self.context.counters().recoveries.add(subscribed.recovered);
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
                self.spend(self.frames.len());
                self.batch_is_reply = true;
                encoding.append(&mut self.batch, &self.frames);
                if self.batch.len() > MAX_BATCH {
                    self.send_batch(slot, open);
                }
            }
            Talk::Plain { .. } => self.send_plain(slot, open, &Effect::Reply(reply.clone())),
            Talk::Echo => {}
        }
    }

    pub(super) fn send_push(&mut self, slot: u32, open: &mut Open, push: &Push) {
        self.context.counters().replies_sent.add(1);
        if let push::Body::Unsubscribe(unsubscribe) = &push.body {
            self.context.counters().unsubscribes.add(unsubscribe.code);
        }
        let dialect = open.format().dialect;
        match &mut open.talk {
            Talk::Centrifuge { encoding, .. } => {
                self.batch_is_reply |= is_recovered(push);
                self.frames.clear();
                encode_push(push, dialect, &mut self.frames);
                encoding.append(&mut self.batch, &self.frames);
            }
            Talk::Plain { .. } => self.send_plain(slot, open, &Effect::Push(push.clone())),
            Talk::Echo => {}
        }
    }

    /// A ping does not wait behind messages; where it is one itself, it travels alone.
    fn send_ping(&mut self, slot: u32, open: &Open) {
        self.frames.clear();
        match &open.talk {
            Talk::Centrifuge { session, encoding } if session.profile().ping != Ping::Frame => {
                let mut ping = Vec::new();
                encoding.append(&mut ping, encoding.ping());
                let Format { dialect, framing } = open.format();
                framing.write(dialect.opcode(), &ping, &mut self.frames);
            }
            _ => frame::write(&mut self.frames, Opcode::Ping, &[]),
        }
        self.outboxes
            .append_urgent(slot, Urgent::Ping, &self.frames);
    }

    /// Sends the replies that have come together.
    pub(crate) fn send_batch(&mut self, slot: u32, open: &Open) {
        if self.batch.is_empty() {
            return;
        }
        self.frames.clear();
        let Format { dialect, framing } = open.format();
        let opcode = dialect.opcode();
        self.encoder
            .frame(framing, opcode, &self.batch, &mut self.frames);
        if mem::take(&mut self.batch_is_reply) {
            self.outboxes.append_reply(slot, &self.frames);
        } else {
            self.outboxes.append(slot, &self.frames);
        }
        self.batch.clear();
    }
}

/// Whether a push of a session is what its client has missed, and not something new that comes unasked.
pub(crate) fn is_recovered(push: &Push) -> bool {
    matches!(push.body, push::Body::Publication(_) | push::Body::Whole(_))
}

/// Replies in one frame at the most; a longer batch is continued in another.
const MAX_BATCH: usize = 64 << 10;
