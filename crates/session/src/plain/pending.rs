//! Commands that wait for the reply of the session.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::command::{Command, Verb};
use veche_protocol::error_code::CommandError;
use veche_protocol::filter::Filter;
use veche_protocol::identity::ClientInfo;
use veche_protocol::plain::{Recovered, RequestEcho};
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;
use veche_protocol::push::Push;

use super::{Output, Translator};

/// A command that is not answered yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: u32,
    pub(super) asked: RequestEcho,
    pub(super) what: What,
}

/// What a pending command is for.
#[derive(Debug)]
pub(super) enum What {
    /// `connect`: who the client is.
    Connect {
        /// Whether the client was in already, as nobody.
        was_inside: bool,
        /// Whether the client has not asked for it: it has nothing to show, and may log in later.
        is_attempt: bool,
    },
    /// `refresh`.
    Refresh,
    /// `subscribe`, or what follows it before the client is answered.
    Subscribe(Box<Subscribing>),
    /// Anything with one command and one answer.
    Other,
}

/// A `subscribe` that is being answered: several commands with one answer.
#[derive(Debug, Default)]
pub(super) struct Subscribing {
    pub(super) channel: Channel,
    pub(super) filter: Option<Filter>,
    /// Whether the client said where it stood.
    pub(super) is_resuming: bool,
    /// Recent publications still to be asked for.
    pub(super) history: u32,
    /// Whether it is still to be asked who is there.
    pub(super) presence: bool,
    pub(super) start: Recovered,
    pub(super) epoch: Epoch,
    /// Follow the answer.
    pub(super) publications: Vec<Arc<Publication>>,
    pub(super) clients: Option<Vec<ClientInfo>>,
    /// The commands that failed, and why.
    pub(super) troubles: Vec<(&'static str, CommandError)>,
    /// Frames that arrived meanwhile.
    pub(super) pushes: Vec<Push>,
    pub(super) is_subscribed: bool,
    /// What is asked after the subscription was made.
    pub(super) asking: &'static str,
}

impl Translator {
    /// Sends a command to the session, and remembers its purpose.
    pub(super) fn ask(&mut self, asked: RequestEcho, what: What, verb: Verb, out: &mut Output) {
        // The number 0 is for pongs.
        self.last_command = self.last_command.checked_add(1).unwrap_or(1);
        let id = self.last_command;
        self.pending.push(Pending { id, asked, what });
        out.commands.push(Command { id, verb });
    }

    pub(super) fn take_pending(&mut self, id: u32) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.id == id)?;
        Some(self.pending.remove(at))
    }

    /// The subscription to `channel` that has been made, but not answered yet.
    pub(super) fn unanswered(&mut self, channel: &Channel) -> Option<&mut Subscribing> {
        self.pending
            .iter_mut()
            .find_map(|pending| match &mut pending.what {
                What::Subscribe(it) if it.is_subscribed && it.channel == *channel => {
                    Some(&mut **it)
                }
                _ => None,
            })
    }
}
