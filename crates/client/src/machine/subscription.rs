//! A declared subscription, and the table of all of them.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use super::backoff::Backoff;
use super::output::{SubscriptionId, TokenId, TokenReason};
use super::progress::Progress;
use super::settings::Settings;
use crate::position::Position;
use crate::wire::{Verb, since};

/// What a subscription asks for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// Names of events that are wanted; empty for all. At most 64, of 4096 bytes together.
    pub events: Vec<String>,
    /// The tags filter of the Centrifuge dialects; needs `allow_tags_filter` on the server.
    pub filter: Option<Box<RawValue>>,
    /// So many recent publications come first, unless the subscription resumes.
    pub history: u32,
    /// Who is there, comes and goes is wanted.
    pub presence: bool,
    /// Go on from here.
    pub since: Option<Position>,
    /// The channel needs a token of its own, which the application is asked for.
    pub has_token: bool,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) channel: String,
    pub(super) options: SubscribeOptions,
    pub(super) phase: Phase,
    pub(super) progress: Progress,
    pub(super) backoff: Backoff,
    pub(super) token: Option<String>,
    pub(super) token_reason: TokenReason,
    /// Since when it stands.
    pub(super) live_since: u64,
    unread: usize,
    unread_bytes: usize,
}

/// How far a subscription is on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not asked for yet: there is no connection, or the next attempt has its time.
    Idle,
    /// The application is asked for its token.
    Token(TokenId),
    /// Asked for.
    Subscribing,
    /// It stands.
    Live,
    /// The reader is behind, so the server is asked to stop.
    Pausing,
    /// The reader is behind, and the server sends nothing.
    Paused,
}

impl Subscription {
    pub(super) fn new(channel: String, options: SubscribeOptions, settings: &Settings) -> Self {
        Self {
            channel,
            phase: Phase::Idle,
            progress: Progress::since(options.since.clone()),
            options,
            backoff: settings.backoff(),
            token: None,
            token_reason: TokenReason::First,
            live_since: 0,
            unread: 0,
            unread_bytes: 0,
        }
    }

    pub(super) fn verb(&self) -> Verb<'_> {
        Verb::Subscribe {
            channel: &self.channel,
            token: self.token.as_deref(),
            events: &self.options.events,
            filter: self.options.filter.as_deref(),
            since: since(self.progress.at()),
            history: self.options.history,
            presence: self.options.presence,
        }
    }

    /// Bytes of the action that asks for it.
    pub(super) fn frame_len(&self) -> usize {
        self.verb().encode(u64::MAX).len()
    }

    pub(super) fn count_unread(&mut self, bytes: usize) {
        self.unread += 1;
        self.unread_bytes += bytes;
    }

    pub(super) fn count_read(&mut self, events: usize, bytes: usize) {
        self.unread = self.unread.saturating_sub(events);
        self.unread_bytes = self.unread_bytes.saturating_sub(bytes);
    }

    /// Whether the reader is so far behind that nothing more is taken for it.
    pub(super) fn is_full(&self, settings: &Settings) -> bool {
        self.unread >= settings.max_unread || self.unread_bytes >= settings.max_unread_bytes
    }

    /// Whether the reader has caught up enough to go on.
    pub(super) fn has_room(&self, settings: &Settings) -> bool {
        self.unread <= settings.max_unread / 2 && self.unread_bytes <= settings.max_unread_bytes / 2
    }
}

/// All that are declared, at most one for each channel.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    last_id: u64,
    by_id: BTreeMap<SubscriptionId, Subscription>,
    by_channel: HashMap<String, SubscriptionId>,
}

impl Subscriptions {
    pub(super) fn insert(&mut self, subscription: Subscription) -> SubscriptionId {
        self.last_id += 1;
        let id = SubscriptionId(self.last_id);
        self.by_channel.insert(subscription.channel.clone(), id);
        self.by_id.insert(id, subscription);
        id
    }

    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<Subscription> {
        let subscription = self.by_id.remove(&id)?;
        self.by_channel.remove(&subscription.channel);
        Some(subscription)
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.by_id.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.by_id.get_mut(&id)
    }

    pub(super) fn of_channel(&self, channel: &str) -> Option<SubscriptionId> {
        self.by_channel.get(channel).copied()
    }

    pub(super) fn ids(&self) -> Vec<SubscriptionId> {
        self.by_id.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }
}
