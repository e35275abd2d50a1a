//! Handles the commands of a client: which are accepted in which phase, and the function for each.

use veche_protocol::command::{Command, Verb};
use veche_protocol::error_code::ErrorCode;

use super::Session;
use super::phase::Phase;
use crate::effect::Effects;
use crate::refusal::About;
use crate::turn::Turn;

impl Session {
    /// Whether the session accepts a command now. Otherwise the driver keeps it.
    ///
    /// While `connect` is being answered, none is accepted. A pong (`Command::is_pong`) never has to wait.
    #[must_use]
    pub fn accepts_command(&self, turn: &Turn<'_>) -> bool {
        match self.phase {
            Phase::New | Phase::Refused => true,
            Phase::Connected => {
                let limit = turn.rules.client.concurrency.max(1);
                usize::try_from(self.in_progress).is_ok_and(|count| count < limit)
            }
            Phase::Connecting(_) | Phase::Closed => false,
        }
    }

    /// Handles a command of the client.
    pub fn handle_command(&mut self, command: Command, turn: &Turn<'_>, effects: &mut Effects) {
        let is_pong = command.is_pong();
        let (id, operation) = (command.id, command.verb.name());
        match (&self.phase, &command.verb) {
            (Phase::Closed, _) => return,
            (Phase::Connected, _) if is_pong => return self.handle_pong_command(turn, effects),
            // During `connect` no pong can be due, and no other command was accepted.
            (Phase::New | Phase::Refused, Verb::Connect(_)) if !is_pong => {}
            // Commands after `connect` in the same message were sent before the client knew of the refusal.
            (Phase::Refused, _) => return,
            (Phase::Connected, Verb::Connect(_)) => {
                let why = "the client is connected already";
                return self.violate(id, operation, why, turn, effects);
            }
            (Phase::New | Phase::Connecting(_), _) => {
                let why = "the first command must be connect, with an id";
                return self.violate(id, operation, why, turn, effects);
            }
            (Phase::Connected, _) => {}
        }
        if !matches!(command.verb, Verb::Send(_)) {
            self.in_progress += 1;
        }
        match command.verb {
            Verb::Connect(connect) => self.handle_connect(id, *connect, turn, effects),
            Verb::Subscribe(subscribe) => self.handle_subscribe(id, subscribe, turn, effects),
            Verb::Unsubscribe(unsubscribe) => {
                self.handle_unsubscribe(id, unsubscribe, turn, effects)
            }
            Verb::Publish(publish) => self.handle_publish(id, *publish, turn, effects),
            Verb::Presence(presence) => self.handle_presence(id, presence, turn, effects),
            Verb::PresenceStats(presence) => {
                self.handle_presence_stats(id, presence, turn, effects);
            }
            Verb::History(history) => self.handle_history(id, history, turn, effects),
            Verb::Rpc(rpc) => self.handle_rpc(id, rpc, turn, effects),
            Verb::Send(_) => self.handle_send(turn, effects),
            Verb::Refresh(refresh) => self.handle_refresh(id, refresh, turn, effects),
            Verb::SubRefresh(refresh) => self.handle_sub_refresh(id, *refresh, turn, effects),
            Verb::Ping => {
                let about = About::connection(id, operation);
                self.refuse(about, ErrorCode::NOT_AVAILABLE.into(), turn, effects);
            }
            Verb::Empty => {
                let why = "the command asks for nothing that is known";
                self.violate(id, operation, why, turn, effects);
            }
        }
    }
}
