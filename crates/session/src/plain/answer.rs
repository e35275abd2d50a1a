//! Turns effects into frames.

use std::borrow::Cow;
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::command::{Presence, Verb};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::identity::UserId;
use veche_protocol::plain::{self, Recovered, RequestEcho};
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::Publication;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{Body, Connect, Reply, Subscribe};

use super::ask::history;
use super::pending::{Pending, Subscribing, What};
use super::{Frame, Output, Standing, Translator};
use crate::effect::Effect;

impl Translator {
    /// Turns an effect that is for the client into frames, and perhaps more commands. Of a close the last frame is
    /// made; other effects are left alone, and so are pings, which are a matter of the WebSocket here.
    pub fn translate(&mut self, effect: &Effect, out: &mut Output) {
        match effect {
            Effect::Reply(reply) => self.handle_reply(reply, out),
            Effect::Push(push) => self.handle_push(push, out),
            Effect::Close(disconnect) => self.handle_close(disconnect, out),
            Effect::Ping
            | Effect::Ask { .. }
            | Effect::Tell(_)
            | Effect::Attach(_)
            | Effect::Detach { .. } => {}
        }
    }

    fn handle_reply(&mut self, reply: &Reply, out: &mut Output) {
        let Some(Pending { asked, what, .. }) = self.take_pending(reply.id) else {
            return;
        };
        match what {
            What::Connect {
                was_inside,
                is_attempt,
            } => {
                let body = &reply.body;
                self.handle_connect(&asked, was_inside, is_attempt, body, out);
            }
            What::Refresh => self.handle_refresh(&asked, &reply.body, out),
            What::Subscribe(subscribing) => {
                self.handle_subscribe(asked, subscribing, &reply.body, out)
            }
            What::Other => self.handle_other(&asked, &reply.body, out),
        }
    }

    fn handle_connect(
        &mut self,
        asked: &RequestEcho,
        was_inside: bool,
        is_attempt: bool,
        body: &Body,
        out: &mut Output,
    ) {
        match body {
            Body::Connect(connect) => {
                self.standing = Standing::Inside(connect.user.clone());
                self.greet(&connect.user, out);
                if asked.action.is_some() {
                    out.text(|out| plain::encode_login(asked, &connect.user, connect.expiry, out));
                }
                self.tell_subscriptions(connect, out);
            }
            Body::Error(error) => {
                self.standing = Standing::Outside;
                self.greet(&UserId::default(), out);
                if is_attempt && error.code == ErrorCode::UNAUTHORIZED {
                    // It was welcomed, and knows that it has to log in.
                    return;
                }
                out.error(error, asked);
                if was_inside {
                    // Connect as the anonymous client that it was before.
                    self.connect(RequestEcho::default(), None, None, out);
                }
            }
            _ => {}
        }
    }

    fn tell_subscriptions(&mut self, connect: &Connect, out: &mut Output) {
        for (channel, subscribe) in &connect.subs {
            let asked = RequestEcho {
                channel: Some(channel.as_str().to_owned()),
                ..RequestEcho::default()
            };
            self.remember(channel, &subscribe.epoch);
            out.text(|out| plain::encode_subscribed(&asked, &start(subscribe), None, out));
            for publication in &subscribe.publications {
                deliver(channel, publication, &subscribe.epoch, out);
            }
        }
    }

    fn handle_refresh(&mut self, asked: &RequestEcho, body: &Body, out: &mut Output) {
        match (body, &self.standing) {
            (Body::Refresh(expiry), Standing::Inside(user)) => {
                out.text(|out| plain::encode_login(asked, user, *expiry, out));
            }
            (Body::Error(error), _) => out.error(error, asked),
            _ => {}
        }
    }

    /// The session has answered `subscribe`, or one of the commands that follow it.
    fn handle_subscribe(
        &mut self,
        asked: RequestEcho,
        mut it: Box<Subscribing>,
        body: &Body,
        out: &mut Output,
    ) {
        match body {
            Body::Subscribe(subscribe) => {
                it.is_subscribed = true;
                it.start = start(subscribe);
                it.epoch = subscribe.epoch.clone();
                it.publications.clone_from(&subscribe.publications);
                self.remember(&it.channel, &subscribe.epoch);
                if it.is_resuming && it.start.recovered {
                    it.history = 0;
                }
            }
            Body::History(page) => {
                // Publications after the subscription are delivered live.
                let top = &it.start.position;
                let is_past = |offset: u64| top.epoch.is_empty() || offset <= top.offset;
                let wanted = page.publications.iter().rev().filter(|publication| {
                    is_past(publication.offset)
                        && it
                            .filter
                            .as_ref()
                            .is_none_or(|filter| filter.wants(publication))
                });
                it.publications = wanted.cloned().collect();
                it.epoch = page.position.epoch.clone();
            }
            Body::Presence(clients) => it.clients = Some(clients.clone()),
            Body::Error(error) if !it.is_subscribed => return out.error(error, &asked),
            Body::Error(error) => it.troubles.push((it.asking, (**error).clone())),
            _ => {}
        }
        self.go_on(asked, it, out);
    }

    /// Sends the next command of a subscription, or its answer when no command is left.
    fn go_on(&mut self, asked: RequestEcho, mut it: Box<Subscribing>, out: &mut Output) {
        let channel = it.channel.as_str().to_owned();
        if it.history > 0 {
            let limit = std::mem::take(&mut it.history);
            it.asking = "history";
            let verb = Verb::History(history(channel, Some(limit), None, true));
            return self.ask(asked, What::Subscribe(it), verb, out);
        }
        if std::mem::take(&mut it.presence) {
            it.asking = "presence";
            let verb = Verb::Presence(Presence { channel });
            return self.ask(asked, What::Subscribe(it), verb, out);
        }
        out.text(|out| plain::encode_subscribed(&asked, &it.start, it.clients.as_deref(), out));
        for publication in &it.publications {
            deliver(&it.channel, publication, &it.epoch, out);
        }
        for (action, error) in &it.troubles {
            let asked = RequestEcho {
                action: Some(Cow::Borrowed(*action)),
                channel: asked.channel.clone(),
                id: None,
            };
            out.error(error, &asked);
        }
        for push in &it.pushes {
            self.handle_push(push, out);
        }
    }

    fn handle_other(&mut self, asked: &RequestEcho, body: &Body, out: &mut Output) {
        match body {
            Body::Error(error) => out.error(error, asked),
            Body::Unsubscribe => {
                self.channels.remove(asked.channel());
                out.text(|out| plain::encode_done("unsubscribed", asked, out));
            }
            Body::Publish(position) => {
                out.text(|out| plain::encode_published(asked, position.as_ref(), out));
            }
            Body::Presence(clients) => out.text(|out| plain::encode_presence(asked, clients, out)),
            Body::PresenceStats(stats) => {
                out.text(|out| plain::encode_presence_stats(asked, *stats, out));
            }
            Body::History(page) => out.text(|out| plain::encode_history(asked, page, out)),
            Body::Rpc(data) => out.text(|out| plain::encode_call(asked, data.as_ref(), out)),
            Body::Connect(_) | Body::Subscribe(_) | Body::Refresh(_) | Body::SubRefresh(_) => {}
        }
    }

    fn handle_push(&mut self, push: &Push, out: &mut Output) {
        if let Some(unanswered) = self.unanswered(&push.channel) {
            unanswered.pushes.push(push.clone());
            return;
        }
        match &push.body {
            push::Body::Publication(publication) | push::Body::Whole(publication) => {
                let unknown = Epoch::default();
                let epoch = self.channels.get(&push.channel).unwrap_or(&unknown);
                return deliver(&push.channel, publication, epoch, out);
            }
            push::Body::Subscribe(subscribe) => {
                self.remember(&push.channel, &subscribe.position.epoch);
            }
            push::Body::Unsubscribe(_) => drop(self.channels.remove(&push.channel)),
            _ => {}
        }
        out.text(|out| plain::encode_push(push, out));
    }

    fn handle_close(&mut self, disconnect: &Disconnect, out: &mut Output) {
        let login = self
            .pending
            .iter()
            .find(|pending| matches!(pending.what, What::Connect { .. } | What::Refresh));
        if let Some(login) = login {
            out.error(&login_error(disconnect), &login.asked);
        }
        self.pending.clear();
        out.text(|out| plain::encode_disconnect(disconnect, out));
    }

    fn remember(&mut self, channel: &Channel, epoch: &Epoch) {
        self.channels.insert(channel.clone(), epoch.clone());
    }
}

/// The position at which a subscription begins.
fn start(subscribe: &Subscribe) -> Recovered {
    let last = subscribe.publications.last().map_or(0, |last| last.offset);
    Recovered {
        position: StreamPosition::new(subscribe.offset.max(last), subscribe.epoch.clone()),
        recovered: subscribe.recovered,
    }
}

/// One publication, in one frame or two.
fn deliver(channel: &Channel, publication: &Arc<Publication>, epoch: &Epoch, out: &mut Output) {
    out.text(|out| plain::encode_publication(channel, publication, epoch, out));
    if !publication.data.is_json() {
        out.frames
            .push(Frame::Binary(publication.data.bytes().clone()));
    }
}

/// The reason, in words, why a login ends the connection.
fn login_error(disconnect: &Disconnect) -> CommandError {
    if disconnect.code == Disconnect::INVALID_TOKEN.code {
        if *disconnect != Disconnect::INVALID_TOKEN {
            return CommandError::because(ErrorCode::UNAUTHORIZED, disconnect.reason.clone());
        }
        let why = "the token is not valid here: check its signature, its key and its claims";
        return CommandError::because(ErrorCode::UNAUTHORIZED, why);
    }
    if disconnect.code == Disconnect::EXPIRED.code {
        return ErrorCode::TOKEN_EXPIRED.into();
    }
    let why = format!("the login was refused: {}", disconnect.reason);
    CommandError::because(ErrorCode::UNAUTHORIZED, why)
}
