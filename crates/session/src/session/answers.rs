//! Handles the answers to the questions of a session.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::reply;

use super::Session;
use super::pending::PendingQuestion;
use crate::application::Response;
use crate::effect::Effects;
use crate::question::{Answer, Ask};
use crate::turn::Turn;

impl Session {
    /// Handles an answer. If nothing waits for it any more, it is dropped.
    pub fn handle_answer(
        &mut self,
        ask: Ask,
        answer: Answer,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let Some(pending) = self.pending.take(ask) else {
            return;
        };
        match (pending, answer) {
            (pending, Answer::Application(response)) => {
                self.handle_response(pending, response, turn, effects);
            }
            (PendingQuestion::Connect, Answer::ConnectionToken(token)) => {
                self.handle_connection_token(token, turn, effects);
            }
            (PendingQuestion::Connect, Answer::Count(count)) => {
                self.handle_user_connections(count, turn, effects);
            }
            (PendingQuestion::Connect, Answer::PresenceStats(others)) => {
                self.handle_others(others, turn, effects);
            }
            (PendingQuestion::Making(channel), Answer::SubscriptionToken(token)) => {
                self.handle_subscription_token(&channel, token, turn, effects);
            }
            (PendingQuestion::Making(channel), Answer::Done(done)) => {
                self.handle_step(&channel, done, turn, effects);
            }
            (PendingQuestion::Making(channel), Answer::ChannelId(id)) => {
                self.handle_channel_id(&channel, id, turn, effects);
            }
            (PendingQuestion::Making(channel), Answer::History(page)) => {
                self.handle_page(&channel, page, turn, effects);
            }
            (PendingQuestion::Publish(id), Answer::Published(position)) => {
                let body = |position| reply::Body::Publish(Some(position));
                self.reply_or_fail(id, position.map(body), turn, effects);
            }
            (PendingQuestion::History(id), Answer::History(page)) => {
                self.reply_or_fail(id, page.map(reply::Body::History), turn, effects);
            }
            (PendingQuestion::Presence(id), Answer::Presence(clients)) => {
                self.reply_or_fail(id, clients.map(reply::Body::Presence), turn, effects);
            }
            (PendingQuestion::PresenceStats(id), Answer::PresenceStats(stats)) => {
                self.reply_or_fail(id, stats.map(reply::Body::PresenceStats), turn, effects);
            }
            (PendingQuestion::Refresh(id), Answer::ConnectionToken(token)) => {
                self.handle_refresh_token(id, token, turn, effects);
            }
            (PendingQuestion::SubRefresh(refreshing), Answer::SubscriptionToken(token)) => {
                self.handle_sub_refresh_token(*refreshing, token, turn, effects);
            }
            // The driver answered another question than the one asked, so the session cannot go on.
            _ => self.close(Disconnect::SERVER_ERROR, effects),
        }
    }

    /// Handles an answer of the application.
    fn handle_response(
        &mut self,
        pending: PendingQuestion,
        response: Response,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match (pending, response) {
            (PendingQuestion::Connect, Response::Connect(result)) => {
                self.handle_connect_result(result, turn, effects);
            }
            (PendingQuestion::Making(channel), Response::Subscribe(result)) => {
                self.handle_subscribe_result(&channel, result, turn, effects);
            }
            (PendingQuestion::Approval(number), Response::Publish(result)) => {
                self.handle_publish_result(number, result, turn, effects);
            }
            (PendingQuestion::Renewal, Response::Refresh(result)) => {
                self.handle_refresh_result(result, turn, effects);
            }
            (PendingQuestion::SubRenewal(channel, generation), Response::SubRefresh(result)) => {
                self.handle_sub_refresh_result(&channel, generation, result, turn, effects);
            }
            (PendingQuestion::Rpc(id), Response::Rpc(result)) => {
                self.handle_rpc_result(id, result, turn, effects);
            }
            // The driver answered another question than the one asked, so the session cannot go on.
            _ => self.close(Disconnect::SERVER_ERROR, effects),
        }
    }
}
