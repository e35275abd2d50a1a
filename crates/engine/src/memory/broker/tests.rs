//! Tests of the broker in memory, beyond what every engine must pass.

use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::thread;

use bytes::Bytes;
use parking_lot::Mutex;

use veche_protocol::idempotency::{IdempotencyKey, KeyOwner};
use veche_protocol::payload::Payload;

use super::*;
use crate::conformance::recorder::Recorder;
use crate::conformance::{Bench, Delivers};
use crate::memory::clock::{ManualClock, SystemClock};
use crate::memory::idempotency::IDEMPOTENCY_TTL;
use crate::memory::presence::MemoryPresence;

/// Runs a future that never waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match Box::pin(future).as_mut().poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("an engine in memory never waits"),
    }
}

/// An engine whose expired entries are swept as often as the node does.
fn swept() -> Bench {
    bench(true)
}

/// An engine that is never swept: what expired must not be seen all the same.
fn unswept() -> Bench {
    bench(false)
}

fn bench(is_swept: bool) -> Bench {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let sink = Arc::new(Recorder::default());
    let broker = Arc::new(MemoryBroker::new(sink.clone(), clock.clone()));
    let presence = Arc::new(MemoryPresence::new(clock.clone()));
    Bench {
        broker: broker.clone(),
        presence: presence.clone(),
        sink,
        pass: Box::new(move |time| {
            clock.pass(time);
            if is_swept {
                broker.sweep();
                presence.sweep();
            }
            Box::pin(std::future::ready(()))
        }),
        delivers: Delivers::InPublish,
        reopen: None,
    }
}

/// An engine in memory whose process ends and whose tables stay: what the checks of durable engines are tried on.
fn durable() -> Bench {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let sink = Arc::new(Switch::default());
    let broker = Arc::new(MemoryBroker::new(sink.clone(), clock.clone()));
    let presence = Arc::new(MemoryPresence::new(clock.clone()));
    durable_with(&clock, &sink, &broker, &presence)
}

fn durable_with(
    clock: &Arc<ManualClock>,
    switch: &Arc<Switch>,
    broker: &Arc<MemoryBroker>,
    presence: &Arc<MemoryPresence>,
) -> Bench {
    let sink = Arc::new(Recorder::default());
    *switch.0.lock() = sink.clone();
    let (passing, down) = (clock.clone(), clock.clone());
    let (switch, kept, also_kept) = (switch.clone(), broker.clone(), presence.clone());
    Bench {
        broker: broker.clone(),
        presence: presence.clone(),
        sink,
        pass: Box::new(move |time| {
            passing.pass(time);
            Box::pin(std::future::ready(()))
        }),
        delivers: Delivers::InPublish,
        reopen: Some(Box::new(move |time| {
            down.pass(time);
            let bench = durable_with(&down, &switch, &kept, &also_kept);
            Box::pin(std::future::ready(bench))
        })),
    }
}

/// Delivers to the process that runs now.
#[derive(Debug, Default)]
struct Switch(Mutex<Arc<Recorder>>);

impl Sink for Switch {
    fn publication(&self, channel: &Channel, delivery: Delivery) {
        self.0.lock().publication(channel, delivery);
    }

    fn join(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.0.lock().join(channel, info);
    }

    fn leave(&self, channel: &Channel, info: Arc<ClientInfo>) {
        self.0.lock().leave(channel, info);
    }

    fn gap(&self, channel: &Channel) {
        self.0.lock().gap(channel);
    }

    fn resumed(&self) {
        self.0.lock().resumed();
    }

    fn room(&self) -> Pending<()> {
        self.0.lock().room()
    }
}

mod durably {
    crate::conformance_suite!(super::durable, super::block_on);
    crate::durable_conformance_suite!(super::durable, super::block_on);
}

mod with_sweeping {
    crate::conformance_suite!(super::swept, super::block_on);
}

mod without_sweeping {
    crate::conformance_suite!(super::unswept, super::block_on);
}

fn broker_at(clock: &Arc<ManualClock>) -> MemoryBroker {
    MemoryBroker::new(Arc::new(Recorder::default()), clock.clone())
}

fn publish(broker: &MemoryBroker, channel: &str, options: &PublishOptions) -> Published {
    let publication = Publication::new(Payload::json(Bytes::from_static(b"1")));
    block_on(broker.publish(&channel.into(), publication, options).wait()).expect("in memory")
}

fn key(text: &str) -> Option<IdempotencyKey> {
    IdempotencyKey::parse(KeyOwner::Backend, text).expect("short enough")
}

fn kept(ttl: Duration, meta_ttl: Duration) -> PublishOptions {
    PublishOptions {
        retention: Some(Retention {
            size: 10,
            ttl,
            meta_ttl,
        }),
        ..PublishOptions::default()
    }
}

/// Streams, reminders and idempotency keys that are held.
fn held(broker: &MemoryBroker) -> (usize, usize, usize) {
    let mut held = (0, 0, 0);
    for shard in broker.shards.iter() {
        let shard = shard.lock();
        held.0 += shard.streams.len();
        held.1 += shard.reminders.len();
        held.2 += shard.idempotency.len();
    }
    held
}

#[test]
fn an_idempotency_key_is_forgotten_after_five_minutes() {
    let clock = Arc::new(ManualClock::default());
    let broker = broker_at(&clock);
    let options = PublishOptions {
        idempotency_key: key("a"),
        ..PublishOptions::default()
    };
    assert!(!publish(&broker, "news", &options).suppressed);
    clock.pass(IDEMPOTENCY_TTL - Duration::from_millis(1));
    broker.sweep();
    assert!(publish(&broker, "news", &options).suppressed);
    clock.pass(Duration::from_millis(1));
    assert!(!publish(&broker, "news", &options).suppressed);
    clock.pass(IDEMPOTENCY_TTL);
    broker.sweep();
    assert_eq!(held(&broker), (0, 0, 0));
}

#[test]
fn a_channel_without_history_costs_nothing() {
    let broker = broker_at(&Arc::new(ManualClock::default()));
    publish(&broker, "news", &PublishOptions::default());
    publish(
        &broker,
        "news",
        &kept(Duration::ZERO, Duration::from_secs(9)),
    );
    block_on(broker.remove_history(&"news".into()).wait()).expect("in memory");
    assert_eq!(held(&broker), (0, 0, 0));
}

#[test]
fn a_busy_channel_has_one_reminder_and_none_once_it_is_forgotten() {
    let clock = Arc::new(ManualClock::default());
    let broker = broker_at(&clock);
    let options = kept(Duration::from_secs(10), Duration::from_secs(100));
    for _ in 0..1000 {
        publish(&broker, "news", &options);
        clock.pass(Duration::from_secs(1));
        broker.sweep();
    }
    assert_eq!(held(&broker), (1, 1, 0));
    clock.pass(Duration::from_secs(10));
    broker.sweep();
    assert_eq!(held(&broker), (1, 1, 0));
    clock.pass(Duration::from_secs(100));
    broker.sweep();
    assert_eq!(held(&broker), (0, 0, 0));
}

#[test]
fn a_channel_that_is_published_in_now_and_then_has_one_reminder() {
    let clock = Arc::new(ManualClock::default());
    let broker = broker_at(&clock);
    let options = kept(Duration::from_secs(10), Duration::from_hours(720));
    for _ in 0..1000 {
        publish(&broker, "news", &options);
        clock.pass(Duration::from_secs(30));
        broker.sweep();
        assert_eq!(held(&broker), (1, 1, 0));
    }
    clock.pass(Duration::from_hours(720));
    broker.sweep();
    assert_eq!(held(&broker), (0, 0, 0));
}

#[test]
fn a_shorter_time_is_kept_although_a_longer_one_was_promised() {
    let clock = Arc::new(ManualClock::default());
    let broker = broker_at(&clock);
    publish(
        &broker,
        "news",
        &kept(Duration::from_hours(9), Duration::from_hours(9)),
    );
    publish(
        &broker,
        "news",
        &kept(Duration::from_secs(1), Duration::from_secs(2)),
    );
    clock.pass(Duration::from_secs(2));
    broker.sweep();
    assert_eq!(held(&broker).0, 0);
}

#[test]
fn a_sweep_forgets_everything_due_however_much_it_is() {
    let clock = Arc::new(ManualClock::default());
    let broker = broker_at(&clock);
    let options = PublishOptions {
        idempotency_key: key("a"),
        ..kept(Duration::from_secs(1), Duration::from_secs(2))
    };
    for number in 0..40_000 {
        publish(&broker, &format!("news:{number}"), &options);
    }
    clock.pass(IDEMPOTENCY_TTL);
    broker.sweep();
    assert_eq!(held(&broker), (0, 0, 0));
}

/// Looks at the offsets while the broker still holds its lock.
#[derive(Debug, Default)]
struct OrderCheck {
    seen: Mutex<Vec<u64>>,
}

impl Sink for OrderCheck {
    fn publication(&self, _channel: &Channel, delivery: Delivery) {
        let mut seen = self.seen.try_lock().expect("never twice at once");
        seen.push(delivery.publication.offset);
    }
    fn join(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}
    fn leave(&self, _channel: &Channel, _info: Arc<ClientInfo>) {}
    fn gap(&self, _channel: &Channel) {}
    fn resumed(&self) {}

    fn room(&self) -> Pending<()> {
        Pending::Ready(())
    }
}

#[test]
fn several_threads_publish_and_the_sink_sees_one_order() {
    const THREADS: u64 = 4;
    const EACH: u64 = 5_000;
    let sink = Arc::new(OrderCheck::default());
    let broker = MemoryBroker::new(sink.clone(), Arc::new(SystemClock::default()));
    let options = kept(Duration::from_secs(60), Duration::from_secs(60));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    publish(&broker, "news", &options);
                }
            });
        }
    });
    let expected: Vec<u64> = (1..=THREADS * EACH).collect();
    assert_eq!(*sink.seen.lock(), expected);
}
