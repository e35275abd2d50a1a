//! One client's conversation: its state, and what every part of it shares.
//!
//! A driver calls one of the `handle_` functions for each thing that happens: a command, an answer to a question, a
//! delivery while a subscription is being made, an order, a timeout, a jump of the clock, the end. Each appends
//! effects, which the driver carries out in order.

use std::num::{NonZeroI64, NonZeroU16};
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::identity::{ClientId, ClientInfo, UserId};
use veche_protocol::payload::Payload;

use crate::namespace::ResolvedChannel;
use crate::permission::{self, Asker};
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::rule::Silent;
use crate::rules::Rules;
use crate::subscription::{Subscription, Subscriptions};
use crate::timers::{Spread, Timer, Timers};
use crate::turn::Turn;

mod answers;
mod commands;
mod ending;
pub(crate) mod extras;
mod init;
mod orders;
pub(crate) mod pending;
pub(crate) mod phase;
mod replies;
mod timeouts;

pub use init::{Emulation, SessionInit};

use extras::Extras;
use pending::PendingQuestions;
use phase::Phase;

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
    pending: PendingQuestions,
    /// The last number that was given to a question or to a subscription.
    last_number: u32,
    /// Commands that are not answered yet.
    in_progress: u32,
    pub(crate) profile: Profile,
    extras: Option<Box<Extras>>,
    /// Pings that were sent and not answered; more than one where a pong may have come unread.
    pub(crate) unanswered_pings: u8,
    pub(crate) is_reading: bool,
    /// Of the last ping, and one more.
    pub(crate) latency_ms: Option<NonZeroU16>,
}

impl Session {
    /// Begins a conversation; the client has `client.stale_close_delay` to connect.
    #[must_use]
    pub fn new(init: SessionInit, turn: &Turn<'_>) -> Self {
        let mut timers = Timers::new();
        let delay = turn.rules.client.stale_close_delay;
        let stale_at = turn.now.monotonic.saturating_add(delay);
        timers.set(Timer::Stale, stale_at);
        Self {
            client: init.client,
            user: init.user.unwrap_or_default(),
            info: None,
            expire_at: None,
            subscriptions: Subscriptions::default(),
            phase: Phase::New,
            timers,
            spread: Spread::new(init.seed),
            pending: PendingQuestions::default(),
            last_number: 0,
            in_progress: 0,
            profile: init.profile,
            extras: Extras::new(init.emulation, init.headers),
            unanswered_pings: 0,
            is_reading: true,
            latency_ms: None,
        }
    }

    /// How the server communicates with the client.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.profile
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
    ) -> Result<ResolvedChannel<'a>, Refusal> {
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
        self.last_number = self.last_number.wrapping_add(1);
        self.last_number
    }
}
