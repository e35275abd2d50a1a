//! Checks of what is published once although it was asked twice.

use veche_protocol::channel::Channel;
use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::identity::ClientId;
use veche_protocol::publication::PublishOptions;

use crate::conformance::{Bench, kept, offsets};

fn keyed(key: &str) -> PublishOptions {
    keyed_by(KeyOwner::Backend, key)
}

fn keyed_by(owner: KeyOwner, key: &str) -> PublishOptions {
    PublishOptions {
        idempotency_key: IdempotencyKey::parse(owner, key).expect("short enough"),
        ..kept(10, 60)
    }
}

fn versioned(version: u64, version_epoch: &str) -> PublishOptions {
    PublishOptions {
        version,
        version_epoch: version_epoch.into(),
        ..kept(10, 60)
    }
}

pub async fn the_same_idempotency_key_publishes_once(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let first = bench.publish(&channel, "1", &keyed("a")).await;
    bench.publish(&channel, "2", &keyed("b")).await;
    let again = bench.publish(&channel, "1", &keyed("a")).await;
    assert!(again.suppressed);
    assert_eq!(again.position, first.position);
    bench.publish(&channel, "3", &keyed("c")).await;
    let delivered = bench.sink.deliveries(3).await;
    assert_eq!(delivered.len(), 3);
    assert_eq!(offsets(&bench.read_all(&channel).await), [1, 2, 3]);
}

pub async fn idempotency_keys_are_per_channel(bench: Bench) {
    for name in ["news", "sport"] {
        let published = bench.publish(&name.into(), "1", &keyed("a")).await;
        assert!(!published.suppressed);
    }
}

pub async fn idempotency_keys_are_per_owner(bench: Bench) {
    let channel = Channel::new("news");
    let client = |byte| ClientId::from_random([byte; 16]);
    let owners = [
        KeyOwner::Client(client(1)),
        KeyOwner::Client(client(2)),
        KeyOwner::User("anna".into()),
        KeyOwner::User("bob".into()),
        KeyOwner::User(client(1).to_string().as_str().into()),
        KeyOwner::Backend,
    ];
    for is_repetition in [false, true] {
        for owner in &owners {
            let options = keyed_by(owner.clone(), "a");
            let published = bench.publish(&channel, "1", &options).await;
            assert_eq!(published.suppressed, is_repetition, "{owner:?}");
        }
    }
}

pub async fn idempotency_needs_no_history(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let unkept = PublishOptions {
        retention: None,
        ..keyed("a")
    };
    let first = bench.publish(&channel, "1", &unkept).await;
    let again = bench.publish(&channel, "1", &unkept).await;
    assert!(!first.suppressed && again.suppressed);
    assert_eq!(again.position, first.position);
    bench
        .publish(&channel, "2", &PublishOptions::default())
        .await;
    assert_eq!(bench.sink.deliveries(2).await.len(), 2);
}

pub async fn removing_history_keeps_idempotency_keys_and_versions(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &keyed("a")).await;
    bench.publish(&channel, "2", &versioned(5, "")).await;
    bench
        .broker
        .remove_history(&channel)
        .wait()
        .await
        .expect("up");
    assert!(bench.publish(&channel, "1", &keyed("a")).await.suppressed);
    assert!(
        bench
            .publish(&channel, "2", &versioned(5, ""))
            .await
            .suppressed
    );
}

pub async fn an_old_version_is_not_delivered(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let top = bench.publish(&channel, "1", &versioned(5, "")).await;
    for old in [5, 4, 1] {
        let again = bench.publish(&channel, "x", &versioned(old, "")).await;
        assert!(again.suppressed, "version {old}");
        assert_eq!(again.position, top.position);
    }
    let next = bench.publish(&channel, "2", &versioned(6, "")).await;
    assert!(!next.suppressed);
    let delivered = bench.sink.deliveries(2).await;
    let versions = delivered.iter().map(|(_, it)| it.publication.version);
    assert_eq!(versions.collect::<Vec<_>>(), [5, 6]);
}

pub async fn versions_of_another_epoch_are_not_compared(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &versioned(5, "a")).await;
    assert!(
        bench
            .publish(&channel, "2", &versioned(4, "a"))
            .await
            .suppressed
    );
    assert!(
        !bench
            .publish(&channel, "3", &versioned(1, "b"))
            .await
            .suppressed
    );
    assert!(
        !bench
            .publish(&channel, "4", &versioned(5, "a"))
            .await
            .suppressed
    );
}

pub async fn an_empty_version_epoch_is_compared_with_any(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &versioned(5, "a")).await;
    assert!(
        bench
            .publish(&channel, "2", &versioned(5, ""))
            .await
            .suppressed
    );
}

pub async fn a_publication_without_version_ends_the_comparison(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &versioned(5, "")).await;
    bench.publish(&channel, "2", &kept(10, 60)).await;
    assert!(
        !bench
            .publish(&channel, "3", &versioned(1, ""))
            .await
            .suppressed
    );
}

pub async fn versions_without_history_are_sent_and_not_compared(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let unkept = PublishOptions {
        retention: None,
        ..versioned(5, "")
    };
    for _ in 0..2 {
        assert!(!bench.publish(&channel, "1", &unkept).await.suppressed);
    }
    for (_, delivery) in bench.sink.deliveries(2).await {
        assert_eq!(delivery.publication.version, 5);
    }
}
