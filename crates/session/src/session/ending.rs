//! The end of a conversation: leaves the channels, and undoes the effects of late answers.

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;

use super::Session;
use super::pending::PendingQuestion;
use super::phase::Phase;
use crate::effect::{Effect, Effects};
use crate::question::Notice;
use crate::subscription::{Making, Stage, Subscription};
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
        let mut late = Vec::new();
        for (channel, subscription) in self.subscriptions.take_all() {
            match subscription {
                Subscription::Live(live) => self.end_live(channel, &live, effects),
                Subscription::Making(making) => {
                    late.extend(late_answer(&channel, &making));
                    self.undo_making(channel, &making, effects);
                }
            }
        }
        // Keep only the questions whose answers have an effect that must be undone.
        self.pending.replace(|pending| {
            let PendingQuestion::Making(channel) = pending else {
                return None;
            };
            let at = late.iter().position(|(left, _)| *left == channel)?;
            Some(late.swap_remove(at).1)
        });
    }
}

/// How to undo the answer for which an abandoned subscription still waits.
fn late_answer(channel: &Channel, making: &Making) -> Option<(Channel, PendingQuestion)> {
    let waiting = match making.stage {
        Stage::Entering => PendingQuestion::LeftEntering(channel.clone()),
        Stage::Presence => PendingQuestion::LeftPresence(channel.clone()),
        Stage::Asked(_) | Stage::History | Stage::Ready(_) => return None,
    };
    Some((channel.clone(), waiting))
}
