//! How an engine is held back, and how it ends.

use std::time::Duration;

use veche_protocol::channel::Channel;

use crate::conformance::recorder::{Recorder, Told};
use crate::conformance::{Bench, Delivers, client, kept, offsets, publication};
use crate::sink::MAX_BETWEEN_WAITS;

pub async fn a_reader_waits_for_room_and_loses_nothing(bench: Bench) {
    let (channel, options) = (Channel::new("news"), kept(1000, 60));
    bench.broker.subscribe(&channel).wait().await.expect("up");
    bench.sink.set_full(true);
    let size = MAX_BETWEEN_WAITS / 8;
    let data = format!("\"{}\"", "x".repeat(size));
    let publish = || bench.broker.publish(&channel, publication(&data), &options);
    let published: Vec<_> = (0..40).map(|_| publish()).collect();
    for answer in published {
        answer.wait().await.expect("up");
    }
    bench.pass_secs(1).await;
    let delivered = count(&bench.sink);
    match bench.delivers {
        Delivers::InPublish => assert_eq!(delivered, 40, "it delivers inside the call"),
        Delivers::FromReader => {
            let bytes = delivered * size;
            assert!(bytes <= MAX_BETWEEN_WAITS + size, "{bytes} without room");
        }
    }
    bench.sink.set_full(false);
    let deliveries = bench.sink.deliveries(40).await;
    for (offset, (_, delivery)) in (1..).zip(&deliveries) {
        assert_eq!(delivery.publication.offset, offset);
    }
}

fn count(sink: &Recorder) -> usize {
    let told = sink.so_far().into_iter();
    told.filter(|told| matches!(told, Told::Publication(..)))
        .count()
}

pub async fn what_was_called_before_the_end_is_done_at_the_end(bench: Bench) {
    let (channel, anna) = (Channel::new("news"), client(1, "anna"));
    bench.broker.subscribe(&channel).wait().await.expect("up");
    drop(bench.broker.publish_join(&channel, anna.clone().into()));
    drop(bench.presence.add(&channel, &anna, Duration::from_secs(60)));
    drop(bench.presence.remove(&channel, anna.client, &anna.user));
    drop(bench.broker.publish_leave(&channel, anna.into()));
    bench.presence.close().wait().await;
    bench.broker.close().wait().await;
    let told = bench.sink.so_far();
    let is_whole = matches!(told.as_slice(), [Told::Join(..), Told::Leave(..)]);
    assert!(is_whole, "{told:?}");
}

pub async fn a_part_is_started_and_closed_once_for_each_role_it_plays(bench: Bench) {
    bench.start().await;
    assert_eq!(
        (bench.broker.health(), bench.presence.health()),
        (Ok(()), Ok(()))
    );
    let channel = Channel::new("news");
    bench.publish(&channel, "1", &kept(10, 60)).await;
    assert_eq!(offsets(&bench.read_all(&channel).await), [1]);
    for _ in 0..2 {
        bench.broker.close().wait().await;
        bench.presence.close().wait().await;
    }
}
