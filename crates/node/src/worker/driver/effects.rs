//! What a session asks for, carried out: replies, questions, attachments.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Reply};
use veche_session::effect::{Effect, Effects};
use veche_session::profile::Ping;
use veche_session::question::Notice;
use veche_session::session::Session;
use veche_session::turn::Turn;

use super::Fate;
use crate::connection::{Open, Talk};
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
        match self.let_handle(slot, open, &mut effects, handle) {
            Ok(()) => self.carry_out(slot, open, effects),
            Err(disconnect) => Fate::Ends(disconnect),
        }
    }

    /// Lets the session handle something, if there is one. A panic is an error.
    pub(super) fn let_handle(
        &mut self,
        slot: u32,
        open: &mut Open,
        effects: &mut Effects,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) -> Result<(), Disconnect> {
        let turn = self.context.turn();
        let Some(session) = open.talk.session_mut() else {
            return Ok(());
        };
        let before = effects.len();
        match catch_unwind(AssertUnwindSafe(|| handle(session, &turn, effects))) {
            Ok(()) => {
                let added = effects.get(before..).unwrap_or_default();
                self.contracts.ask_for(slot, added);
                Ok(())
            }
            Err(_) => {
                self.contracts.fail(slot);
                self.context.counters().panics.add(1);
                tracing::error!(client = %session.client(), "a session failed; its connection ends");
                Err(Disconnect::SERVER_ERROR)
            }
        }
    }

    fn carry_out(&mut self, slot: u32, open: &mut Open, mut effects: Effects) -> Fate {
        let mut next = mem::take(&mut self.buffers.next_effects);
        let mut fate = Fate::Alive;
        while !effects.is_empty() {
            for effect in effects.drain(..) {
                self.contracts.carry_out(slot, &effect);
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
                        self.contracts.answer(slot, ask, &answer);
                        let handle = |session: &mut Session, turn: &Turn<'_>, next: &mut _| {
                            session.handle_answer(ask, answer, turn, next);
                        };
                        let handled = self.let_handle(slot, open, &mut next, handle);
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
                if self.sender.add_reply(reply, *encoding, &mut self.outboxes) {
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
        let format = open.format();
        match &mut open.talk {
            Talk::Centrifuge { encoding, .. } => {
                self.sender
                    .add_push(push, *encoding, format, &mut self.outboxes);
            }
            Talk::Plain { .. } => self.send_plain(slot, open, &Effect::Push(push.clone())),
            Talk::Echo => {}
        }
    }

    fn send_ping(&mut self, slot: u32, open: &Open) {
        let as_message = match &open.talk {
            Talk::Centrifuge { session, encoding } if session.profile().ping != Ping::Frame => {
                Some((*encoding, open.format()))
            }
            _ => None,
        };
        self.sender.send_ping(slot, as_message, &mut self.outboxes);
    }

    /// Sends the replies that have come together.
    pub(super) fn send_batch(&mut self, slot: u32, open: &Open) {
        self.sender
            .send_batch(slot, open.format(), &mut self.outboxes);
    }
}
