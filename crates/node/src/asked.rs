//! What a plain client's translator still wants of its session.

use std::collections::VecDeque;

use veche_protocol::command::Command;
use veche_protocol::disconnect::Disconnect;
use veche_session::plain::Output;

/// What a translator has asked for while effects were carried out; done when they are, and when the session can take
/// a command. There are never more than commands in progress: a frame is taken when all is done, and asks for one
/// command at a time.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// A new session is to take the place of this one, and gets the commands.
    pub(crate) begins_anew: bool,
    pub(crate) commands: VecDeque<Command>,
    pub(crate) close: Option<Disconnect>,
}

impl Asked {
    /// Whether all is done.
    pub(crate) fn is_done(&self) -> bool {
        !self.begins_anew && self.commands.is_empty() && self.close.is_none()
    }

    pub(crate) fn add(&mut self, output: Output) {
        if output.begins_anew {
            // What the old session was still to be asked is cancelled.
            *self = Self {
                begins_anew: true,
                ..Self::default()
            };
        }
        self.commands.extend(output.commands);
        self.close = self.close.take().or(output.close);
    }
}
