//! The conversation itself: its state, its six ways in, and where each leads.

use std::fmt;
use std::num::{NonZeroI64, NonZeroU16};
use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::command::{Command, Verb};
use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::payload::Payload;
use veche_protocol::position::Epoch;
use veche_protocol::publication::Publication;
use veche_protocol::push::{self, Push};
use veche_protocol::reply::{self, Reply};

use crate::connect::Connecting;
use crate::effect::{Effect, Effects};
use crate::namespace::Place;
use crate::order::Order;
use crate::permission::{self, Asker};
use crate::profile::Profile;
use crate::question::{Answer, Ask, Failure, Notice, Question};
use crate::refresh::SubRefreshing;
use crate::refusal::{About, Refusal};
use crate::rule::Silent;
use crate::rules::Rules;
use crate::subscription::{Making, Stage, Subscription, Subscriptions};
use crate::timers::{Spread, Timer, Timers};
use crate::turn::Turn;

/// One client's conversation.
#[derive(Debug)]
pub struct Session {
    pub(crate) client: ClientId,
    pub(crate) user: UserId,
    /// What others are told about the user.
    pub(crate) info: Option<Box<Payload>>,
    /// When the connection ends, in seconds of Unix time.
    pub(crate) expire_at: Option<NonZeroI64>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) phase: Phase,
    pub(crate) timers: Timers,
    pub(crate) spread: Spread,
    waiting: Vec<(Ask, Waiting)>,
    asks: u32,
    /// Commands that are not answered yet.
    in_progress: u32,
    pub(crate) profile: Profile,
    emulation: Option<Box<Emulation>>,
    /// Pings that were sent and not answered; more than one where a pong may have come unread.
    pub(crate) unanswered_pings: u8,
    pub(crate) is_reading: bool,
    /// Of the last ping, and one more.
    pub(crate) latency_ms: Option<NonZeroU16>,
}

/// What a session is born with.
#[derive(Clone, Debug)]
pub struct Birth {
    /// The connection's id.
    pub client: ClientId,
    /// The user, where that is known before anything is said: no token is needed, though one that comes decides.
    pub user: Option<UserId>,
    /// Random; spreads first pings and refreshes of presence.
    pub seed: u64,
    /// How the client is spoken to.
    pub profile: Profile,
    /// Where the client is emulated: what its requests must name. Told in the reply to `connect`, to nobody else.
    pub emulation: Option<Box<Emulation>>,
}

/// How requests of an emulated client find its session.
#[derive(Clone, PartialEq, Eq)]
pub struct Emulation {
    /// Names the session, and can't be guessed.
    pub session: Box<str>,
    /// Names the node that has it.
    pub node: Box<str>,
}

impl fmt::Debug for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulation")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// How far the conversation has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Nobody in particular; only `connect` is heard.
    New,
    /// `connect` was refused: another one is heard, all else is passed over.
    Refused,
    /// `connect` is being answered.
    Connecting(Box<Connecting>),
    /// All is heard.
    Connected,
    /// Over; nothing is heard, and what comes late is undone.
    Closed,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Waiting {
    Connect,
    Making(Channel),
    Publish(u32),
    History(u32),
    Presence(u32),
    PresenceStats(u32),
    Rpc(u32),
    Refresh(u32),
    SubRefresh(Box<SubRefreshing>),
    /// Nobody any more: delivery that has begun is to be ended.
    LeftEntering(Channel),
    /// Nobody any more: a presence that was added is to be removed.
    LeftPresence(Channel),
}

impl Session {
    /// Begins a conversation; the client has `client.stale_close_delay` to connect.
    #[must_use]
    pub fn new(birth: Birth, turn: &Turn<'_>) -> Self {
        let mut timers = Timers::new();
        let delay = turn.rules.client.stale_close_delay;
        let stale_at = turn.now.monotonic.saturating_add(delay);
        timers.set(Timer::Stale, stale_at);
        Self {
            client: birth.client,
            user: birth.user.unwrap_or_default(),
            info: None,
            expire_at: None,
            subscriptions: Subscriptions::default(),
            phase: Phase::New,
            timers,
            spread: Spread::new(birth.seed),
            waiting: Vec::new(),
            asks: 0,
            in_progress: 0,
            profile: birth.profile,
            emulation: birth.emulation,
            unanswered_pings: 0,
            is_reading: true,
            latency_ms: None,
        }
    }

    /// How the client is spoken to.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// How requests of an emulated client find the session.
    #[must_use]
    pub fn emulation(&self) -> Option<&Emulation> {
        self.emulation.as_deref()
    }

    /// Whether a command may be handed over now; later ones wait at the driver.
    ///
    /// While `connect` is being answered all wait. A pong (`Command::is_pong`) never needs to.
    #[must_use]
    pub fn can_take_command(&self, turn: &Turn<'_>) -> bool {
        match self.phase {
            Phase::New | Phase::Refused => true,
            Phase::Connected => {
                let limit = turn.rules.client.concurrency.max(1);
                usize::try_from(self.in_progress).is_ok_and(|count| count < limit)
            }
            Phase::Connecting(_) | Phase::Closed => false,
        }
    }

    /// The client asks for something.
    pub fn handle_command(&mut self, command: Command, turn: &Turn<'_>, effects: &mut Effects) {
        let is_pong = command.is_pong();
        let (id, operation) = (command.id, command.verb.name());
        match (&self.phase, &command.verb) {
            (Phase::Closed, _) => return,
            (Phase::Connected, _) if is_pong => return self.take_pong(turn, effects),
            // In the middle of `connect` a pong can't be due, and nothing else was let in.
            (Phase::New | Phase::Refused, Verb::Connect(_)) if !is_pong => {}
            // What came behind `connect` in the same message was sent before the client knew.
            (Phase::Refused, _) => return,
            (Phase::Connected, Verb::Connect(_)) => {
                let why = "the client is connected already";
                return self.violate(id, operation, why, turn, effects);
            }
            (Phase::New | Phase::Connecting(_), _) => {
                let why = "the first command must be connect, with an id";
                return self.violate(id, operation, why, turn, effects);
            }
            (Phase::Connected, _) => {}
        }
        if !matches!(command.verb, Verb::Send(_)) {
            self.in_progress += 1;
        }
        match command.verb {
            Verb::Connect(connect) => self.handle_connect(id, *connect, turn, effects),
            Verb::Subscribe(subscribe) => self.handle_subscribe(id, subscribe, turn, effects),
            Verb::Unsubscribe(unsubscribe) => {
                self.handle_unsubscribe(id, unsubscribe, turn, effects)
            }
            Verb::Publish(publish) => self.handle_publish(id, *publish, turn, effects),
            Verb::Presence(presence) => self.handle_presence(id, presence, turn, effects),
            Verb::PresenceStats(presence) => {
                self.handle_presence_stats(id, presence, turn, effects);
            }
            Verb::History(history) => self.handle_history(id, history, turn, effects),
            Verb::Rpc(rpc) => self.handle_rpc(id, rpc, effects),
            Verb::Send(_) => self.handle_send(turn, effects),
            Verb::Refresh(refresh) => self.handle_refresh(id, refresh, turn, effects),
            Verb::SubRefresh(refresh) => self.handle_sub_refresh(id, *refresh, turn, effects),
            Verb::Ping => {
                let about = About::connection(id, operation);
                self.refuse(about, ErrorCode::NOT_AVAILABLE.into(), turn, effects);
            }
            Verb::Empty => {
                let why = "the command asks for nothing that is known";
                self.violate(id, operation, why, turn, effects);
            }
        }
    }

    /// The world answers. What nobody waits for any more is undone, or dropped.
    pub fn handle_answer(
        &mut self,
        ask: Ask,
        answer: Answer,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let Some(at) = self.waiting.iter().position(|(asked, _)| *asked == ask) else {
            return;
        };
        let (_, waiting) = self.waiting.swap_remove(at);
        if self.waiting.is_empty() {
            self.waiting = Vec::new();
        }
        match (waiting, answer) {
            (Waiting::Connect, Answer::ConnectionToken(token)) => {
                self.take_connection_token(token, turn, effects);
            }
            (Waiting::Connect, Answer::Count(count)) => {
                self.take_user_connections(count, turn, effects);
            }
            (Waiting::Connect, Answer::PresenceStats(others)) => {
                self.take_others(others, turn, effects);
            }
            (Waiting::Making(channel), Answer::SubscriptionToken(token)) => {
                self.take_subscription_token(&channel, token, turn, effects);
            }
            (Waiting::Making(channel), Answer::Done(done)) => {
                self.take_step(&channel, done, turn, effects);
            }
            (Waiting::Making(channel), Answer::ChannelId(id)) => {
                self.take_channel_id(&channel, id, turn, effects);
            }
            (Waiting::Making(channel), Answer::History(page)) => {
                self.take_page(&channel, page, turn, effects);
            }
            (Waiting::Publish(id), Answer::Published(position)) => {
                let body = |position| reply::Body::Publish(Some(position));
                self.reply_or_fail(id, position.map(body), turn, effects);
            }
            (Waiting::History(id), Answer::History(page)) => {
                self.reply_or_fail(id, page.map(reply::Body::History), turn, effects);
            }
            (Waiting::Presence(id), Answer::Presence(clients)) => {
                self.reply_or_fail(id, clients.map(reply::Body::Presence), turn, effects);
            }
            (Waiting::PresenceStats(id), Answer::PresenceStats(stats)) => {
                self.reply_or_fail(id, stats.map(reply::Body::PresenceStats), turn, effects);
            }
            (Waiting::Rpc(id), Answer::Rpc(Ok(data))) => {
                self.reply(id, reply::Body::Rpc(data), effects);
            }
            (Waiting::Rpc(id), Answer::Rpc(Err(error))) => {
                self.refuse(About::connection(id, "rpc"), error.into(), turn, effects);
            }
            (Waiting::Refresh(id), Answer::ConnectionToken(token)) => {
                self.take_refresh_token(id, token, turn, effects);
            }
            (Waiting::SubRefresh(refreshing), Answer::SubscriptionToken(token)) => {
                self.take_sub_refresh_token(*refreshing, token, turn, effects);
            }
            (Waiting::LeftEntering(channel), Answer::Done(Ok(())) | Answer::ChannelId(_)) => {
                effects.push(Effect::Detach { channel });
            }
            (Waiting::LeftPresence(channel), Answer::Done(Ok(()))) => {
                self.remove_presence(channel, effects);
            }
            (Waiting::LeftEntering(_) | Waiting::LeftPresence(_), _) => {}
            // The driver gave the answer to another question: it is not to be trusted any further.
            _ => self.close(Disconnect::SERVER_ERROR, effects),
        }
    }

    /// A publication in a channel whose subscription is being made. It waits, within bounds.
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

    /// The API, another node or the hub demands something.
    pub fn handle_order(&mut self, order: Order, turn: &Turn<'_>, effects: &mut Effects) {
        match (&mut self.phase, order) {
            (Phase::Closed, _) => {}
            (_, Order::Disconnect(disconnect)) => self.close(disconnect, effects),
            (_, Order::InsufficientState { channel }) => {
                self.lose_state(&channel, effects);
            }
            (Phase::New | Phase::Refused, _) => {}
            (Phase::Connecting(connecting), order) => connecting.keep(order),
            (Phase::Connected, Order::Unsubscribe { channel, reason }) => {
                self.obey_unsubscribe(channel, reason, turn, effects);
            }
            (
                Phase::Connected,
                Order::Subscribe {
                    channel,
                    options,
                    recover_since,
                },
            ) => self.obey_subscribe(channel, options, recover_since, turn, effects),
            (
                Phase::Connected,
                Order::Refresh {
                    expired,
                    expire_at,
                    info,
                },
            ) => {
                if expired {
                    self.close(Disconnect::EXPIRED, effects);
                } else {
                    self.obey_refresh(expire_at, info, turn, effects);
                }
            }
            (Phase::Connected, Order::Message(data)) => {
                effects.push(Effect::Push(Push::connection(push::Body::Message(data))));
            }
        }
    }

    /// Acts on everything that is due. Call it when [`Self::poll_timeout`] has come; earlier does no harm.
    pub fn handle_timeout(&mut self, turn: &Turn<'_>, effects: &mut Effects) {
        let now = turn.now.monotonic;
        if self.timers.take_due(Timer::Stale, now) {
            let why = "no connect came within client.stale_close_delay";
            let refusal = Refusal::ends(Disconnect::STALE, why);
            return self.refuse(About::connection(0, "connect"), refusal, turn, effects);
        }
        if self.timers.take_due(Timer::Pong, now) && !self.check_pong(turn, effects) {
            return;
        }
        if self.timers.take_due(Timer::Expire, now) && !self.check_expiry(turn, effects) {
            return;
        }
        if self.timers.take_due(Timer::Ping, now) {
            self.send_ping(turn, effects);
        }
        if self.timers.take_due(Timer::Presence, now) {
            self.tick_presence(turn, effects);
        }
    }

    /// The wall clock was set, or went on while the monotonic one stood still: the time left until the connection's end is
    /// reckoned anew.
    pub fn handle_clock_jump(&mut self, turn: &Turn<'_>) {
        if self.is_connected() {
            self.watch_expiry(turn);
        }
    }

    /// The client is gone; so it leaves its channels. Nothing is sent to it any more.
    pub fn handle_closed(&mut self, _turn: &Turn<'_>, effects: &mut Effects) {
        self.leave(effects);
    }

    /// When [`Self::handle_timeout`] is to be called, in monotonic time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The connection's id.
    #[must_use]
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// Whom it belongs to; until `connect` is answered, who was known before, or nobody.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Whether `connect` was answered.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Connected)
    }

    /// Whether the conversation is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// The channels it is subscribed to.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Channel> {
        self.sources().map(|(channel, _)| channel)
    }

    /// The channels it is subscribed to, and who wanted that: a number of the server API.
    pub fn sources(&self) -> impl Iterator<Item = (&Channel, u32)> {
        self.subscriptions
            .iter()
            .filter_map(|(channel, subscription)| match subscription {
                Subscription::Live(live) => Some((channel, live.source.number())),
                Subscription::Making(_) => None,
            })
    }
}

/// What the commands share.
impl Session {
    pub(crate) fn asker(&self, channel: &str) -> Asker<'_> {
        Asker {
            user: &self.user,
            client: self.client,
            is_subscribed: self.subscriptions.live(channel).is_some(),
        }
    }

    /// Finds the channel of a command.
    pub(crate) fn find_channel<'a>(
        &self,
        channel: &'a str,
        rules: &'a Rules,
    ) -> Result<Place<'a>, Refusal> {
        let is_subscribed = self.subscriptions.live(channel).is_some();
        permission::find(rules, channel, is_subscribed, &mut Silent)
    }

    /// What others are told about the client in a channel.
    pub(crate) fn client_info(&self, chan_info: Option<&Payload>) -> Arc<ClientInfo> {
        Arc::new(ClientInfo {
            user: self.user.clone(),
            client: self.client,
            conn_info: self.info.as_deref().cloned(),
            chan_info: chan_info.cloned(),
        })
    }

    /// A number that was not used before in this session (but 4 billion numbers ago).
    pub(crate) fn next_number(&mut self) -> u32 {
        self.asks = self.asks.wrapping_add(1);
        self.asks
    }

    pub(crate) fn ask(&mut self, waiting: Waiting, question: Question, effects: &mut Effects) {
        let ask = Ask(self.next_number());
        self.waiting.push((ask, waiting));
        effects.push(Effect::Ask { ask, question });
    }

    /// Answers a command, for good.
    pub(crate) fn reply(&mut self, id: u32, body: reply::Body, effects: &mut Effects) {
        self.finish_command();
        effects.push(Effect::Reply(Reply::new(id, body)));
    }

    pub(crate) fn finish_command(&mut self) {
        self.in_progress = self.in_progress.saturating_sub(1);
    }

    /// Answers a command with why it is not carried out, or ends the connection. The operator hears more than the
    /// client.
    pub(crate) fn refuse(
        &mut self,
        about: About<'_>,
        refusal: Refusal,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        if let Some(refused) = refusal.report(about, self.client, &self.user) {
            effects.push(Effect::Tell(Notice::Refused(Box::new(refused))));
        }
        match refusal.tell(turn.rules.client.explain_errors) {
            Ok(error) => self.reply(about.id, reply::Body::Error(error), effects),
            Err(disconnect) => self.close(disconnect, effects),
        }
    }

    fn reply_or_fail(
        &mut self,
        id: u32,
        result: Result<reply::Body, Failure>,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        match result {
            Ok(body) => self.reply(id, body, effects),
            Err(failure) => {
                // The operator was told by the engine.
                let about = About::connection(id, "");
                self.refuse(about, failure.into(), turn, effects);
            }
        }
    }

    /// The client has broken a rule of the protocol.
    pub(crate) fn violate(
        &mut self,
        id: u32,
        operation: &'static str,
        why: &'static str,
        turn: &Turn<'_>,
        effects: &mut Effects,
    ) {
        let refusal = Refusal::ends(Disconnect::BAD_REQUEST, why);
        self.refuse(About::connection(id, operation), refusal, turn, effects);
    }

    pub(crate) fn remove_presence(&self, channel: Channel, effects: &mut Effects) {
        effects.push(Effect::Tell(Notice::RemovePresence {
            channel,
            client: self.client,
            user: self.user.clone(),
        }));
    }

    /// Ends the conversation. The channels are left first, so that nothing follows the end.
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
        // Of what is still being asked only that matters which leaves something behind.
        let asked = std::mem::take(&mut self.waiting);
        self.waiting = asked
            .into_iter()
            .filter_map(|(ask, waiting)| {
                let Waiting::Making(channel) = waiting else {
                    return None;
                };
                let at = late.iter().position(|(left, _)| *left == channel)?;
                Some((ask, late.swap_remove(at).1))
            })
            .collect();
    }
}

/// What is to be done with the answer that a subscription, given up, still waits for.
fn late_answer(channel: &Channel, making: &Making) -> Option<(Channel, Waiting)> {
    let waiting = match making.stage {
        Stage::Entering => Waiting::LeftEntering(channel.clone()),
        Stage::Presence => Waiting::LeftPresence(channel.clone()),
        Stage::Token(_) | Stage::History | Stage::Ready(_) => return None,
    };
    Some((channel.clone(), waiting))
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let code = match failure {
            Failure::UnrecoverablePosition => ErrorCode::UNRECOVERABLE_POSITION,
            Failure::NotSupported => ErrorCode::NOT_AVAILABLE,
            Failure::Unavailable => ErrorCode::INTERNAL,
        };
        CommandError::from(code).into()
    }
}
