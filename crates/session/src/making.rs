//! The steps that make a subscription: enter the channel, add presence, read the history, attach to the hub.

use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::ErrorCode;
use veche_protocol::history::Page;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::Publication;
use veche_protocol::push::{self, Push, Unsubscribe};
use veche_protocol::reply::{self, Expiry};

use crate::authorities;
use crate::effect::{Attach, Effect, Effects};
use crate::limits;
use crate::question::{Failure, Notice, Question};
use crate::recovery::{self, Start, Unrecovered};
use crate::refusal::{About, Refusal};
use crate::session::Session;
use crate::session::pending::PendingQuestion;
use crate::subscription::buffer::Buffer;
use crate::subscription::request::RecoveryRequest;
use crate::subscription::{
    Afterwards, Compaction, Grant, Live, Making, Source, Stage, Subscription,
};
use crate::turn::Turn;

impl Session {
    /// Starts to make a subscription that is allowed.
    pub(crate) fn begin_making(
        &mut self,
        channel: Channel,
        source: Source,
        reply_to: u32,
        grant: Grant,
        recovery: RecoveryRequest,
        effects: &mut Effects,
    ) {
        let generation = self.next_number();
        let making = Making {
            source,
            reply_to,
            recovery,
            stage: Stage::Entering,
            grant,
            buffer: Buffer::default(),
            generation,
            afterwards: None,
        };
        self.enter(channel, Box::new(making), effects);
    }

    /// The first step: asks the node to deliver the channel's publications to this session.
    pub(crate) fn enter(&mut self, channel: Channel, making: Box<Making>, effects: &mut Effects) {
        self.subscriptions
            .insert(channel.clone(), Subscription::Making(making));
        let waiting = PendingQuestion::Making(channel.clone());
        self.ask(waiting, Question::Enter { channel }, effects);
    }

    /// Continues after the channel was entered or the presence was added.
    pub(crate) fn handle_step(
        &mut self,
        channel: &Channel,
        done: Result<(), Failure>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if let Err(failure) = done {
            return self.fail_making(channel, failure.into(), turn, effects);
        }
        let Some(making) = self.subscriptions.making(channel.as_str()) else {
            return;
        };
        let question = if making.grant.compaction == Compaction::Requested {
            Question::ChannelId {
                channel: channel.clone(),
            }
        } else if matches!(making.stage, Stage::Entering) && making.grant.presence {
            making.stage = Stage::Presence;
            let chan_info = making.grant.info.clone();
            Question::AddPresence {
                channel: channel.clone(),
                info: self.client_info(chan_info.as_ref()),
            }
        } else if making.grant.has_position() {
            making.stage = Stage::History;
            Question::History {
                channel: channel.clone(),
                query: recovery::query(&making.grant, &making.recovery, &turn.rules.client),
            }
        } else {
            making.stage = Stage::Ready(None);
            return self.finish_making(channel, turn, effects);
        };
        self.ask(PendingQuestion::Making(channel.clone()), question, effects);
    }

    /// Continues when the channel's numeric id is known.
    pub(crate) fn handle_channel_id(
        &mut self,
        channel: &Channel,
        id: i64,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if let Some(making) = self.subscriptions.making(channel.as_str()) {
            making.grant.compaction = match id {
                0 => Compaction::Off,
                id => Compaction::Id(id),
            };
        }
        self.handle_step(channel, Ok(()), turn, effects);
    }

    /// Continues when the history was read.
    pub(crate) fn handle_page(
        &mut self,
        channel: &Channel,
        page: Result<Page, Failure>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match page {
            Ok(page) => {
                if let Some(making) = self.subscriptions.making(channel.as_str()) {
                    making.stage = Stage::Ready(Some(page));
                    self.finish_making(channel, turn, effects);
                }
            }
            Err(failure) => self.fail_making(channel, failure.into(), turn, effects),
        }
    }

    fn finish_making(&mut self, channel: &Channel, turn: &Turn<'_>, effects: &mut Effects) {
        if !self.is_connected() {
            return self.finish_connect(turn, effects);
        }
        let Some((channel, mut making)) = self.subscriptions.take_making(channel.as_str()) else {
            return;
        };
        let Stage::Ready(page) = std::mem::replace(&mut making.stage, Stage::History) else {
            return;
        };
        let buffer = std::mem::take(&mut making.buffer);
        match recovery::begin(&making.grant, &making.recovery, page, buffer) {
            Ok(mut start) => {
                let expiry = told_expiry(&channel, making.grant.expire_at, turn);
                self.announce(&channel, &making, expiry, &mut start, effects);
                self.go_live(channel, *making, start, turn, effects);
            }
            Err(Unrecovered) => {
                let why = "the position is not in the stream any more; load the state again";
                let refusal = Refusal::because(ErrorCode::UNRECOVERABLE_POSITION, why);
                self.undo_making(channel.clone(), &making, effects);
                let about = About::channel(making.reply_to, "subscribe", channel.as_str());
                self.refuse(about, refusal, turn, effects);
                self.carry_on(channel, making.afterwards, turn, effects);
            }
        }
    }

    /// Tells the client that it is subscribed, before any publication of the channel is sent.
    fn announce(
        &mut self,
        channel: &Channel,
        making: &Making,
        expiry: Expiry,
        start: &mut Start,
        effects: &mut Effects,
    ) {
        if !making.source.is_server_side() {
            let subscribed = Box::new(making.grant.reply(expiry, start));
            return self.reply(making.reply_to, reply::Body::Subscribe(subscribed), effects);
        }
        let grant = &making.grant;
        let subscribed = push::Subscribe {
            recoverable: grant.recoverable,
            positioned: grant.has_position(),
            position: start.position.clone().unwrap_or_default(),
            data: grant.data.clone(),
        };
        let missed = std::mem::take(&mut start.publications);
        let body = push::Body::Subscribe(push::Subscribe {
            // The push cannot carry the missed publications. They follow it, and advance the client from this offset.
            position: StreamPosition {
                offset: start.offset,
                ..subscribed.position
            },
            ..subscribed
        });
        effects.push(Effect::Push(Push::new(channel.clone(), body)));
        for publication in missed {
            let body = push::Body::Publication(publication);
            effects.push(Effect::Push(Push::new(channel.clone(), body)));
        }
    }

    /// Attaches the subscription to the hub. If publications were lost meanwhile, tells the client to subscribe again.
    pub(crate) fn go_live(
        &mut self,
        channel: Channel,
        making: Making,
        start: Start,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        for publication in start.loose {
            let body = if making.grant.delta {
                push::Body::Whole(publication)
            } else {
                push::Body::Publication(publication)
            };
            effects.push(Effect::Push(Push::new(channel.clone(), body)));
        }
        if start.has_lost {
            self.undo_making(channel.clone(), &making, effects);
            if making.source.is_server_side() {
                return self.close(Disconnect::INSUFFICIENT_STATE, effects);
            }
            let body = push::Body::Unsubscribe(Unsubscribe::INSUFFICIENT_STATE);
            effects.push(Effect::Push(Push::new(channel.clone(), body)));
            return self.carry_on(channel, making.afterwards, turn, effects);
        }
        let Making {
            source,
            grant,
            generation,
            afterwards,
            ..
        } = making;
        effects.push(Effect::Attach(Attach {
            channel: channel.clone(),
            after: start.position,
            join_leave: grant.sees_join_leave,
            filter: grant.filter,
            delta: start.delta,
            compact: matches!(grant.compaction, Compaction::Id(_)),
        }));
        if grant.emits_join_leave {
            effects.push(Effect::Tell(Notice::Join {
                channel: channel.clone(),
                info: self.client_info(grant.info.as_ref()),
            }));
        }
        let live = Live {
            info: grant.info.map(Box::new),
            expire_at: grant.expire_at,
            generation,
            source,
            presence: grant.presence,
            emits_join_leave: grant.emits_join_leave,
        };
        self.subscriptions
            .insert(channel.clone(), Subscription::Live(live));
        self.watch_subscription(&channel, turn);
        self.carry_on(channel, afterwards, turn, effects);
    }

    /// Buffers a publication of a channel whose subscription is being made. The buffer is bounded.
    pub fn handle_delivery(
        &mut self,
        channel: &Channel,
        publication: Arc<Publication>,
        epoch: &Epoch,
        _turn: &Turn<'_>,
        _effects: &mut Effects,
    ) {
        if let Some(making) = self.subscriptions.making(channel.as_str()) {
            making.buffer.push(publication, epoch);
        }
    }

    /// Gives up a subscription that cannot be made, and refuses the command.
    pub(crate) fn fail_making(
        &mut self,
        channel: &Channel,
        refusal: Refusal,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if let Some((channel, making)) = self.subscriptions.take_making(channel.as_str()) {
            self.give_up(channel, making, refusal, turn, effects);
        }
    }

    /// Undoes a subscription that is not in the table any more, and refuses the command.
    pub(crate) fn give_up(
        &mut self,
        channel: Channel,
        making: Box<Making>,
        refusal: Refusal,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        self.undo_making(channel.clone(), &making, effects);
        if making.source.is_server_side() {
            return self.close(Disconnect::SERVER_ERROR, effects);
        }
        let about = About::channel(making.reply_to, "subscribe", channel.as_str());
        self.refuse(about, refusal, turn, effects);
        self.carry_on(channel, making.afterwards, turn, effects);
    }

    /// Undoes the steps that were done for a subscription.
    pub(crate) fn undo_making(&self, channel: Channel, making: &Making, effects: &mut Effects) {
        let is_present = match making.stage {
            Stage::Asked(_) => return,
            Stage::Entering => false,
            Stage::Presence | Stage::History | Stage::Ready(_) => making.grant.presence,
        };
        effects.push(Effect::Detach {
            channel: channel.clone(),
        });
        if is_present {
            self.remove_presence(channel, effects);
        }
    }

    /// Carries out what was requested for the channel while its subscription was being made.
    fn carry_on(
        &mut self,
        channel: Channel,
        afterwards: Option<Box<Afterwards>>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let Some(afterwards) = afterwards.filter(|_| !self.is_closed()) else {
            return;
        };
        let Afterwards {
            replies,
            push,
            again,
        } = *afterwards;
        for id in replies {
            self.end(channel.as_str(), effects);
            self.reply(id, reply::Body::Unsubscribe, effects);
        }
        if let Some(reason) = push {
            self.end(channel.as_str(), effects);
            let body = push::Body::Unsubscribe(reason);
            effects.push(Effect::Push(Push::new(channel.clone(), body)));
        }
        if let Some((options, recover_since)) = again {
            self.apply_subscribe(channel, options, recover_since, turn, effects);
        }
    }
}

/// What a subscriber is told of the time at which its subscription ends: nothing, where the application refreshes it.
fn told_expiry(channel: &Channel, expire_at: Option<i64>, turn: &Turn<'_>) -> Expiry {
    if expire_at.is_none() {
        return Expiry::Never;
    }
    let resolved = turn.rules.resolve(channel.as_str());
    if resolved.is_some_and(|it| authorities::sub_refreshes(it.options).is_some()) {
        return Expiry::Never;
    }
    limits::expiry(expire_at, turn.now.unix_secs()).unwrap_or(Expiry::In { ttl_secs: 0 })
}

impl Grant {
    /// The reply to the client. Moves the publications out of `start`.
    pub(crate) fn reply(&self, expiry: Expiry, start: &mut Start) -> reply::Subscribe {
        let position = start.position.as_ref();
        reply::Subscribe {
            expiry,
            recoverable: self.recoverable,
            epoch: position
                .map(|position| position.epoch.clone())
                .unwrap_or_default(),
            publications: std::mem::take(&mut start.publications),
            recovered: start.recovered,
            offset: start.offset,
            positioned: self.has_position(),
            data: self.data.clone(),
            was_recovering: start.was_recovering,
            delta: self.delta,
            id: match self.compaction {
                Compaction::Id(id) => id,
                Compaction::Off | Compaction::Requested => 0,
            },
        }
    }
}
