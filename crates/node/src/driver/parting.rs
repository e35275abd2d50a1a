//! How a conversation ends: the session leaves its channels, and the close frames are said.

use veche_protocol::disconnect::Disconnect;
use veche_session::effect::Effect;
use veche_websocket::close;
use veche_websocket::decoder::Decoder;
use veche_websocket::frame::{self, Opcode};

use crate::accept::CLOSE_TIMEOUT;
use crate::connection::{Closing, Open};
use crate::worker::Worker;

impl Worker {
    /// The session leaves its channels, and the worker forgets it.
    pub(crate) fn part(&mut self, slot: u32, open: &mut Open) {
        open.waiting = None;
        self.drop_deferred(slot);
        self.give_user_place_back(slot);
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
    pub(super) fn say_goodbye(&mut self, slot: u32, disconnect: &Disconnect, decoder: Decoder) {
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
    pub(super) fn answer_goodbye(&mut self, slot: u32, code: Option<u16>) {
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
}
