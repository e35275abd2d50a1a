//! How a command is answered: by a reply, a question, or a refusal.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::reply::{self, Reply};

use super::Session;
use super::pending::PendingQuestion;
use crate::effect::{Effect, Effects};
use crate::question::{Ask, Failure, Notice, Question};
use crate::refusal::{About, Refusal};
use crate::turn::Turn;

impl Session {
    pub(crate) fn ask(
        &mut self,
        pending: PendingQuestion,
        question: Question,
        effects: &mut Effects,
    ) {
        let ask = Ask(self.next_number());
        self.pending.insert(ask, pending);
        effects.push(Effect::Ask { ask, question });
    }

    /// Whether such a question is not answered yet.
    pub(crate) fn waits_for(&self, is_it: impl Fn(&PendingQuestion) -> bool) -> bool {
        self.pending.any(is_it)
    }

    /// Sends the reply to a command.
    pub(crate) fn reply(&mut self, id: u32, body: reply::Body, effects: &mut Effects) {
        self.finish_command();
        effects.push(Effect::Reply(Reply::new(id, body)));
    }

    pub(crate) fn finish_command(&mut self) {
        self.in_progress = self.in_progress.saturating_sub(1);
    }

    /// Refuses a command by an error, or by the end of the connection. The operator is told more than the
    /// client.
    pub(crate) fn refuse(
        &mut self,
        about: About<'_>,
        refusal: Refusal,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        self.report(about, &refusal, effects);
        match refusal.tell(turn.rules.client.explain_errors) {
            Ok(error) => self.reply(about.id, reply::Body::Error(error), effects),
            Err(disconnect) => self.close(disconnect, effects),
        }
    }

    /// Tells the operator of a refusal, if there is more to say than the code says.
    pub(crate) fn report(&self, about: About<'_>, refusal: &Refusal, effects: &mut Effects) {
        if let Some(refused) = refusal.report(about, self.client, &self.user) {
            effects.push(Effect::Tell(Notice::Refused(Box::new(refused))));
        }
    }

    pub(super) fn reply_or_fail(
        &mut self,
        id: u32,
        result: Result<reply::Body, Failure>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match result {
            Ok(body) => self.reply(id, body, effects),
            Err(failure) => {
                // The engine has logged the failure.
                let about = About::connection(id, "");
                self.refuse(about, failure.into(), turn, effects);
            }
        }
    }

    /// Ends the connection of a client that violated the protocol.
    pub(crate) fn violate(
        &mut self,
        id: u32,
        operation: &'static str,
        why: &'static str,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let refusal = Refusal::ends(Disconnect::BAD_REQUEST, why);
        self.refuse(About::connection(id, operation), refusal, turn, effects);
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::UnrecoverablePosition => ErrorCode::UNRECOVERABLE_POSITION,
            Failure::NotSupported => ErrorCode::NOT_AVAILABLE,
            Failure::Unavailable => ErrorCode::INTERNAL,
        };
        CommandError::from(code).into()
    }
}
