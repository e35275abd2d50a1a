//! What sessions ask of the world, and how its answers come: at once, or later through the inbox.

use tokio::task::AbortHandle;
use veche_engine::error::EngineError;
use veche_engine::pending::Pending;
use veche_session::question::{Answer, Ask, Failure, Question};

use crate::connection::Open;
use crate::context::Context;
use crate::inbox::{ConnectionKey, Item};
use crate::node::Node;
use crate::worker::Worker;
use crate::worker::deferred::Publish;

impl Worker {
    /// Finds something out for a session: now, or later through the inbox.
    pub(crate) fn ask(
        &mut self,
        key: ConnectionKey,
        open: &Open,
        ask: Ask,
        question: Question,
    ) -> Option<Answer> {
        let context = &self.context;
        let node = context.node();
        let engine = node.engine();
        match question {
            Question::ConnectionToken { token } => {
                let claims = node.authority().connection_token(
                    &open.caller()?,
                    &token,
                    context.now().unix_secs(),
                );
                context.pend(key, ask, claims, |claims, _| {
                    Answer::ConnectionToken(claims)
                })
            }
            Question::SubscriptionToken { token } => {
                let claims = node.authority().subscription_token(
                    &open.caller()?,
                    &token,
                    context.now().unix_secs(),
                );
                context.pend(key, ask, claims, |claims, _| {
                    Answer::SubscriptionToken(claims)
                })
            }
            Question::UserPlace { user, limit } => {
                let others = self.clients.occupy_place(key.slot, user, limit, context);
                Some(Answer::Count(others))
            }
            Question::Enter { channel } => self.enter(key, ask, &channel),
            Question::ChannelId { channel } => {
                Some(Answer::ChannelId(node.interest().id(&channel)))
            }
            Question::History { channel, query } => {
                let page = engine.broker.history(&channel, &query);
                context.pend_engine(key, ask, page, Answer::History)
            }
            Question::Publish {
                channel,
                publication,
                options,
            } => {
                let publish = Publish {
                    connection: key,
                    ask,
                    channel,
                    publication,
                    options,
                };
                self.deferred.publish_in_turn(publish, context)
            }
            Question::Presence { channel } => {
                let presence = engine.presence.presence(&channel);
                context.pend_engine(key, ask, presence, Answer::Presence)
            }
            Question::PresenceStats { channel } => {
                let stats = engine.presence.stats(&channel);
                context.pend_engine(key, ask, stats, Answer::PresenceStats)
            }
            Question::AddPresence { channel, info } => {
                let added = engine
                    .presence
                    .add(&channel, &info, node.config().presence_ttl);
                context.pend_engine(key, ask, added, Answer::Done)
            }
            Question::Application(request) => {
                let caller = open.caller()?;
                self.calls.ask(key, ask, &caller, request, context)
            }
        }
    }
}

impl Context {
    /// Brings an answer of the engine; why it has none is logged.
    pub(crate) fn pend_engine<T: Send + 'static>(
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
            Pending::Ready(value) => Some(answer(value, self.node())),
            Pending::Later(future) => {
                self.answer_later(connection, ask, future, answer);
                None
            }
        }
    }

    /// Brings an answer through the inbox, unless the task is aborted.
    pub(crate) fn answer_later<T: Send + 'static>(
        &self,
        connection: ConnectionKey,
        ask: Ask,
        future: impl Future<Output = T> + Send + 'static,
        answer: impl FnOnce(T, &Node) -> Answer + Send + 'static,
    ) -> AbortHandle {
        let inbox = self.inbox().clone();
        let node = self.node().clone();
        self.node().answers().spawn(async move {
            let answer = answer(future.await, &node);
            inbox.push(Item::Answer {
                connection,
                ask,
                answer,
            });
        })
    }
}

impl Node {
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
