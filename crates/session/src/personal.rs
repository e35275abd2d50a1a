//! Channels of users' own, and users who may have one connection alone.

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
    /// The channel that a user is subscribed to with each connection. Nobody in particular has none.
    #[must_use]
    pub fn personal_channel(&self, user: &UserId) -> Option<String> {
        let personal = self.client.personal_channel.as_ref()?;
        (!user.is_anonymous()).then(|| format!("{}{user}", personal.prefix))
    }

    /// The personal channel, if who is in it has to make way for a newcomer.
    pub(crate) fn sole_channel(&self, user: &UserId) -> Option<Channel> {
        let personal = self.client.personal_channel.as_ref()?;
        let name = self.personal_channel(user)?;
        personal.single_connection.then(|| Channel::from(name))
    }
}

impl Session {
    /// Whoever is in the user's channel makes way. It is not waited for: the newcomer is answered at once.
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
