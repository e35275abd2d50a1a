//! What sessions ask of the world and tell it, and the channels the node wants.

use std::sync::Arc;

use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_protocol::channel::Channel;
use veche_protocol::disconnect::Disconnect;
use veche_protocol::identity::UserId;
use veche_protocol::publication::{Publication, PublishOptions};
use veche_session::order::Order;
use veche_session::question::{Answer, Ask, Failure, Notice, Question};

use crate::inbox::{ConnectionKey, Item};
use crate::interest::{Request, Waiting};
use crate::node::Node;
use crate::worker::{Slots, Worker};
use veche_engine::control::Addressees;

/// A publish that waits because the node is congested.
#[derive(Debug)]
pub(crate) struct Deferred {
    connection: ConnectionKey,
    ask: Ask,
    channel: Channel,
    publication: Box<Publication>,
    options: Box<PublishOptions>,
}

impl Worker {
    /// Finds something out for a session: now, or later through the inbox.
    pub(crate) fn ask(
        &mut self,
        key: ConnectionKey,
        ask: Ask,
        question: Question,
    ) -> Option<Answer> {
        let node = self.node.clone();
        let engine = node.engine();
        match question {
            Question::ConnectionToken { token } => {
                let claims = node
                    .authority()
                    .connection_token(&token, self.now.unix_secs());
                self.pend(key, ask, claims, |claims, _| {
                    Answer::ConnectionToken(claims)
                })
            }
            Question::SubscriptionToken { token } => {
                let claims = node
                    .authority()
                    .subscription_token(&token, self.now.unix_secs());
                self.pend(key, ask, claims, |claims, _| {
                    Answer::SubscriptionToken(claims)
                })
            }
            Question::UserPlace { user, limit } => {
                Some(Answer::Count(self.take_user_place(key.slot, user, limit)))
            }
            Question::Enter { channel } => self.enter(key, ask, &channel),
            Question::ChannelId { channel } => {
                Some(Answer::ChannelId(node.interest().id(&channel)))
            }
            Question::History { channel, query } => {
                let page = engine.broker.history(&channel, &query);
                self.pend_engine(key, ask, page, Answer::History)
            }
            Question::Publish {
                channel,
                publication,
                options,
            } => {
                let publish = Deferred {
                    connection: key,
                    ask,
                    channel,
                    publication,
                    options,
                };
                // Behind those that wait already, so that a client's publications stay in order.
                if node.is_congested() || !self.deferred.is_empty() {
                    self.deferred.push_back(publish);
                    return None;
                }
                self.publish(publish)
            }
            Question::Presence { channel } => {
                let presence = engine.presence.presence(&channel);
                self.pend_engine(key, ask, presence, Answer::Presence)
            }
            Question::PresenceStats { channel } => {
                let stats = engine.presence.stats(&channel);
                self.pend_engine(key, ask, stats, Answer::PresenceStats)
            }
            Question::AddPresence { channel, info } => {
                let added = engine
                    .presence
                    .add(&channel, &info, node.config().presence_ttl);
                self.pend_engine(key, ask, added, Answer::Done)
            }
            Question::Rpc { method, data } => {
                let result = node.authority().rpc(&method, data);
                self.pend(key, ask, result, |result, _| Answer::Rpc(result))
            }
        }
    }

    /// Lets the world know something.
    pub(crate) fn tell(&mut self, slot: u32, notice: Notice) {
        let node = self.node.clone();
        let engine = node.engine();
        match notice {
            Notice::Connected { user, .. } => self.remember_user(slot, user),
            Notice::EndOthers { client, user } => {
                let addressees = Addressees {
                    user,
                    client: None,
                    except: vec![client],
                };
                let order = Order::Disconnect(Disconnect::CONNECTION_LIMIT);
                node.tell_others(&addressees, &order);
                drop(node.send_order(&addressees, &order));
            }
            Notice::KeepPresence { channel, info } => {
                node.see_through(
                    "keep presence",
                    engine
                        .presence
                        .add(&channel, &info, node.config().presence_ttl),
                );
            }
            Notice::RemovePresence {
                channel,
                client,
                user,
            } => {
                node.see_through(
                    "remove presence",
                    engine.presence.remove(&channel, client, &user),
                );
            }
            Notice::Join { channel, info } => {
                node.see_through("tell a join", engine.broker.publish_join(&channel, info))
            }
            Notice::Leave { channel, info } => {
                node.see_through("tell a leave", engine.broker.publish_leave(&channel, info));
            }
            Notice::Refused(refused) => self.refusal_log.tell(&refused, self.now.monotonic),
        }
    }

    /// A channel is not delivered to a client any more; nor to the node, if nobody else here wants it.
    pub(crate) fn detach(&mut self, slot: u32, channel: &Channel) {
        let unwanted = self
            .hub
            .detach(channel, slot, &mut Slots(&mut self.connections));
        self.counters
            .subscriptions
            .set(self.hub.subscription_count());
        if let Some(channel) = unwanted {
            let request = self.node.interest().leave(&channel, self.index);
            self.node.clone().request(channel, request);
        }
    }

    /// Publishes what waited for the node to be less congested, one after the other.
    ///
    /// What waits stays in the queue until its turn: an answer lets a client go on, and what it publishes then comes
    /// behind what it has published before.
    pub(crate) fn retry_deferred(&mut self) {
        while !self.node.is_congested()
            && let Some(publish) = self.deferred.pop_front()
        {
            let (connection, ask) = (publish.connection, publish.ask);
            if let Some(answer) = self.publish(publish) {
                self.with_session(connection.slot, |session, turn, effects| {
                    session.handle_answer(ask, answer, turn, effects);
                });
            }
        }
    }

    /// Drops what a client has published and the node has not, because its conversation ends. The client has no
    /// confirmation of it, and nobody publishes after having been disconnected.
    pub(crate) fn drop_deferred(&mut self, slot: u32) {
        self.deferred
            .retain(|publish| publish.connection.slot != slot);
    }

    fn publish(&self, publish: Deferred) -> Option<Answer> {
        let Deferred {
            connection,
            ask,
            channel,
            publication,
            options,
        } = publish;
        let broker = &self.node.engine().broker;
        let published = broker.publish(&channel, *publication, &options);
        self.pend_engine(connection, ask, published, |published| {
            Answer::Published(published.map(|published| published.position))
        })
    }

    /// Wants a channel for a session that makes a subscription.
    fn enter(&mut self, key: ConnectionKey, ask: Ask, channel: &Channel) -> Option<Answer> {
        let connection = self.connections.get_mut(key.slot as usize)?;
        if self
            .hub
            .enter(channel, key.slot, &mut connection.attachments)
        {
            return Some(Answer::Done(Ok(())));
        }
        let waiting = Waiting {
            worker: self.index,
            connection: key,
            ask,
        };
        match self.node.interest().enter(channel, waiting) {
            Request::None => {}
            Request::Begin => match self.node.engine().broker.subscribe(channel) {
                Pending::Ready(Ok(())) => self.node.interest().began_at_once(channel, waiting),
                pending => {
                    self.node.clone().began_later(channel.clone(), pending);
                    return None;
                }
            },
            Request::Wait | Request::End => return None,
        }
        let mut connections = Slots(&mut self.connections);
        self.hub.entered(channel, key.slot, &mut connections);
        Some(Answer::Done(Ok(())))
    }

    /// Brings an answer of the engine; why it has none is logged.
    fn pend_engine<T: Send + 'static>(
        &self,
        connection: ConnectionKey,
        ask: Ask,
        pending: Pending<Result<T, EngineError>>,
        answer: impl FnOnce(Result<T, Failure>) -> Answer + Send + 'static,
    ) -> Option<Answer> {
        self.pend(connection, ask, pending, |result, node| {
            answer(result.map_err(|error| node.failure(error)))
        })
    }

    /// Brings an answer now, or through the inbox.
    fn pend<T: Send + 'static>(
        &self,
        connection: ConnectionKey,
        ask: Ask,
        pending: Pending<T>,
        answer: impl FnOnce(T, &Node) -> Answer + Send + 'static,
    ) -> Option<Answer> {
        match pending {
            Pending::Ready(value) => Some(answer(value, &self.node)),
            Pending::Later(future) => {
                let inbox = self.node.inbox(self.index).clone();
                let node = self.node.clone();
                self.node.answers().spawn(async move {
                    let answer = answer(future.await, &node);
                    inbox.push(Item::Answer {
                        connection,
                        ask,
                        answer,
                    });
                });
                None
            }
        }
    }

    /// Takes a place among a user's connections for one that is about to be let in. Returns how many places others
    /// have; the connection has one if that is below `limit`.
    fn take_user_place(&mut self, slot: u32, user: UserId, limit: usize) -> usize {
        self.give_user_place_back(slot);
        let others = self.node.take_user_place(&user, limit);
        if others < limit {
            self.user_places.push((slot, user));
        }
        others
    }

    /// Gives the place back that was taken for a connection which was not let in.
    pub(crate) fn give_user_place_back(&mut self, slot: u32) {
        while let Some(at) = self.user_places.iter().position(|(of, _)| *of == slot) {
            let (_, user) = self.user_places.swap_remove(at);
            self.node.user_left(&user);
        }
    }

    pub(crate) fn remember_user(&mut self, slot: u32, user: UserId) {
        let has_place = |place: &(u32, UserId)| *place == (slot, user.clone());
        match self.user_places.iter().position(has_place) {
            Some(at) => drop(self.user_places.swap_remove(at)),
            None => self.node.user_came(&user),
        }
        let slots = self.users.entry(user).or_default();
        slots.push(slot);
        if let Some(connection) = self.connections.get_mut(slot as usize) {
            connection.place_of_user = u32::try_from(slots.len() - 1).ok();
        }
        self.counters.connections_accepted.add(1);
        self.clients += 1;
        self.counters.clients.set(self.clients);
        self.counters.users.set(self.users.len());
    }

    /// The user has one connection less, if this one was counted.
    pub(crate) fn forget_user(&mut self, slot: u32, user: &UserId) {
        let connection = self.connections.get_mut(slot as usize);
        let Some(place) = connection.and_then(|connection| connection.place_of_user.take()) else {
            return;
        };
        let Some(slots) = self.users.get_mut(user) else {
            return;
        };
        slots.swap_remove(place as usize);
        if let Some(&moved) = slots.get(place as usize) {
            if let Some(connection) = self.connections.get_mut(moved as usize) {
                connection.place_of_user = Some(place);
            }
        } else if slots.is_empty() {
            self.users.remove(user);
        }
        self.node.user_left(user);
        self.clients -= 1;
        self.counters.clients.set(self.clients);
        self.counters.users.set(self.users.len());
    }
}

impl Node {
    /// Carries out what [`crate::interest::Interest`] wants of the engine.
    pub(crate) fn request(self: Arc<Self>, channel: Channel, mut request: Request) {
        loop {
            let pending = match request {
                Request::None | Request::Wait => return,
                Request::Begin => match self.engine().broker.subscribe(&channel) {
                    Pending::Ready(result) => {
                        request = self
                            .interest()
                            .began(&channel, result.map_err(|error| self.failure(error)));
                        continue;
                    }
                    pending @ Pending::Later(_) => pending,
                },
                Request::End => match self.engine().broker.unsubscribe(&channel) {
                    // If the engine can't end it, it goes on delivering what nobody takes.
                    Pending::Ready(_) => {
                        request = self.interest().ended(&channel);
                        continue;
                    }
                    Pending::Later(future) => {
                        let node = self.clone();
                        self.tasks().spawn(async move {
                            // As above.
                            let _ = future.await;
                            let request = node.interest().ended(&channel);
                            node.request(channel, request);
                        });
                        return;
                    }
                },
            };
            self.began_later(channel, pending);
            return;
        }
    }

    /// Waits for the engine's answer to a request to begin.
    pub(crate) fn began_later(
        self: Arc<Self>,
        channel: Channel,
        pending: Pending<Result<(), EngineError>>,
    ) {
        let node = self.clone();
        self.tasks().spawn(async move {
            let result = pending.wait().await.map_err(|error| node.failure(error));
            let request = node.interest().began(&channel, result);
            node.request(channel, request);
        });
    }

    /// Sees something through that nobody waits for.
    pub(crate) fn see_through(
        &self,
        what: &'static str,
        pending: Pending<Result<(), EngineError>>,
    ) {
        match pending {
            Pending::Ready(Ok(())) => {}
            Pending::Ready(Err(error)) => self.engine_log().report(what, &error),
            Pending::Later(future) => {
                let log = self.engine_log().clone();
                self.tasks().spawn(async move {
                    if let Err(error) = future.await {
                        log.report(what, &error);
                    }
                });
            }
        }
    }

    /// What a session hears of an engine's failure; the operator hears more.
    pub(crate) fn failure(&self, error: EngineError) -> Failure {
        match error {
            EngineError::UnrecoverablePosition => Failure::UnrecoverablePosition,
            EngineError::NotSupported(_) => Failure::NotSupported,
            error => {
                self.engine_log().report("answer", &error);
                Failure::Unavailable
            }
        }
    }
}

#[cfg(test)]
mod tests;
