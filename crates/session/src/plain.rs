//! The plain dialect's translator: stands between a client of that dialect and its session, and turns actions into
//! commands, and effects into frames.
//!
//! It is as pure as the session. Whoever drives it hands over each frame of the client and each effect that is for the
//! client, and afterwards carries out what is in the [`Output`]: sends the frames, gives the commands to the session in
//! order, and ends the conversation if that is asked.

mod answer;
mod ask;
mod pending;

use std::collections::BTreeMap;

use bytes::Bytes;
use veche_protocol::channel::Channel;
use veche_protocol::command::Command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::CommandError;
use veche_protocol::identity::{ClientId, UserId};
use veche_protocol::plain::{self, RequestEcho, Welcome};
use veche_protocol::position::Epoch;

use ask::Announced;
use pending::Pending;

/// What a translator begins with.
#[derive(Clone, Debug)]
pub struct TranslatorInit {
    /// The connection's id.
    pub client: ClientId,
    /// The token that came with the upgrade.
    pub token: Option<String>,
    /// The client may connect without a token.
    pub may_connect: bool,
    /// Seconds of silence before the server pings; 0 for never.
    pub ping_secs: u32,
}

/// A frame for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One object.
    Text(Vec<u8>),
    /// The data of the publication that was announced just before.
    Binary(Bytes),
}

/// What is to be done after the translator was told something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// To be sent, in this order, before anything that the commands lead to.
    pub frames: Vec<Frame>,
    /// For the session, in this order, each when it can take one.
    pub commands: Vec<Command>,
    /// First of all the session is to be closed and a new one begun, with the same id: nobody in particular has become
    /// somebody, and keeps nothing of what nobody was given.
    pub begins_anew: bool,
    /// Last of all the conversation is to be ended.
    pub close: Option<Disconnect>,
}

impl Output {
    fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut text = Vec::new();
        write(&mut text);
        self.frames.push(Frame::Text(text));
    }

    fn error(&mut self, error: &CommandError, asked: &RequestEcho) {
        self.text(|out| plain::encode_error(error, asked, out));
    }
}

/// The translator of one conversation.
#[derive(Debug)]
pub struct Translator {
    init: TranslatorInit,
    standing: Standing,
    is_greeted: bool,
    /// Commands that are not answered yet.
    pending: Vec<Pending>,
    last_command: u32,
    announced: Option<Announced>,
    /// Frames in a row that were no action.
    mistakes: u32,
    /// The channels the client is subscribed to, with their epochs, so that publications get their ids.
    channels: BTreeMap<Channel, Epoch>,
}

/// Who the client is.
#[derive(Debug)]
enum Standing {
    /// Not known, and nothing but a login is heard.
    Outside,
    /// Being decided.
    Asking,
    /// Known; perhaps nobody.
    Inside(UserId),
}

impl Translator {
    /// Begins a conversation; [`Self::begin`] comes next.
    #[must_use]
    pub fn new(init: TranslatorInit) -> Self {
        Self {
            init,
            standing: Standing::Outside,
            is_greeted: false,
            pending: Vec::new(),
            last_command: 0,
            announced: None,
            mistakes: 0,
            channels: BTreeMap::new(),
        }
    }

    /// Connects with what came with the upgrade, or greets and waits for a login.
    pub fn begin(&mut self, out: &mut Output) {
        let token = self.init.token.take().filter(|token| !token.is_empty());
        if token.is_some() || self.init.may_connect {
            self.connect(RequestEcho::default(), token, None, out);
        } else {
            self.greet(&UserId::default(), out);
        }
    }

    /// Whether a frame may be handed over now. While it is decided who the client is, frames wait at the driver.
    #[must_use]
    pub fn accepts_frame(&self) -> bool {
        !matches!(self.standing, Standing::Asking)
    }

    /// The client sent a text frame, and [`Self::accepts_frame`].
    pub fn handle_text(&mut self, text: &[u8], out: &mut Output) {
        debug_assert!(self.accepts_frame(), "the driver keeps frames until then");
        self.read_text(text, out);
    }

    /// The client sent a binary frame, and [`Self::accepts_frame`].
    pub fn handle_binary(&mut self, data: Bytes, out: &mut Output) {
        debug_assert!(self.accepts_frame(), "the driver keeps frames until then");
        self.read_binary(data, out);
    }

    fn greet(&mut self, user: &UserId, out: &mut Output) {
        if std::mem::replace(&mut self.is_greeted, true) {
            return;
        }
        let welcome = Welcome {
            client: self.init.client,
            user: user.clone(),
            ping_secs: self.init.ping_secs,
            retry_ms: RETRY_MS,
        };
        out.text(|out| plain::encode_welcome(&welcome, out));
    }
}

/// When clients are advised to connect again: what the Centrifuge SDKs do.
const RETRY_MS: (u32, u32) = (500, 20_000);

#[cfg(test)]
mod tests;
