//! Drives the plain dialect's translator, which stands between a bare client and its session.

use bytes::Bytes;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::plain;
use veche_session::effect::Effect;
use veche_session::permission;
use veche_session::plain::{self as translator, Frame, Output, Translator};
use veche_session::session::{Session, SessionInit};
use veche_websocket::frame::Opcode;

use super::Fate;
use crate::connection::{Open, Talk};
use crate::framing::Framing;
use crate::worker::Worker;
use crate::worker::sender::is_recovered;

impl Worker {
    /// A translator for a session's client.
    pub(crate) fn translator(&self, session: &Session, token: Option<String>) -> Translator {
        let ping = self
            .context
            .rules()
            .client
            .ping_interval
            .map_or(0, |interval| interval.as_secs());
        Translator::new(translator::TranslatorInit {
            client: session.client(),
            token,
            may_connect: !session.user().is_anonymous()
                || permission::may_try_without_token(self.context.rules()),
            ping_secs: u32::try_from(ping).unwrap_or(u32::MAX),
        })
    }

    /// The server speaks first, or connects with what came with the upgrade.
    pub(crate) fn greet(&mut self, slot: u32, open: &mut Open) -> Fate {
        self.translate(slot, open, Translator::begin)
    }

    /// A message of a bare client.
    pub(crate) fn handle_plain(
        &mut self,
        slot: u32,
        open: &mut Open,
        message: &[u8],
        opcode: Opcode,
    ) -> Fate {
        self.translate(slot, open, |translator, out| match opcode {
            Opcode::Binary => translator.handle_binary(Bytes::copy_from_slice(message), out),
            _ => translator.handle_text(message, out),
        })
    }

    /// Something the session has for a bare client.
    pub(crate) fn send_plain(&mut self, slot: u32, open: &mut Open, effect: &Effect) {
        let Talk::Plain {
            translator, asked, ..
        } = &mut open.talk
        else {
            return;
        };
        // A session whose place another is about to take has nothing more to say, but for the end of the connection.
        if asked.begins_anew && !matches!(effect, Effect::Close(_)) {
            return;
        }
        let mut output = Output::default();
        translator.translate(effect, &mut output);
        let is_asked = match effect {
            Effect::Push(push) => is_recovered(push),
            _ => true,
        };
        self.send_frames(slot, open, &output.frames, is_asked);
        if let Talk::Plain { asked, .. } = &mut open.talk {
            asked.add(output);
        }
    }

    /// Does what the translator has asked for meanwhile, as far as the session can.
    pub(crate) fn settle_plain(&mut self, slot: u32, open: &mut Open) -> Fate {
        loop {
            let turn = self.context.turn();
            let Talk::Plain { asked, session, .. } = &mut open.talk else {
                return Fate::Alive;
            };
            if std::mem::take(&mut asked.begins_anew) {
                self.begin_anew(slot, open);
                continue;
            }
            if asked.commands.is_empty() {
                return asked.close.take().map_or(Fate::Alive, Fate::Ends);
            }
            if !session.accepts_command(&turn) {
                return Fate::Alive;
            }
            let Some(command) = asked.commands.pop_front() else {
                return Fate::Alive;
            };
            let fate = self.timed_command(slot, open, command);
            if fate != Fate::Alive {
                return fate;
            }
        }
    }

    /// Tells a client that is not let in why not.
    pub(crate) fn send_refusal(
        &mut self,
        slot: u32,
        framing: Framing,
        why: &str,
        disconnect: &Disconnect,
    ) {
        let error = CommandError::because(ErrorCode::PERMISSION_DENIED, why.to_owned());
        let mut text = Vec::new();
        plain::encode_error(&error, &plain::RequestEcho::default(), &mut text);
        self.append_text(slot, framing, &text);
        text.clear();
        plain::encode_disconnect(disconnect, &mut text);
        self.append_text(slot, framing, &text);
    }

    fn translate(
        &mut self,
        slot: u32,
        open: &mut Open,
        tell: impl FnOnce(&mut Translator, &mut Output),
    ) -> Fate {
        let Talk::Plain { translator, .. } = &mut open.talk else {
            return Fate::Alive;
        };
        let mut output = Output::default();
        tell(translator, &mut output);
        self.send_frames(slot, open, &output.frames, true);
        if let Talk::Plain { asked, .. } = &mut open.talk {
            asked.add(output);
        }
        self.settle_plain(slot, open)
    }

    /// Nobody in particular has become somebody: a new session, with the old one's id.
    fn begin_anew(&mut self, slot: u32, open: &mut Open) {
        self.part(slot, open);
        // The new session has the old one's id: it must not be removed from where it comes into.
        self.notices.flush(&self.context);
        // Answers to the old session's questions are not for the new one.
        self.connections.rename(slot);
        self.contracts.begin(slot);
        let turn = self.context.turn();
        if let Talk::Plain { session, .. } = &mut open.talk {
            let init = SessionInit {
                client: session.client(),
                user: None,
                seed: fastrand::u64(..),
                profile: session.profile(),
                emulation: session.emulation().cloned().map(Box::new),
                headers: session.headers().cloned(),
            };
            *session = Session::new(init, &turn);
        }
    }

    /// `is_asked` says whether the client has asked for them itself.
    fn send_frames(&mut self, slot: u32, open: &Open, frames: &[Frame], is_asked: bool) {
        for frame in frames {
            let (opcode, payload): (_, &[u8]) = match frame {
                Frame::Text(text) => (Opcode::Text, text),
                Frame::Binary(data) => (Opcode::Binary, data),
            };
            let form = (open.framing, opcode);
            self.sender
                .send_message(slot, form, payload, is_asked, &mut self.outboxes);
        }
    }

    fn append_text(&mut self, slot: u32, framing: Framing, text: &[u8]) {
        self.outboxes
            .append_with(slot, false, |out| framing.write(Opcode::Text, text, out));
    }
}
