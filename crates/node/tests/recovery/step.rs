//! What can happen, and how it is drawn.

use proptest::prelude::*;

use crate::client::Kind;
use crate::dialect::{Dialect, Filter};
use crate::world::{CHANNELS, CLIENTS};

/// How the world is built.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) workers: usize,
    pub(crate) is_slow: bool,
    /// The engine is the one on disk.
    pub(crate) is_durable: bool,
    pub(crate) small_inboxes: bool,
    /// The channel in which most happens.
    pub(crate) hot: usize,
    pub(crate) kinds: Vec<Kind>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (workers, kinds) = (self.workers, &self.kinds);
        let (slow, small, hot) = (self.is_slow, self.small_inboxes, CHANNELS[self.hot]);
        let durable = self.is_durable;
        write!(
            f,
            "{workers} workers, slow: {slow}, on disk: {durable}, small inboxes: {small}, hot: {hot}, {kinds:?}"
        )
    }
}

/// What happens next, if it can.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A client connects at a worker, and asks for the server-side subscriptions that it had.
    Connect {
        client: usize,
        worker: usize,
    },
    /// A client's connection breaks.
    Cut {
        client: usize,
    },
    Subscribe {
        client: usize,
        channel: usize,
        recovers: bool,
        positioned: bool,
        rejects: bool,
        filter: Filter,
        invented: Invented,
    },
    Unsubscribe {
        client: usize,
        channel: usize,
    },
    ApiPublish {
        channel: usize,
        tag: Option<&'static str>,
        body: Body,
        key: Option<u8>,
        version: Option<u64>,
        delta: bool,
        skips_history: bool,
    },
    ClientPublish {
        client: usize,
        channel: usize,
        body: Body,
    },
    ApiSubscribe {
        client: usize,
        channel: usize,
        recovers: bool,
    },
    ApiUnsubscribe {
        client: usize,
        channel: Option<usize>,
    },
    ApiDisconnect {
        client: usize,
    },
    RemoveHistory {
        channel: usize,
    },
    /// The next delivery of a channel is lost, and the engine notices or not.
    Lose {
        channel: usize,
        is_told: bool,
    },
    /// The engine was away.
    Resume,
    /// The engine has lost everything.
    Restart,
    /// The engine's next requests fail.
    Fail {
        count: usize,
    },
    Pass {
        millis: u64,
    },
    /// The client's bytes come to its worker.
    Send {
        client: usize,
    },
    /// The client reads some of what came.
    Hear {
        client: usize,
        most: usize,
    },
    /// A worker has a turn.
    Act {
        worker: usize,
    },
    /// A request under way at the engine goes on.
    Engine {
        which: usize,
    },
    /// What runs beside the workers goes on.
    Control,
    /// Everything that is on its way arrives.
    Settle,
}

impl Step {
    /// The channel that it is about.
    pub(crate) fn channel(&mut self) -> Option<&mut usize> {
        match self {
            Self::Subscribe { channel, .. }
            | Self::Unsubscribe { channel, .. }
            | Self::ApiPublish { channel, .. }
            | Self::ClientPublish { channel, .. }
            | Self::ApiSubscribe { channel, .. }
            | Self::RemoveHistory { channel }
            | Self::Lose { channel, .. } => Some(channel),
            Self::ApiUnsubscribe { channel, .. } => channel.as_mut(),
            _ => None,
        }
    }
}

/// Positions that no server gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invented {
    No,
    OtherEpoch,
    NoEpoch,
    Future,
    Beginning,
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) size: usize,
    /// Like the one before it, but for a few characters.
    pub(crate) is_alike: bool,
    pub(crate) is_binary: bool,
}

fn kind() -> impl Strategy<Value = Kind> {
    let dialect = prop_oneof![
        3 => Just(Dialect::Json),
        2 => Just(Dialect::Protobuf),
        1 => Just(Dialect::Plain),
    ];
    (dialect, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(dialect, deflate, delta, compact)| Kind {
            dialect,
            deflate,
            delta: delta && dialect != Dialect::Plain,
            compact: compact && dialect != Dialect::Plain,
        },
    )
}

pub(crate) fn setup(workers: usize) -> impl Strategy<Value = Setup> {
    let kinds = proptest::collection::vec(kind(), CLIENTS);
    let inboxes = prop_oneof![5 => Just(false), 1 => Just(true)];
    let hot = 0..CHANNELS.len();
    (any::<bool>(), inboxes, hot, kinds).prop_map(move |(is_slow, small_inboxes, hot, kinds)| {
        Setup {
            workers,
            is_slow,
            is_durable: false,
            small_inboxes,
            hot,
            kinds,
        }
    })
}

/// The same with the engine on disk.
pub(crate) fn durable(workers: usize) -> impl Strategy<Value = Setup> {
    setup(workers).prop_map(|setup| Setup {
        is_durable: true,
        ..setup
    })
}

/// Any channel; beyond the last stands the hot one.
fn channel() -> impl Strategy<Value = usize> + Clone {
    0..3 * CHANNELS.len()
}

fn body() -> impl Strategy<Value = Body> {
    let size = prop_oneof![4 => Just(10_usize), 4 => Just(150), 1 => Just(3000), 1 => Just(30_000)];
    let is_binary = prop_oneof![5 => Just(false), 1 => Just(true)];
    (size, any::<bool>(), is_binary).prop_map(|(size, is_alike, is_binary)| Body {
        size,
        is_alike,
        is_binary,
    })
}

fn rarely() -> impl Strategy<Value = bool> {
    prop_oneof![9 => Just(false), 1 => Just(true)]
}

fn subscribe() -> impl Strategy<Value = Step> {
    let filter =
        prop_oneof![2 => Just(Filter::All), 1 => proptest::sample::select(&Filter::ANY[..])];
    let invented = prop_oneof![
        12 => Just(Invented::No),
        1 => Just(Invented::OtherEpoch),
        1 => Just(Invented::NoEpoch),
        1 => Just(Invented::Future),
        1 => Just(Invented::Beginning),
    ];
    let recovers = prop_oneof![1 => Just(false), 5 => Just(true)];
    let flags = (recovers, any::<bool>(), rarely());
    (0..CLIENTS, channel(), flags, filter, invented).prop_map(
        |(client, channel, (recovers, positioned, rejects), filter, invented)| Step::Subscribe {
            client,
            channel,
            recovers,
            positioned,
            rejects,
            filter,
            invented,
        },
    )
}

fn publish() -> impl Strategy<Value = Step> {
    let tag = proptest::sample::select(&[None, Some("a"), Some("b"), Some("c")][..]);
    let key = prop_oneof![6 => Just(None), 1 => (0..4_u8).prop_map(Some)];
    let version = prop_oneof![6 => Just(None), 1 => (1..6_u64).prop_map(Some)];
    let flags = (any::<bool>(), rarely());
    (channel(), tag, body(), key, version, flags).prop_map(
        |(channel, tag, body, key, version, (delta, skips_history))| Step::ApiPublish {
            channel,
            tag,
            body,
            key,
            version,
            delta,
            skips_history,
        },
    )
}

/// What the API, the engine and the clock do.
fn world() -> impl Strategy<Value = Step> {
    let (client, channel) = (0..CLIENTS, channel());
    prop_oneof![
        1 => (client.clone(), channel.clone(), any::<bool>()).prop_map(|(client, channel, recovers)| {
            Step::ApiSubscribe {
                client,
                channel,
                recovers,
            }
        }),
        1 => (client.clone(), proptest::option::weighted(0.8, channel.clone()))
            .prop_map(|(client, channel)| Step::ApiUnsubscribe { client, channel }),
        1 => client.prop_map(|client| Step::ApiDisconnect { client }),
        1 => channel.clone().prop_map(|channel| Step::RemoveHistory { channel }),
        2 => (channel, any::<bool>()).prop_map(|(channel, is_told)| Step::Lose { channel, is_told }),
        1 => Just(Step::Resume),
        1 => Just(Step::Restart),
        1 => (1..3_usize).prop_map(|count| Step::Fail { count }),
        2 => prop_oneof![Just(400), Just(5_000), Just(31_000), Just(130_000)]
            .prop_map(|millis| Step::Pass { millis }),
    ]
}

fn step(workers: usize) -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    let most = prop_oneof![1 => Just(7_usize), 3 => Just(1000), 4 => Just(100_000)];
    prop_oneof![
        6 => (client.clone(), 0..workers).prop_map(|(client, worker)| Step::Connect { client, worker }),
        2 => client.clone().prop_map(|client| Step::Cut { client }),
        20 => subscribe(),
        6 => (client.clone(), channel())
            .prop_map(|(client, channel)| Step::Unsubscribe { client, channel }),
        20 => publish(),
        4 => (client.clone(), channel(), body())
            .prop_map(|(client, channel, body)| Step::ClientPublish { client, channel, body }),
        6 => world(),
        14 => client.clone().prop_map(|client| Step::Send { client }),
        14 => (client, most).prop_map(|(client, most)| Step::Hear { client, most }),
        20 => (0..workers).prop_map(|worker| Step::Act { worker }),
        14 => (0..64_usize).prop_map(|which| Step::Engine { which }),
        6 => Just(Step::Control),
        2 => Just(Step::Settle),
    ]
}

/// Steps, printed a line each.
#[derive(Clone)]
pub(crate) struct Script(pub(crate) Vec<Step>);

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "\n{step:?}"))
    }
}

pub(crate) fn script(workers: usize) -> impl Strategy<Value = Script> {
    proptest::collection::vec(step(workers), 1..300).prop_map(Script)
}
