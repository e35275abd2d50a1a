//! The controller in memory does what every controller must do.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::conformance::controllers::Controllers;

/// Runs a future that never waits.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match Box::pin(future).as_mut().poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("messages in memory arrive at once"),
    }
}

fn three() -> Controllers {
    let fleet = Fleet::new();
    [0; 3].map(|_| -> Arc<dyn Controller> { Arc::new(fleet.controller()) })
}

mod conformance {
    crate::controller_conformance_suite!(super::three, super::block_on);
}
