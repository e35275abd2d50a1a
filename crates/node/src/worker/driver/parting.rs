//! How a conversation ends: the session leaves its channels, and the close frames are said.

use std::mem;

use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push};
use veche_session::effect::Effect;
use veche_session::profile::Direction;
use veche_websocket::close;
use veche_websocket::decoder::Decoder;
use veche_websocket::frame::{self, Opcode};

use crate::connection::{Closing, Open, Talk};
use crate::framing::Framing;
use crate::worker::Worker;
use crate::worker::closing::CLOSE_TIMEOUT;

impl Worker {
    /// The session leaves its channels, and the worker forgets it. Other clients learn of it when the turn has written
    /// the close frames; see [`Notices::flush`](crate::notices::Notices::flush).
    pub(crate) fn part(&mut self, slot: u32, open: &mut Open) {
        self.deferred.drop_of(slot);
        self.calls.drop_of(slot);
        self.clients.give_place_back(slot, &self.context);
        let Some(session) = open.talk.session_mut() else {
            return;
        };
        let user = session.user().clone();
        let mut effects = mem::take(&mut self.buffers.effects);
        self.contracts.end(slot);
        let left = self.let_handle(slot, open, &mut effects, |session, turn, effects| {
            session.handle_closed(turn, effects);
        });
        if left.is_err() {
            effects.clear();
        }
        for effect in effects.drain(..) {
            self.contracts.carry_out(slot, &effect);
            match effect {
                Effect::Tell(notice) => self.notices.tell_of_the_gone(notice, &self.context),
                Effect::Detach { channel } => self.detach(slot, &channel),
                _ => {}
            }
        }
        self.buffers.effects = effects;
        self.contracts.forget(slot);
        self.detach_from_all(slot);
        self.clients
            .forget(slot, &user, &mut self.connections, &self.context);
    }

    /// Says the end by a message, where the framing can't say why, or where the dialect has such a message.
    pub(super) fn say_end(&mut self, slot: u32, open: &mut Open, disconnect: &Disconnect) {
        match &open.talk {
            Talk::Plain { .. } => {
                self.send_plain(slot, open, &Effect::Close(disconnect.clone()));
            }
            Talk::Centrifuge { session, .. } => {
                let is_told = session.profile().direction != Direction::Bidirectional
                    && disconnect.code != Disconnect::CONNECTION_CLOSED.code;
                if is_told {
                    let body = push::Body::Disconnect(disconnect.clone());
                    self.send_push(slot, open, &Push::connection(body));
                    self.send_batch(slot, open);
                }
            }
            Talk::Echo => {}
        }
    }

    /// Sends the end of the conversation, and waits for the client's.
    pub(super) fn say_goodbye(
        &mut self,
        slot: u32,
        disconnect: &Disconnect,
        framing: Framing,
        decoder: Option<Decoder>,
    ) {
        let silent = disconnect.code == Disconnect::CONNECTION_CLOSED.code;
        if !silent {
            self.outboxes
                .append_with(slot, false, |out| framing.write_end(disconnect, out));
        }
        self.close_when_drained(
            slot,
            Closing {
                peer_closed: silent,
                drained: false,
                // Who violated the framing can't be expected to close in order, and HTTP has no close frame.
                finish: disconnect.code < 3000 || decoder.is_none(),
                decoder,
                deadline: self.context.monotonic() + CLOSE_TIMEOUT,
            },
        );
    }

    /// Answers the client's close frame, and closes.
    pub(super) fn answer_goodbye(&mut self, slot: u32, code: Option<u16>) {
        let answer = close::answer(code.map(|code| (code, "")));
        self.outboxes.append_with(slot, false, |out| {
            frame::write(out, Opcode::Close, &answer);
        });
        self.close_when_drained(
            slot,
            Closing {
                decoder: None,
                peer_closed: true,
                drained: false,
                finish: true,
                deadline: self.context.monotonic() + CLOSE_TIMEOUT,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use veche_protocol::batch::Encoding;
    use veche_session::effect::Effects;
    use veche_session::rules::Rules;
    use veche_websocket::frame;

    use super::*;
    use crate::simulate::Simulation;

    fn say(simulation: &mut Simulation, slot: u32, command: &str) {
        let mut bytes = Vec::new();
        frame::write_masked(&mut bytes, Opcode::Text, false, command.as_bytes(), [0; 4]);
        simulation.receive(slot, &mut bytes);
    }

    #[test]
    fn a_session_that_failed_after_it_lost_track_of_its_channels_leaves_them_all_the_same() {
        let mut rules = Rules::default();
        rules.client.insecure = true;
        let mut simulation = Simulation::new(rules).expect("an event queue");
        let slot = simulation.open(Encoding::Json, None).expect("a slot");
        say(&mut simulation, slot, r#"{"id":1,"connect":{}}"#);
        for (id, channel) in [(2, "a"), (3, "b"), (4, "c")] {
            let subscribe = format!(r#"{{"id":{id},"subscribe":{{"channel":"{channel}"}}}}"#);
            say(&mut simulation, slot, &subscribe);
        }
        assert_eq!(simulation.population(), (1, 3));
        let worker = &mut simulation.workers[0];
        worker.with_session(slot, |session, turn, _| {
            session.handle_closed(turn, &mut Effects::new());
            panic!("a fault of ours, for a test");
        });
        assert_eq!(worker.hub.subscription_count(), 0);
        assert_eq!(worker.hub.names(), []);
        let connection = worker.connections.get(slot).expect("it is closing");
        assert!(connection.attachments.is_empty());
    }
}
