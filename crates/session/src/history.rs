//! `history`.

use veche_protocol::channel::Channel;
use veche_protocol::command;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::history::Query;

use crate::effect::Effects;
use crate::permission;
use crate::question::Question;
use crate::refusal::{About, Refusal};
use crate::rule::Silent;
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::turn::Turn;

impl Session {
    pub(crate) fn handle_history(
        &mut self,
        id: u32,
        mut request: command::History,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match self.reading(&mut request, turn) {
            Ok(question) => self.ask(PendingQuestion::History(id), question, effects),
            Err(refusal) => {
                let about = About::channel(id, "history", &request.channel);
                self.refuse(about, refusal, turn, effects);
            }
        }
    }

    /// Checks the request. If it is allowed, moves its fields into the question.
    fn reading(
        &self,
        request: &mut command::History,
        turn: &Turn<'_>,
    ) -> Result<Question, Refusal> {
        let resolved = self.find_channel(&request.channel, turn.rules)?;
        permission::history(&resolved, self.asker(&request.channel), &mut Silent)?;
        if request.reverse
            && request
                .since
                .as_ref()
                .is_some_and(|since| since.offset == 0)
        {
            let why = "nothing lies before offset 0; leave `since` out to begin at the newest";
            return Err(Refusal::because(ErrorCode::BAD_REQUEST, why));
        }
        let query = Query {
            limit: limit(
                request.limit,
                turn.rules.client.history_max_publication_limit,
            ),
            since: request.since.take(),
            reverse: request.reverse,
            meta_ttl: resolved.options.history_meta_ttl,
        };
        Ok(Question::History {
            channel: Channel::from(std::mem::take(&mut request.channel)),
            query,
        })
    }
}

/// The limit that the client asks for, capped by that of the server; 0 is no cap.
fn limit(asked: i32, allowed: usize) -> Option<usize> {
    let bound = (allowed > 0).then_some(allowed);
    match (usize::try_from(asked).ok(), bound) {
        (Some(asked), Some(bound)) => Some(asked.min(bound)),
        (asked, bound) => asked.or(bound),
    }
}
