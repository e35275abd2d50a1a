//! Keeping declared subscriptions: asking for them on each connection, and coming back where each reader was.

use super::asked::Ask;
use super::clock::Now;
use super::output::{Event, Recovery, SubscriptionEvent, SubscriptionId, TokenError, TokenReason};
use super::progress::Verdict;
use super::subscription::{Phase, SubscribeOptions, Subscription};
use super::{Machine, Timer};
use crate::position::Position;
use crate::publication::{ClientInfo, Publication};
use crate::state::{Cause, End, SubscriptionEnd};
use crate::wire::{ActionError, Verb};

/// Why a subscription was not declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// This client has a subscription to this channel already.
    #[error("this client is subscribed to the channel already")]
    Exists,
    /// Too many subscriptions are declared, or wait for the server.
    #[error("too many subscriptions")]
    Full,
    /// What it asks for is larger than a message may be.
    #[error("the subscription has more than {limit} bytes")]
    TooBig {
        /// What a message may have.
        limit: usize,
    },
    /// The filter cannot be written as JSON.
    #[error("the filter cannot be written as JSON: {0}")]
    Filter(String),
    /// The client has ended.
    #[error(transparent)]
    Ended(#[from] End),
}

impl Machine {
    /// Declares a subscription. It is made as soon as there is a connection, and again on each new
    /// one, until it is given up or has ended.
    ///
    /// # Errors
    /// It cannot be declared. What the server says to it is an event.
    pub fn subscribe(
        &mut self,
        channel: String,
        options: SubscribeOptions,
        now: Now,
    ) -> Result<SubscriptionId, SubscribeError> {
        self.advance(now);
        if let Some(end) = self.connection.end() {
            return Err(end.clone().into());
        }
        if self.subscriptions.of_channel(&channel).is_some() {
            return Err(SubscribeError::Exists);
        }
        // Subscribing and giving up in a loop must not queue more than the server answers.
        let most = self.settings.max_requests;
        if self.subscriptions.len() >= most || self.asked.len() >= most.saturating_mul(4) {
            return Err(SubscribeError::Full);
        }
        let subscription = Subscription::new(channel, options, &self.settings);
        if subscription.frame_len() > self.settings.max_message {
            let limit = self.settings.max_message;
            return Err(SubscribeError::TooBig { limit });
        }
        let id = self.subscriptions.insert(subscription);
        if self.connection.is_online() {
            self.begin_subscription(id);
        }
        Ok(id)
    }

    /// Gives a subscription up. Nothing more comes out of it.
    pub fn unsubscribe(&mut self, id: SubscriptionId, now: Now) {
        self.advance(now);
        let Some(subscription) = self.drop_subscription(id) else {
            return;
        };
        if matches!(subscription.phase, Phase::Subscribing | Phase::Live) {
            self.send_unsubscribe(None, &subscription.channel);
        }
    }

    /// How many events, and bytes of them, one subscription may have waiting for its reader.
    pub fn unread_limit(&self) -> (usize, usize) {
        (self.settings.max_unread, self.settings.max_unread_bytes)
    }

    /// The reader of a subscription has taken so many events, which weighed so much.
    pub fn handle_read(&mut self, id: SubscriptionId, events: usize, bytes: usize, now: Now) {
        self.advance(now);
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        subscription.count_read(events, bytes);
        if subscription.phase == Phase::Paused && subscription.has_room(&self.settings) {
            self.begin_subscription(id);
        }
    }

    pub(super) fn begin_subscriptions(&mut self) {
        for id in self.subscriptions.ids() {
            self.begin_subscription(id);
        }
    }

    /// Asks for a subscription, or for its token, if that is possible now.
    pub(super) fn begin_subscription(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let may_begin = matches!(
            subscription.phase,
            Phase::Idle | Phase::Token(_) | Phase::Paused
        );
        if !may_begin || !self.connection.is_online() {
            return;
        }
        if subscription.is_full(&self.settings) {
            subscription.phase = Phase::Paused;
            return;
        }
        if subscription.options.has_token && subscription.token.is_none() {
            let channel = subscription.channel.clone();
            let reason = subscription.token_reason.clone();
            let token = self.ask_for_subscription_token(id, channel, reason);
            self.set_phase(id, Phase::Token(token));
            return;
        }
        subscription.phase = Phase::Subscribing;
        let action = self.asked.next_id();
        let text = subscription.verb().encode(action);
        self.ask(Ask::Subscribe(id), action, text);
    }

    pub(super) fn take_subscription_token(
        &mut self,
        id: SubscriptionId,
        token: Result<String, TokenError>,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        match token {
            Ok(token) => {
                subscription.token = Some(token);
                self.begin_subscription(id);
            }
            Err(TokenError::Later(why)) => {
                tracing::debug!(why, "no token for the subscription yet");
                self.retry_subscription(id);
            }
            Err(TokenError::Denied(why)) => {
                self.end_subscription(id, SubscriptionEnd::NoToken(why));
            }
        }
    }

    pub(super) fn handle_subscribed(
        &mut self,
        id: SubscriptionId,
        position: Option<Position>,
        recovered: bool,
        clients: Option<Vec<ClientInfo>>,
    ) {
        let now = self.clock.mono();
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        subscription.phase = Phase::Live;
        subscription.live_since = now;
        let history = subscription.options.history;
        let progress = &mut subscription.progress;
        let recovery = progress.subscribed(position.as_ref(), recovered, history);
        if recovery == Recovery::Lost {
            tracing::info!(channel = subscription.channel, "publications may be lost");
        }
        let event = SubscriptionEvent::Subscribed {
            recovery,
            position,
            clients,
        };
        self.deliver(id, event);
    }

    pub(super) fn handle_subscribe_refused(&mut self, id: SubscriptionId, refusal: ActionError) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let may_have_token = refusal.is_expired() && subscription.options.has_token;
        if may_have_token {
            subscription.token = None;
            subscription.token_reason = TokenReason::Expired;
        } else if refusal.code == ALREADY_SUBSCRIBED {
            // The server subscribed this client by itself, without our position and our filters.
            let channel = subscription.channel.clone();
            self.send_unsubscribe(None, &channel);
        } else if !refusal.is_temporary() {
            return self.end_subscription(id, refusal.into());
        }
        self.retry_subscription(id);
    }

    /// The server has ended a subscription by itself.
    pub(super) fn handle_unsubscribed(&mut self, channel: &str, code: u32, reason: String) {
        let Some(id) = self.subscriptions.of_channel(channel) else {
            return;
        };
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let is_live = subscription.phase == Phase::Live;
        if !is_live && subscription.phase != Phase::Pausing {
            // It is about a subscription that was given up here.
            return;
        }
        if code < COME_BACK {
            return self.end_subscription(id, SubscriptionEnd::Unsubscribed { code, reason });
        }
        if code == SUBSCRIPTION_EXPIRED {
            subscription.token = None;
            subscription.token_reason = TokenReason::Expired;
        }
        if is_live {
            let stood_ms = self.clock.mono() - subscription.live_since;
            if stood_ms >= STABLE_MS {
                subscription.backoff.reset();
            }
            self.deliver(id, SubscriptionEvent::Interrupted);
            self.retry_subscription(id);
        }
    }

    /// The server has stopped a subscription whose reader is behind.
    pub(super) fn handle_paused(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id)
            && subscription.phase == Phase::Pausing
        {
            subscription.phase = Phase::Paused;
            if subscription.has_room(&self.settings) {
                self.begin_subscription(id);
            }
        }
    }

    pub(super) fn handle_publication(&mut self, channel: &str, publication: Publication) {
        let Some(id) = self.live(channel) else {
            return;
        };
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        match subscription.progress.accept(publication.position.as_ref()) {
            Verdict::New => self.deliver(id, SubscriptionEvent::Publication(publication)),
            Verdict::Known => {}
            Verdict::Foreign => self.lose(Cause::Violation("a publication is of another epoch")),
        }
    }

    pub(super) fn handle_membership(&mut self, channel: &str, event: SubscriptionEvent) {
        if let Some(id) = self.live(channel) {
            self.deliver(id, event);
        }
    }

    /// A part of a subscription was refused.
    pub(super) fn handle_part_refused(
        &mut self,
        channel: &str,
        action: String,
        refusal: ActionError,
    ) {
        let Some(id) = self.live(channel) else {
            return;
        };
        if let Some(subscription) = self.subscriptions.get_mut(id)
            && action == "history"
        {
            subscription.progress.history_refused();
        }
        self.deliver(id, SubscriptionEvent::Refused { action, refusal });
    }

    /// There is no connection: every subscription waits for the next one.
    pub(super) fn take_back_subscriptions(&mut self) {
        for id in self.subscriptions.ids() {
            self.timers.clear(Timer::Subscribe(id));
            let Some(subscription) = self.subscriptions.get_mut(id) else {
                continue;
            };
            let phase = std::mem::replace(&mut subscription.phase, Phase::Idle);
            match phase {
                Phase::Live => self.deliver(id, SubscriptionEvent::Interrupted),
                Phase::Token(token) => self.forget_token_request(token),
                Phase::Idle | Phase::Subscribing | Phase::Pausing | Phase::Paused => {}
            }
        }
    }

    pub(super) fn end_subscriptions(&mut self, end: &End) {
        for id in self.subscriptions.ids() {
            self.end_subscription(id, end.clone().into());
        }
    }

    fn end_subscription(&mut self, id: SubscriptionId, end: SubscriptionEnd) {
        if self.drop_subscription(id).is_some() {
            let event = SubscriptionEvent::Ended(end);
            self.tell(Event::Subscription(id, event));
        }
    }

    fn drop_subscription(&mut self, id: SubscriptionId) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(id)?;
        self.timers.clear(Timer::Subscribe(id));
        if let Phase::Token(token) = subscription.phase {
            self.forget_token_request(token);
        }
        Some(subscription)
    }

    fn retry_subscription(&mut self, id: SubscriptionId) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.phase = Phase::Idle;
            let delay = subscription.backoff.next_ms(&mut self.random);
            self.set_timer(Timer::Subscribe(id), delay);
        }
    }

    /// Hands an event to the reader. One that is too far behind is paused: nothing is taken for it
    /// until it has caught up, and then it goes on from the last publication that it was given.
    fn deliver(&mut self, id: SubscriptionId, event: SubscriptionEvent) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        subscription.count_unread(event.weight());
        let pauses = subscription.phase == Phase::Live && subscription.is_full(&self.settings);
        self.tell(Event::Subscription(id, event));
        if pauses && let Some(subscription) = self.subscriptions.get_mut(id) {
            tracing::debug!(
                channel = subscription.channel,
                "paused: its reader is behind"
            );
            subscription.phase = Phase::Pausing;
            subscription.count_unread(SubscriptionEvent::Interrupted.weight());
            let channel = subscription.channel.clone();
            self.tell(Event::Subscription(id, SubscriptionEvent::Interrupted));
            self.send_unsubscribe(Some(id), &channel);
        }
    }

    fn send_unsubscribe(&mut self, whose: Option<SubscriptionId>, channel: &str) {
        if self.connection.is_online() {
            let id = self.asked.next_id();
            let text = Verb::Unsubscribe { channel }.encode(id);
            self.ask(Ask::Unsubscribe(whose), id, text);
        }
    }

    fn set_phase(&mut self, id: SubscriptionId, phase: Phase) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.phase = phase;
        }
    }

    fn live(&self, channel: &str) -> Option<SubscriptionId> {
        let id = self.subscriptions.of_channel(channel)?;
        let subscription = self.subscriptions.get(id)?;
        (subscription.phase == Phase::Live).then_some(id)
    }
}

/// The dialect's error code: the server has such a subscription already.
const ALREADY_SUBSCRIBED: u32 = 105;
/// The server ended a subscription with such a code or a higher one, and wants it back.
const COME_BACK: u32 = 2500;
/// The server ended a subscription because its token ran out.
const SUBSCRIPTION_EXPIRED: u32 = 2501;
/// A subscription that has stood for so long has not failed at once.
const STABLE_MS: u64 = 10_000;
