//! The rules of the world: a channel of each kind.

use std::sync::Arc;
use std::time::Duration;

use veche_protocol::publication::Retention;
use veche_session::rules::{ChannelOptions, RecoveryMode, Rules};

pub(crate) const CLIENTS: usize = 4;
/// Two that recover a few publications, one that recovers many and makes deltas of all, one that recovers the latest,
/// one whose position is watched only if that is asked for, one without history.
pub(crate) const CHANNELS: [&str; 6] = [
    "stream:1", "stream:2", "long:1", "cache:1", "asked:1", "live:1",
];

pub(super) const RECOVERY_LIMIT: u64 = 20;
pub(super) const CHECK_DELAY: Duration = Duration::from_secs(10);

const META_TTL: Duration = Duration::from_secs(120);

pub(super) fn rules() -> Rules {
    let open = ChannelOptions {
        history_meta_ttl: META_TTL,
        allow_subscribe_for_client: true,
        allow_publish_for_client: true,
        allow_tags_filter: true,
        allow_fossil_delta: true,
        allow_channel_compaction: true,
        ..ChannelOptions::default()
    };
    let keeping = |size, ttl| {
        Some(Retention {
            size,
            ttl: Duration::from_secs(ttl),
            meta_ttl: META_TTL,
        })
    };
    let stream = ChannelOptions {
        retention: keeping(8, 30),
        force_recovery: true,
        ..open.clone()
    };
    let long = ChannelOptions {
        retention: keeping(100, 60),
        delta_publish: true,
        ..stream.clone()
    };
    let cache = ChannelOptions {
        retention: keeping(3, 60),
        recovery_mode: RecoveryMode::Cache,
        ..stream.clone()
    };
    let asked = ChannelOptions {
        retention: keeping(5, 60),
        allow_positioning: true,
        allow_recovery: true,
        ..open.clone()
    };
    let mut rules = Rules::default();
    rules.client.ping_interval = None;
    rules.client.concurrency = 4;
    rules.client.stale_close_delay = Duration::from_hours(1000);
    rules.client.position_check_delay = CHECK_DELAY;
    rules.client.recovery_max_publication_limit =
        usize::try_from(RECOVERY_LIMIT).expect("a small number");
    let all = [
        ("stream", stream),
        ("long", long),
        ("cache", cache),
        ("asked", asked),
        ("live", open),
    ];
    for (name, options) in all {
        let options = ChannelOptions {
            namespace: name.into(),
            ..options
        };
        (rules.channel.namespaces).insert(name.into(), Arc::new(options));
    }
    rules
}
