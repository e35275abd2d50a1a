//! What outlives the process, where an engine does.

use std::time::Duration;

use veche_protocol::channel::Channel;
use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::publication::PublishOptions;

use crate::conformance::{Bench, kept, offsets};

impl Bench {
    /// Closes the engine, and opens it so many seconds later.
    async fn reopened_after(self, seconds: u64) -> Self {
        let reopen = self.reopen.expect("the engine outlives the process");
        let bench = reopen(Duration::from_secs(seconds)).await;
        bench.start().await;
        bench
    }
}

pub async fn offsets_and_epoch_go_on_after_a_restart(bench: Bench) {
    let channel = Channel::new("news");
    let before = bench.publish(&channel, "1", &kept(10, 60)).await.position;
    let bench = bench.reopened_after(1).await;
    assert_eq!(offsets(&bench.read_all(&channel).await), [1]);
    let after = bench.publish(&channel, "2", &kept(10, 60)).await.position;
    assert_eq!((after.offset, after.epoch), (2, before.epoch));
    assert_eq!(offsets(&bench.read_all(&channel).await), [1, 2]);
}

pub async fn time_counts_while_the_engine_is_down(bench: Bench) {
    let (short, long) = (Channel::new("short"), Channel::new("long"));
    let position = bench.publish(&short, "1", &kept(10, 5)).await.position;
    bench.publish(&long, "1", &kept(10, 60)).await;
    let bench = bench.reopened_after(9).await;
    let page = bench.read_all(&short).await;
    assert!(offsets(&page).is_empty(), "its time is over");
    assert_eq!(page.position, position, "the position is kept longer");
    assert_eq!(offsets(&bench.read_all(&long).await), [1]);
}

pub async fn idempotency_keys_and_versions_survive_a_restart(bench: Bench) {
    let channel = Channel::new("news");
    let options = PublishOptions {
        idempotency_key: IdempotencyKey::parse(KeyOwner::Backend, "once").expect("short"),
        version: 3,
        ..kept(10, 60)
    };
    let first = bench.publish(&channel, "1", &options).await;
    let bench = bench.reopened_after(1).await;
    let again = bench.publish(&channel, "1", &options).await;
    assert!(again.suppressed);
    assert_eq!(again.position, first.position);
    let older = PublishOptions {
        version: 2,
        ..kept(10, 60)
    };
    assert!(bench.publish(&channel, "0", &older).await.suppressed);
}
