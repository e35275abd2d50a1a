//! `unsubscribe`, by the client's command, by the server's order, and where publications were lost.

use veche_protocol::channel::Channel;
use veche_protocol::command;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::push::{self, Push, Unsubscribe};
use veche_protocol::reply;

use crate::effect::{Effect, Effects};
use crate::question::Notice;
use crate::refusal::NO_CHANNEL;
use crate::session::Session;
use crate::subscription::{Live, Subscription};
use crate::turn::Turn;

impl Session {
    /// Succeeds for channels the client is not subscribed to as well. While the subscription is being made it is
    /// answered after it.
    pub(crate) fn handle_unsubscribe(
        &mut self,
        id: u32,
        request: command::Unsubscribe,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let channel = request.channel.as_str();
        if channel.is_empty() {
            return self.violate(id, "unsubscribe", NO_CHANNEL, turn, effects);
        }
        if let Some(making) = self.subscriptions.making(channel) {
            let afterwards = making.afterwards.get_or_insert_default();
            afterwards.replies.push(id);
            afterwards.again = None;
            return;
        }
        self.end(channel, effects);
        self.reply(id, reply::Body::Unsubscribe, effects);
    }

    pub(crate) fn apply_unsubscribe(
        &mut self,
        channel: Option<Channel>,
        reason: Unsubscribe,
        _turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let channels = match channel {
            Some(channel) => vec![channel],
            None => self
                .subscriptions
                .iter()
                .map(|(channel, _)| channel.clone())
                .collect(),
        };
        for channel in channels {
            if let Some(making) = self.subscriptions.making(channel.as_str()) {
                let afterwards = making.afterwards.get_or_insert_default();
                afterwards.push = Some(reason);
                afterwards.again = None;
                continue;
            }
            self.end(channel.as_str(), effects);
            let body = push::Body::Unsubscribe(reason);
            effects.push(Effect::Push(Push::new(channel, body)));
        }
    }

    /// Publications were lost on the way to the client.
    pub(crate) fn lose_state(&mut self, channel: &Channel, effects: &mut Effects) {
        match self.subscriptions.get_mut(channel.as_str()) {
            None => {}
            Some(Subscription::Making(making)) => making.buffer.lose(),
            Some(Subscription::Live(live)) if live.source.is_server_side() => {
                self.close(Disconnect::INSUFFICIENT_STATE, effects);
            }
            Some(Subscription::Live(_)) => {
                self.end(channel.as_str(), effects);
                let body = push::Body::Unsubscribe(Unsubscribe::INSUFFICIENT_STATE);
                effects.push(Effect::Push(Push::new(channel.clone(), body)));
            }
        }
    }

    /// Ends a live subscription, if there is one.
    pub(crate) fn end(&mut self, channel: &str, effects: &mut Effects) {
        if self.subscriptions.live(channel).is_none() {
            return;
        }
        if let Some((channel, Subscription::Live(live))) = self.subscriptions.remove(channel) {
            self.end_live(channel, &live, effects);
        }
    }

    /// The hub lets go first, so that the client does not see itself leave.
    pub(crate) fn end_live(&self, channel: Channel, live: &Live, effects: &mut Effects) {
        effects.push(Effect::Detach {
            channel: channel.clone(),
        });
        if live.presence {
            self.remove_presence(channel.clone(), effects);
        }
        if live.emits_join_leave {
            let info = self.client_info(live.info.as_deref());
            effects.push(Effect::Tell(Notice::Leave { channel, info }));
        }
    }
}
