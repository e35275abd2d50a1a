//! The end of a conversation: leaves the channels, and undoes what was begun.

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;

use super::Session;
use super::phase::Phase;
use crate::effect::{Effect, Effects};
use crate::question::Notice;
use crate::subscription::Subscription;
use crate::turn::Turn;

impl Session {
    /// Handles the end of the connection: leaves the channels, and sends nothing more.
    pub fn handle_closed(&mut self, _turn: &Turn<'_>, effects: &mut Effects) {
        self.leave(effects);
    }

    pub(crate) fn remove_presence(&self, channel: Channel, effects: &mut Effects) {
        effects.push(Effect::Tell(Notice::RemovePresence {
            channel,
            client: self.client,
            user: self.user.clone(),
        }));
    }

    /// Ends the conversation. Leaves the channels first, so that nothing is sent after the close.
    pub(crate) fn close(&mut self, disconnect: Disconnect, effects: &mut Effects) {
        if self.is_closed() {
            return;
        }
        self.leave(effects);
        effects.push(Effect::Close(disconnect));
    }

    fn leave(&mut self, effects: &mut Effects) {
        if self.is_closed() {
            return;
        }
        self.phase = Phase::Closed;
        self.timers.clear_all();
        self.drop_publish_queue();
        for (channel, subscription) in self.subscriptions.take_all() {
            match subscription {
                Subscription::Live(live) => self.end_live(channel, &live, effects),
                Subscription::Making(making) => self.undo_making(channel, &making, effects),
            }
        }
        // Calls take effect in their order: what was asked is undone already, whenever it is answered.
        self.pending.forget_all();
    }
}
