//! The plain dialect's translator: stands between a client of that dialect and its session, and turns actions into
//! commands, and effects into frames.
//!
//! It is pure, like the session. The driver passes it each frame of the client and each effect that is for the
//! client, and then carries out the [`Output`]: it sends the frames, gives the commands to the session in
//! order, and ends the conversation if the output says so.

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

/// What the driver has to do after a call of the translator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Frames to send, in this order, before the effects of the commands.
    pub frames: Vec<Frame>,
    /// Commands for the session, in this order, each as soon as it accepts one.
    pub commands: Vec<Command>,
    /// Before all else, close the session and begin a new one with the same id: an anonymous client has logged in, and
    /// keeps nothing that it got as an anonymous client.
    pub begins_anew: bool,
    /// After all else, end the conversation.
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
    /// Consecutive frames that were not actions.
    mistakes: u32,
    /// The channels the client is subscribed to, with their epochs, so that publications get their ids.
    channels: BTreeMap<Channel, Epoch>,
}

/// Who the client is.
#[derive(Debug)]
enum Standing {
    /// Not known; only a login is accepted.
    Outside,
    /// A login is being checked.
    Asking,
    /// Logged in; the user may be anonymous.
    Inside(UserId),
}

impl Translator {
    /// Creates a translator; call [`Self::begin`] next.
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

    /// Connects with the token of the upgrade, or sends the welcome and waits for a login.
    pub fn begin(&mut self, out: &mut Output) {
        let token = self.init.token.take().filter(|token| !token.is_empty());
        if token.is_some() || self.init.may_connect {
            self.connect(RequestEcho::default(), token, None, out);
        } else {
            self.greet(&UserId::default(), out);
        }
    }

    /// Whether the translator accepts a frame now. While a login is being checked, the driver keeps frames.
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

/// The delays that clients should use to reconnect: those of the Centrifuge SDKs.
const RETRY_MS: (u32, u32) = (500, 20_000);

#[cfg(test)]
mod tests;
