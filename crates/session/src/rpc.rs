//! `rpc`: a call to the backend.

use veche_protocol::command;

use crate::effect::Effects;
use crate::question::Question;
use crate::session::Session;
use crate::session::pending::PendingQuestion;

impl Session {
    pub(crate) fn handle_rpc(&mut self, id: u32, request: command::Rpc, effects: &mut Effects) {
        let question = Question::Rpc {
            method: request.method,
            data: request.data,
        };
        self.ask(PendingQuestion::Rpc(id), question, effects);
    }
}
