//! The only driver of sessions: messages in, effects carried out. It decides nothing, and keeps the contract of
//! [`veche_session::driver`].

use veche_protocol::disconnect::Disconnect;
use veche_protocol::headers::Headers;
use veche_protocol::identity::UserId;
use veche_session::effect::Effects;
use veche_session::profile::{Direction, Profile};
use veche_session::session::{Session, SessionInit};
use veche_session::turn::Turn;
use veche_websocket::decoder::Decoder;
use veche_websocket::frame::Role;

use crate::connection::{Conversation, Open, Opening, Stage, Talk};
use crate::pending_input::End;
use crate::worker::Worker;

mod channels;
mod contracts;
mod effects;
mod messages;
mod pacing;
mod parting;
mod plain;
#[cfg(test)]
mod streams;

pub(super) use contracts::Contracts;

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

impl Worker {
    /// Begins a conversation.
    pub(crate) fn open(&mut self, slot: u32, opening: Opening) {
        let Opening {
            answer,
            conversation,
            profile,
            framing,
            inflate,
            first,
            user,
            headers,
            pass,
        } = opening;
        self.outboxes.append(slot, &answer);
        self.outboxes.set_framing(slot, framing);
        let decoder = || {
            framing
                .is_websocket()
                .then(|| Decoder::new(Role::Server, inflate))
        };
        let talk = match conversation {
            Conversation::Centrifuge { encoding } => Talk::Centrifuge {
                session: self.new_session(slot, user, headers, profile),
                encoding,
            },
            Conversation::Plain { token } => {
                let session = self.new_session(slot, user, headers, profile);
                Talk::Plain {
                    translator: Box::new(self.translator(&session, token)),
                    session,
                    asked: Box::default(),
                }
            }
            Conversation::Echo => Talk::Echo,
            Conversation::Refused { why, disconnect } => {
                self.send_refusal(slot, framing, &why, &disconnect);
                self.say_goodbye(slot, &disconnect, framing, decoder());
                return;
            }
        };
        let mut open = Box::new(Open {
            talk,
            decoder: decoder(),
            framing,
            paused: false,
            pending: None,
            app: None,
            connected_ms: 0,
            _pass: pass,
        });
        self.sender.serve_another();
        let mut fate = self.greet(slot, &mut open);
        if let Some(first) = first
            && fate == Fate::Alive
        {
            fate = self.received_message(slot, &mut open, &first);
        }
        self.put_back(slot, open, fate);
    }

    /// A session for a fresh client.
    fn new_session(
        &mut self,
        slot: u32,
        user: Option<UserId>,
        headers: Option<Headers>,
        profile: Profile,
    ) -> Session {
        let is_emulated = profile.direction == Direction::Emulated;
        let emulation = is_emulated
            .then(|| Box::new(self.context.node().emulation(self.context.index(), slot)));
        let init = SessionInit {
            client: self.context.node().new_client(),
            user,
            seed: fastrand::u64(..),
            profile,
            emulation,
            headers,
        };
        self.contracts.begin(slot);
        Session::new(init, &self.context.turn())
    }

    /// Bytes came for a connection.
    pub(crate) fn received(&mut self, slot: u32, received: &mut [u8]) {
        let Some(connection) = self.connections.get_mut(slot) else {
            return;
        };
        match &connection.stage {
            Stage::Head(_) => self.received_head(slot, received),
            Stage::Closing(_) => self.received_closing(slot, received),
            Stage::Busy => {}
            Stage::Open(_) => {
                let Some(mut open) = self.connections.take_open(slot) else {
                    return;
                };
                self.sender.serve_another();
                let mut input = received;
                // While it is paused only a simulated socket is read.
                let fate = if open.paused {
                    Fate::Alive
                } else {
                    self.received_messages(slot, &mut open, &mut input)
                };
                if !input.is_empty() {
                    open.pending.get_or_insert_default().keep_unread(input);
                }
                self.put_back(slot, open, fate);
            }
        }
    }

    /// Lets the session in `slot` handle something, and carries out what it asks for.
    pub(crate) fn with_session(
        &mut self,
        slot: u32,
        handle: impl FnOnce(&mut Session, &Turn<'_>, &mut Effects),
    ) {
        let Some(mut open) = self.connections.take_open(slot) else {
            return;
        };
        self.sender.serve_another();
        let mut fate = self.session_handles(slot, &mut open, handle);
        if fate == Fate::Alive {
            fate = self.settle_plain(slot, &mut open);
        }
        if fate == Fate::Alive {
            fate = self.carry_out_pending(slot, &mut open);
        }
        self.send_batch(slot, &open);
        self.put_back(slot, open, fate);
    }

    /// Ends a conversation with a word to the client.
    pub(crate) fn disconnect(&mut self, slot: u32, disconnect: Disconnect) {
        let Some(open) = self.connections.take_open(slot) else {
            return;
        };
        self.put_back(slot, open, Fate::Ends(disconnect));
    }

    /// Puts a conversation back after it was driven, or ends it.
    pub(crate) fn put_back(&mut self, slot: u32, mut open: Box<Open>, fate: Fate) {
        match fate {
            Fate::Alive => {
                let goes_on = self.schedule(slot, &mut open);
                self.connections.put_open(slot, open);
                if goes_on {
                    self.connections.read_later(slot);
                }
            }
            Fate::PeerClosed(code) => {
                self.part(slot, &mut open);
                self.answer_goodbye(slot, code);
            }
            Fate::Ends(disconnect) => {
                self.part(slot, &mut open);
                if disconnect == Disconnect::SLOW {
                    self.outboxes.discard(slot);
                }
                self.send_batch(slot, &open);
                self.context
                    .counters()
                    .disconnects
                    .add(u32::from(disconnect.code));
                let (is_paused, pending) = (open.paused, open.pending.take());
                self.say_end(slot, &mut open, &disconnect);
                let (framing, decoder) = (open.framing, open.decoder.take());
                self.say_goodbye(slot, &disconnect, framing, decoder);
                // The client's own end may have come already, or be in what was not decoded or not read.
                if let Some(mut pending) = pending {
                    if let Some(End::Close(_)) = pending.end() {
                        self.peer_closed(slot);
                    } else if let Some(mut unread) = pending.take_unread() {
                        self.received_closing(slot, unread.left());
                    }
                }
                if is_paused {
                    self.connections.read_later(slot);
                }
            }
        }
    }
}
