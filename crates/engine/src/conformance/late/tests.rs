//! The late engine keeps the contract, in whatever order it takes its steps.

use std::cell::RefCell;
use std::future::Future;
use std::task::Context;

use super::*;
use crate::conformance::recorder::Recorder;
use crate::conformance::{Bench, Delivers};
use crate::memory::clock::ManualClock;

thread_local! {
    static LATE: RefCell<Option<Arc<Late>>> = const { RefCell::new(None) };
}

/// Runs a future to its end, and the engine meanwhile, in an order that differs from test to test.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let late = LATE.with_borrow(|late| late.clone().expect("the bench was made here"));
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    let mut random = fastrand::Rng::with_seed(7);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        assert!(late.step(random.usize(..)), "it waits for nothing");
    }
}

fn make(faults: Faults) -> Bench {
    let clock = Arc::new(ManualClock::at(1_700_000_000_000));
    let sink = Arc::new(Recorder::default());
    let late = Late::new(sink.clone(), clock.clone());
    late.set_faults(faults, 42);
    LATE.set(Some(late.clone()));
    Bench {
        broker: Arc::new(Handle(late.clone())),
        presence: Arc::new(Handle(late.clone())),
        sink,
        pass: Box::new(move |time| {
            while late.step(0) {}
            clock.pass(time);
            Box::pin(std::future::ready(()))
        }),
        delivers: Delivers::FromReader,
        reopen: None,
    }
}

fn late() -> Bench {
    make(Faults::default())
}

mod conformance {
    crate::conformance_suite!(super::late, super::block_on);
}

#[test]
fn failures_and_doubled_deliveries_happen() {
    let bench = make(Faults {
        failing: 3,
        doubled: 3,
    });
    let channel = Channel::new("news");
    let mut failed = 0;
    for _ in 0..60 {
        let published = bench.broker.publish(
            &channel,
            crate::conformance::publication("1"),
            &PublishOptions::default(),
        );
        failed += usize::from(block_on(published.wait()).is_err());
    }
    block_on(bench.broker.close().wait());
    let delivered = bench.sink.so_far().len();
    let late = LATE.with_borrow(|late| late.clone().expect("it was made"));
    let effects = late.effects().len();
    assert!((5..40).contains(&failed), "{failed}");
    assert!(effects > 60 - failed, "some failed and took effect");
    assert!(delivered > effects, "{delivered} deliveries of {effects}");
}
