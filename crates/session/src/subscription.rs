//! One session in one channel: being made, or live.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use veche_protocol::channel::Channel;
use veche_protocol::claims::SubscriptionOptions;
use veche_protocol::filter::Filter;
use veche_protocol::history::Page;
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Publication;
use veche_protocol::push::Unsubscribe;

use crate::namespace::ResolvedChannel;
use crate::rule::Rule;
use crate::rules::RecoveryMode;

pub(crate) mod buffer;
pub(crate) mod request;

use buffer::Buffer;
use request::RecoveryRequest;

/// One session in one channel.
#[derive(Debug)]
pub(crate) enum Subscription {
    /// The session waits for an answer to a question; publications of the channel are buffered meanwhile.
    Making(Box<Making>),
    /// Attached to the hub, which delivers and keeps the position.
    Live(Live),
}

/// What a session keeps of a subscription that the hub serves.
#[derive(Debug)]
pub(crate) struct Live {
    /// What others are told about the client in this channel.
    pub info: Option<Box<Payload>>,
    /// When the subscription ends, in seconds of Unix time.
    pub expire_at: Option<i64>,
    /// Tells this subscription from an earlier one in the same channel.
    pub generation: u32,
    pub source: Source,
    pub presence: bool,
    pub emits_join_leave: bool,
}

/// Who asked for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The client, by command, as this rule allowed.
    Client(Rule),
    /// The connection token.
    ConnectionToken,
    /// The application, as it said who the client is.
    ConnectProxy,
    /// The rules, which give each user a channel.
    Personal,
    /// The client, with `connect`.
    ConnectRequest,
    /// The server API.
    Order,
}

impl Source {
    /// Whether the server made the subscription: the client can't make it again by itself, so what would end it ends
    /// the connection.
    pub(crate) fn is_server_side(self) -> bool {
        !matches!(self, Self::Client(_))
    }

    /// As the server API tells it.
    ///
    /// Source: server API, `ChannelContext.source`.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::ConnectionToken => 1,
            Self::ConnectProxy => 2,
            Self::Client(Rule::Token) => 3,
            Self::Client(Rule::SubscribeProxy) => 4,
            Self::Client(Rule::UserLimited) => 5,
            Self::Client(Rule::Insecure) => 7,
            // No other rule allows a subscription but that for all clients.
            Self::Client(_) => 6,
            Self::ConnectRequest => 8,
            Self::Personal => 9,
            Self::Order => 10,
        }
    }
}

/// A subscription that is being made.
#[derive(Debug)]
pub(crate) struct Making {
    pub source: Source,
    /// The command to answer; 0 where it is no command of its own.
    pub reply_to: u32,
    pub recovery: RecoveryRequest,
    pub stage: Stage,
    pub grant: Grant,
    pub buffer: Buffer,
    pub generation: u32,
    pub afterwards: Option<Box<Afterwards>>,
}

/// How far a subscription has come.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Its token is being checked, or the application asked; the command waits for that.
    Asked(Box<veche_protocol::command::Subscribe>),
    /// Delivery is being begun.
    Entering,
    /// The client is being made present.
    Presence,
    /// The stream is being read.
    History,
    /// All is known; the page is there if the position is watched.
    Ready(Option<Page>),
}

/// What is to be done as soon as the subscription is there, or is not.
#[derive(Debug, Default)]
pub(crate) struct Afterwards {
    /// `unsubscribe` commands to answer.
    pub replies: SmallVec<[u32; 1]>,
    /// The server ended the subscription.
    pub push: Option<Unsubscribe>,
    /// The server wants it otherwise.
    pub again: Option<(SubscriptionOptions, Option<StreamPosition>)>,
}

/// How a subscription is made.
#[derive(Debug, Default)]
pub(crate) struct Grant {
    pub presence: bool,
    pub emits_join_leave: bool,
    pub sees_join_leave: bool,
    pub positioned: bool,
    pub recoverable: bool,
    pub mode: RecoveryMode,
    /// Brings the latest publication also where it was not asked for.
    pub recovers_unasked: bool,
    pub meta_ttl: Duration,
    pub expire_at: Option<i64>,
    pub info: Option<Payload>,
    pub data: Option<Payload>,
    pub filter: Option<Arc<Filter>>,
    /// Whether publications may be deltas.
    pub delta: bool,
    pub compaction: Compaction,
}

/// Whether the client hears the channel's name or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compaction {
    #[default]
    Off,
    /// The number is to be found out.
    Requested,
    Id(i64),
}

impl Grant {
    /// What the channel's options and the application's wishes give.
    pub(crate) fn new(resolved: &ResolvedChannel<'_>, wishes: SubscriptionOptions) -> Self {
        let (options, wish) = (resolved.options, wishes.overrides);
        Self {
            presence: wish.presence.unwrap_or(options.presence),
            emits_join_leave: wish.join_leave.unwrap_or(options.join_leave),
            sees_join_leave: wish
                .force_push_join_leave
                .unwrap_or(options.force_push_join_leave),
            positioned: wish.force_positioning.unwrap_or(options.force_positioning),
            recoverable: wish.force_recovery.unwrap_or(options.force_recovery),
            mode: options.recovery_mode,
            recovers_unasked: (options.auto_cache_recover || wishes.cache_recover)
                && options.recovery_mode == RecoveryMode::Cache,
            meta_ttl: options.history_meta_ttl,
            expire_at: wishes.expire_at,
            info: wishes.info,
            data: wishes.data,
            filter: None,
            delta: false,
            compaction: Compaction::Off,
        }
    }

    /// Whether the subscriber is to get what it missed.
    pub(crate) fn recovers(&self, request: &RecoveryRequest) -> bool {
        self.recoverable && (request.recover || self.recovers_unasked)
    }

    /// Gives deltas, where they are wanted and allowed. Where the position is not watched, all come whole.
    pub(crate) fn offer_delta(&mut self, requested: &str, resolved: &ResolvedChannel<'_>) {
        self.delta = requested == FOSSIL && resolved.options.allow_fossil_delta;
    }

    /// Whether a publication passes the filter.
    pub(crate) fn wants(&self, publication: &Publication) -> bool {
        let filter = self.filter.as_ref();
        filter.is_none_or(|filter| filter.wants(publication))
    }

    /// Whether the position is watched; recovery implies it.
    pub(crate) fn has_position(&self) -> bool {
        self.positioned || self.recoverable
    }
}

/// The one encoding of deltas.
pub(crate) const FOSSIL: &str = "fossil";

/// The subscriptions of one session, ordered by channel.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions(SmallVec<[(Channel, Subscription); 1]>);

impl Subscriptions {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, channel: &str) -> Option<&Subscription> {
        let at = self.find(channel).ok()?;
        self.0.get(at).map(|(_, subscription)| subscription)
    }

    pub(crate) fn get_mut(&mut self, channel: &str) -> Option<&mut Subscription> {
        let at = self.find(channel).ok()?;
        self.0.get_mut(at).map(|(_, subscription)| subscription)
    }

    pub(crate) fn live(&self, channel: &str) -> Option<&Live> {
        match self.get(channel) {
            Some(Subscription::Live(live)) => Some(live),
            Some(Subscription::Making(_)) | None => None,
        }
    }

    pub(crate) fn making(&mut self, channel: &str) -> Option<&mut Making> {
        match self.get_mut(channel) {
            Some(Subscription::Making(making)) => Some(making),
            Some(Subscription::Live(_)) | None => None,
        }
    }

    /// Puts a subscription in the place of what was there.
    pub(crate) fn insert(&mut self, channel: Channel, subscription: Subscription) {
        match self.find(channel.as_str()) {
            Ok(at) => {
                if let Some(resolved) = self.0.get_mut(at) {
                    resolved.1 = subscription;
                }
            }
            Err(at) => {
                // Most clients have few channels; what is kept should not be twice what is used.
                self.0.reserve_exact(1);
                self.0.insert(at, (channel, subscription));
            }
        }
    }

    pub(crate) fn remove(&mut self, channel: &str) -> Option<(Channel, Subscription)> {
        let at = self.find(channel).ok()?;
        Some(self.0.remove(at))
    }

    /// Takes a subscription that is being made, and leaves one that is live.
    pub(crate) fn take_making(&mut self, channel: &str) -> Option<(Channel, Box<Making>)> {
        self.making(channel)?;
        match self.remove(channel)? {
            (channel, Subscription::Making(making)) => Some((channel, making)),
            (_, Subscription::Live(_)) => None,
        }
    }

    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = (Channel, Subscription)> + use<> {
        std::mem::take(&mut self.0).into_iter()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Channel, &Subscription)> {
        self.0
            .iter()
            .map(|(channel, subscription)| (channel, subscription))
    }

    fn find(&self, channel: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(held, _)| held.as_str().cmp(channel))
    }
}
