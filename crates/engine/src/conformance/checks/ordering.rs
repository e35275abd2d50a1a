//! In which order calls take effect, also when nobody waits for their answers.

use std::sync::Arc;
use std::time::Duration;

use veche_protocol::channel::Channel;

use crate::conformance::recorder::Told;
use crate::conformance::{Bench, client, kept, offsets, publication, query};

const MINUTE: Duration = Duration::from_secs(60);

pub async fn calls_for_a_channel_take_effect_in_their_order(bench: Bench) {
    let (channel, options) = (Channel::new("news"), kept(100, 60));
    let publish = |data: &str| bench.broker.publish(&channel, publication(data), &options);
    bench.broker.subscribe(&channel).wait().await.expect("up");
    // Nothing is waited for before everything is asked.
    let first: Vec<_> = (1..=10).map(|n| publish(&n.to_string())).collect();
    let read = bench.broker.history(&channel, &query());
    let second: Vec<_> = (11..=15).map(|n| publish(&n.to_string())).collect();
    let removed = bench.broker.remove_history(&channel);
    let third = publish("16");
    let read_again = bench.broker.history(&channel, &query());

    let page = read_again.wait().await.expect("up");
    assert_eq!((offsets(&page), page.position.offset), (vec![16], 16));
    let published = third.wait().await.expect("up");
    assert_eq!(published.position.offset, 16);
    removed.wait().await.expect("up");
    for (offset, published) in (11..=15).zip(second) {
        assert_eq!(published.wait().await.expect("up").position.offset, offset);
    }
    let page = read.wait().await.expect("up");
    assert_eq!(offsets(&page), (1..=10).collect::<Vec<_>>());
    for (offset, published) in (1_u64..11).zip(first).collect::<Vec<_>>().into_iter().rev() {
        assert_eq!(published.wait().await.expect("up").position.offset, offset);
    }
    let deliveries = bench.sink.deliveries(16).await;
    for (offset, (_, delivery)) in (1..).zip(&deliveries) {
        let publication = &delivery.publication;
        assert_eq!(publication.offset, offset);
        assert_eq!(publication.data.bytes(), offset.to_string().as_bytes());
    }
}

pub async fn additions_and_removals_take_effect_in_their_order(bench: Bench) {
    let (channel, anna) = (Channel::new("news"), client(1, "anna"));
    let add = || bench.presence.add(&channel, &anna, MINUTE);
    let remove = || bench.presence.remove(&channel, anna.client, &anna.user);
    let presence = || bench.presence.presence(&channel);
    let mut calls = Vec::new();
    let mut answers = Vec::new();
    for _ in 0..10 {
        calls.push(add());
        calls.push(add());
        answers.push((presence(), 1));
        calls.push(remove());
        answers.push((presence(), 0));
    }
    for (answer, expected) in answers.into_iter().rev() {
        assert_eq!(answer.wait().await.expect("up").len(), expected);
    }
    for call in calls.into_iter().rev() {
        call.wait().await.expect("up");
    }
}

pub async fn joins_and_leaves_are_told_in_their_order(bench: Bench) {
    let (channel, anna) = (Channel::new("news"), Arc::new(client(1, "anna")));
    bench.broker.subscribe(&channel).wait().await.expect("up");
    for _ in 0..20 {
        drop(bench.broker.publish_join(&channel, anna.clone()));
        drop(bench.broker.publish_leave(&channel, anna.clone()));
    }
    let told = bench.sink.told(40).await;
    for pair in told.chunks(2) {
        let is_pair = matches!(pair, [Told::Join(..), Told::Leave(..)]);
        assert!(is_pair, "{pair:?}");
    }
}

pub async fn a_call_takes_effect_though_nobody_waits_for_its_answer(bench: Bench) {
    let (channel, options) = (Channel::new("news"), kept(10, 60));
    let anna = client(1, "anna");
    drop(bench.broker.subscribe(&channel));
    drop(bench.broker.publish(&channel, publication("1"), &options));
    drop(bench.presence.add(&channel, &anna, MINUTE));
    assert_eq!(offsets(&bench.read_all(&channel).await), [1]);
    let present = bench.presence.presence(&channel).wait().await;
    assert_eq!(present, Ok(vec![anna]));
    assert_eq!(bench.sink.deliveries(1).await.len(), 1);
}

pub async fn what_a_dropped_call_did_is_undone_by_the_opposite_call(bench: Bench) {
    let (channel, anna) = (Channel::new("news"), client(1, "anna"));
    drop(bench.presence.add(&channel, &anna, MINUTE));
    drop(bench.presence.remove(&channel, anna.client, &anna.user));
    let stats = bench.presence.stats(&channel).wait().await.expect("up");
    assert_eq!((stats.num_clients, stats.num_users), (0, 0));
}
