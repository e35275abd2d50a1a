//! Checks of deltas, joins and leaves, and presence.

use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::identity::ClientInfo;
use veche_protocol::publication::PublishOptions;

use crate::conformance::recorder::Told;
use crate::conformance::{Bench, client, kept, offsets};

pub async fn a_delta_comes_with_the_publication_before_it(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let delta = PublishOptions {
        delta: true,
        ..kept(10, 60)
    };
    for data in ["1", "2"] {
        bench.publish(&channel, data, &delta).await;
    }
    bench.publish(&channel, "3", &kept(10, 60)).await;
    bench.publish(&channel, "4", &delta).await;
    bench
        .broker
        .remove_history(&channel)
        .wait()
        .await
        .expect("up");
    bench.publish(&channel, "5", &delta).await;
    let deliveries = bench.sink.deliveries(5).await;
    let seen = deliveries.iter().map(|(_, delivery)| {
        let previous = delivery.previous.as_ref().map_or(0, |it| it.offset);
        (delivery.publication.offset, delivery.delta, previous)
    });
    let expected = [
        (1, true, 0),
        (2, true, 1),
        (3, false, 0),
        (4, true, 3),
        (5, true, 0),
    ];
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}

pub async fn joins_and_leaves_are_told_and_not_kept(bench: Bench) {
    let channel = Channel::new("news");
    bench.broker.subscribe(&channel).wait().await.expect("up");
    let anna = Arc::new(client(1, "anna"));
    let join = bench.broker.publish_join(&channel, Arc::clone(&anna));
    join.wait().await.expect("up");
    let leave = bench.broker.publish_leave(&channel, Arc::clone(&anna));
    leave.wait().await.expect("up");
    let told = bench.sink.told(2).await;
    assert!(
        matches!(&told[..], [Told::Join(c1, i1), Told::Leave(c2, i2)]
            if (c1, i1) == (&channel, &anna) && (c2, i2) == (&channel, &anna)),
        "{told:?}"
    );
    let page = bench.read_all(&channel).await;
    assert_eq!((offsets(&page).len(), page.position.offset), (0, 0));
}

pub async fn channels_do_not_touch_each_other(bench: Bench) {
    let names: Vec<Channel> = (0..100).map(|i| format!("news:{i}").into()).collect();
    for name in &names {
        bench.publish(name, "1", &kept(10, 60)).await;
    }
    bench
        .broker
        .remove_history(&names[0])
        .wait()
        .await
        .expect("up");
    assert!(offsets(&bench.read_all(&names[0]).await).is_empty());
    for name in &names[1..] {
        assert_eq!(offsets(&bench.read_all(name).await), [1], "{name}");
    }
}

async fn add(bench: &Bench, channel: &Channel, info: &ClientInfo, ttl_secs: u64) {
    let ttl = Duration::from_secs(ttl_secs);
    let added = bench.presence.add(channel, info, ttl);
    added.wait().await.expect("up");
}

async fn present(bench: &Bench, channel: &Channel) -> Vec<ClientInfo> {
    let mut present = bench.presence.presence(channel).wait().await.expect("up");
    present.sort_by_key(|info| info.client);
    present
}

pub async fn whoever_was_added_is_present_until_removed(bench: Bench) {
    let channel = Channel::new("news");
    let mut anna = client(1, "anna");
    let boris = client(2, "boris");
    add(&bench, &channel, &anna, 60).await;
    add(&bench, &channel, &boris, 60).await;
    anna.chan_info = Some(veche_protocol::payload::Payload::json("{}".into()));
    add(&bench, &channel, &anna, 60).await;
    let both = present(&bench, &channel).await;
    assert_eq!(both, [anna.clone(), boris.clone()]);
    let removed = bench.presence.remove(&channel, anna.client, &anna.user);
    removed.wait().await.expect("up");
    assert_eq!(
        present(&bench, &channel).await,
        std::slice::from_ref(&boris)
    );
    let removed = bench.presence.remove(&channel, anna.client, &anna.user);
    assert_eq!(removed.wait().await, Ok(()));
    assert!(present(&bench, &Channel::new("sport")).await.is_empty());
}

pub async fn presence_ends_when_it_is_not_refreshed(bench: Bench) {
    let channel = Channel::new("news");
    let (anna, boris) = (client(1, "anna"), client(2, "boris"));
    add(&bench, &channel, &anna, 3).await;
    add(&bench, &channel, &boris, 3).await;
    bench.pass_secs(2).await;
    add(&bench, &channel, &anna, 3).await;
    bench.pass_secs(2).await;
    assert_eq!(present(&bench, &channel).await, std::slice::from_ref(&anna));
    let stats = bench.presence.stats(&channel).wait().await.expect("up");
    assert_eq!((stats.num_clients, stats.num_users), (1, 1));
    bench.pass_secs(2).await;
    assert!(present(&bench, &channel).await.is_empty());
    add(&bench, &channel, &boris, 3).await;
    assert_eq!(present(&bench, &channel).await, [boris]);
}

pub async fn presence_counts_clients_and_users(bench: Bench) {
    let channel = Channel::new("news");
    for (number, user) in [(1, "anna"), (2, "anna"), (3, "boris"), (4, "")] {
        add(&bench, &channel, &client(number, user), 60).await;
    }
    let stats = bench.presence.stats(&channel).wait().await.expect("up");
    assert_eq!((stats.num_clients, stats.num_users), (4, 3));
    let nobody = bench.presence.stats(&Channel::new("sport"));
    let nobody = nobody.wait().await.expect("up");
    assert_eq!((nobody.num_clients, nobody.num_users), (0, 0));
}
