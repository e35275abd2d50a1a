//! Personal channels, and users that may have only one connection.

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::identity::UserId;
use veche_protocol::reply::PresenceStats;

use crate::effect::{Effect, Effects};
use crate::question::{Failure, Notice};
use crate::rules::Rules;
use crate::session::Session;
use crate::turn::Turn;

impl Rules {
    /// The channel that each connection of a user is subscribed to. Anonymous users have none.
    #[must_use]
    pub fn personal_channel(&self, user: &UserId) -> Option<String> {
        let personal = self.client.personal_channel.as_ref()?;
        (!user.is_anonymous()).then(|| format!("{}{user}", personal.prefix))
    }

    /// The personal channel, if a new connection closes the user's other connections.
    pub(crate) fn sole_channel(&self, user: &UserId) -> Option<Channel> {
        let personal = self.client.personal_channel.as_ref()?;
        let name = self.personal_channel(user)?;
        personal.single_connection.then(|| Channel::from(name))
    }
}

impl Session {
    /// Has the user's other connections closed, and answers `connect` without waiting for that.
    pub(crate) fn handle_others(
        &mut self,
        others: Result<PresenceStats, Failure>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let Ok(others) = others else {
            return self.close(Disconnect::SERVER_ERROR, effects);
        };
        if others.num_clients > 0
            && let Some(user) = self.pending_user()
        {
            effects.push(Effect::Tell(Notice::EndOthers {
                client: self.client,
                user,
            }));
        }
        self.admit(turn, effects);
    }
}
