//! Checks of what becomes of a publication.

use std::collections::BTreeMap;
use std::sync::Arc;

use veche_protocol::channel::Channel;
use veche_protocol::position::{Epoch, StreamPosition};
use veche_protocol::publication::{PublishOptions, Retention};

use crate::conformance::{Bench, HOUR, client, kept, offsets, publication};

pub async fn offsets_count_from_one_within_one_epoch(bench: Bench) {
    let channel = Channel::new("news");
    let first = bench.publish(&channel, "1", &kept(10, 60)).await;
    let second = bench.publish(&channel, "2", &kept(10, 60)).await;
    assert_eq!(first.position.offset, 1);
    assert!(!first.position.epoch.is_empty());
    assert_eq!(
        second.position,
        StreamPosition::new(2, first.position.epoch.clone())
    );
    assert!(!first.suppressed && !second.suppressed);
    let page = bench.read_all(&channel).await;
    assert_eq!(page.position, second.position);
    assert_eq!(offsets(&page), [1, 2]);
}

pub async fn a_publication_is_delivered_with_its_position(bench: Bench) {
    let channel = Channel::new("news");
    bench
        .broker
        .subscribe(&channel)
        .wait()
        .await
        .expect("subscribed");
    let published = bench.publish(&channel, "{\"a\": 1}", &kept(10, 60)).await;
    let deliveries = bench.sink.deliveries(1).await;
    let (delivered_to, delivery) = &deliveries[0];
    assert_eq!(delivered_to, &channel);
    assert_eq!(delivery.publication.offset, published.position.offset);
    assert_eq!(delivery.epoch, published.position.epoch);
    assert_eq!(&delivery.publication.data.bytes()[..], b"{\"a\": 1}");
    assert!(!delivery.delta && delivery.previous.is_none());
}

pub async fn the_epoch_is_in_the_first_publication_alone(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let epoch = bench
        .publish(&channel, "1", &kept(10, 60))
        .await
        .position
        .epoch;
    bench.publish(&channel, "2", &kept(10, 60)).await;
    for (_, delivery) in bench.sink.deliveries(2).await {
        let expected = if delivery.publication.offset == 1 {
            epoch.clone()
        } else {
            Epoch::default()
        };
        assert_eq!(delivery.publication.epoch, expected);
    }
    let page = bench.read_all(&channel).await;
    assert_eq!(page.publications[0].epoch, epoch);
    assert!(page.publications[1].epoch.is_empty());
}

pub async fn a_channel_without_history_has_no_offsets(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    for data in ["1", "2"] {
        let published = bench
            .publish(&channel, data, &PublishOptions::default())
            .await;
        assert_eq!(published.position, StreamPosition::default());
        assert!(!published.suppressed);
    }
    for (_, delivery) in bench.sink.deliveries(2).await {
        assert_eq!(delivery.publication.offset, 0);
        assert!(delivery.epoch.is_empty() && delivery.publication.epoch.is_empty());
    }
}

pub async fn a_publication_that_skips_history_has_no_offset(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    bench.publish(&channel, "1", &kept(10, 60)).await;
    bench
        .publish(&channel, "2", &PublishOptions::default())
        .await;
    bench.publish(&channel, "3", &kept(10, 60)).await;
    let deliveries = bench.sink.deliveries(3).await;
    let delivered = deliveries.iter().map(|(_, it)| it.publication.offset);
    assert_eq!(delivered.collect::<Vec<_>>(), [1, 0, 2]);
    assert_eq!(offsets(&bench.read_all(&channel).await), [1, 2]);
}

pub async fn the_publishing_time_is_set_unless_known(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &kept(10, 60)).await;
    let mut known = publication("2");
    known.time_ms = 1_234;
    let published = bench.broker.publish(&channel, known, &kept(10, 60));
    published.wait().await.expect("up");
    let page = bench.read_all(&channel).await;
    assert!(page.publications[0].time_ms > 1_600_000_000_000);
    assert_eq!(page.publications[1].time_ms, 1_234);
}

pub async fn everything_of_a_publication_survives_the_stream(bench: Bench) {
    let channel = Channel::new("news");
    let mut sent = publication("{\"text\" : \"\\u0041\"}");
    sent.info = Some(Arc::new(client(1, "anna")));
    sent.tags = Some(Arc::new(BTreeMap::from([("a".into(), "b".into())])));
    sent.time_ms = 5;
    let options = PublishOptions {
        version: 7,
        ..kept(10, 60)
    };
    let published = bench.broker.publish(&channel, sent.clone(), &options);
    let position = published.wait().await.expect("up").position;
    sent.offset = 1;
    sent.epoch = position.epoch;
    sent.version = 7;
    assert_eq!(*bench.read_all(&channel).await.publications[0], sent);
}

pub async fn only_the_last_publications_are_kept(bench: Bench) {
    let channel = Channel::new("news");
    for data in ["1", "2", "3", "4"] {
        bench.publish(&channel, data, &kept(3, 60)).await;
    }
    assert_eq!(offsets(&bench.read_all(&channel).await), [2, 3, 4]);
    bench.publish(&channel, "5", &kept(1, 60)).await;
    let page = bench.read_all(&channel).await;
    assert_eq!(offsets(&page), [5]);
    assert_eq!(page.position.offset, 5);
}

pub async fn publications_go_their_time_after_the_last_one(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &kept(10, 3)).await;
    bench.pass_secs(2).await;
    let position = bench.publish(&channel, "2", &kept(10, 3)).await.position;
    bench.pass_secs(2).await;
    assert_eq!(offsets(&bench.read_all(&channel).await), [1, 2]);
    bench.pass_secs(2).await;
    let page = bench.read_all(&channel).await;
    assert_eq!(offsets(&page), Vec::<u64>::new());
    assert_eq!(page.position, position);
    bench.publish(&channel, "3", &kept(10, 3)).await;
    assert_eq!(offsets(&bench.read_all(&channel).await), [3]);
}

pub async fn a_shorter_time_of_the_last_one_counts(bench: Bench) {
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &kept(10, 3000)).await;
    bench.publish(&channel, "2", &kept(10, 2)).await;
    assert_eq!(offsets(&bench.read_all(&channel).await), [1, 2]);
    bench.pass_secs(3).await;
    assert_eq!(offsets(&bench.read_all(&channel).await), Vec::<u64>::new());
}

pub async fn the_position_goes_its_time_after_the_last_use(bench: Bench) {
    let channel = Channel::new("news");
    let options = PublishOptions {
        retention: Some(Retention {
            meta_ttl: std::time::Duration::from_secs(2),
            ..kept(10, 60).retention.expect("kept")
        }),
        ..PublishOptions::default()
    };
    let before = bench.publish(&channel, "1", &options).await.position;
    bench.pass_secs(3).await;
    let after = bench.publish(&channel, "2", &options).await.position;
    assert_eq!(after.offset, 1);
    assert_ne!(after.epoch, before.epoch);
    bench.read_all(&channel).await; // Its query keeps the position for an hour.
    bench.pass_secs(HOUR.as_secs() / 1200).await;
    assert_eq!(bench.read_all(&channel).await.position, after);
}
