//! One answer, on its way from whoever has it to whoever waits for it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

/// The side that has the answer.
pub(super) struct Tell<T>(Arc<Mutex<Slot<T>>>);

struct Slot<T> {
    answer: Option<T>,
    waiting: Option<Waker>,
}

/// A place for an answer, and the wait for it.
pub(super) fn answer<T: Send + 'static>() -> (Tell<T>, Pin<Box<dyn Future<Output = T> + Send>>) {
    let slot = Arc::new(Mutex::new(Slot {
        answer: None,
        waiting: None,
    }));
    let tell = Tell(slot.clone());
    let told = poll_fn(move |context| {
        let mut slot = slot.lock();
        match slot.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                slot.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    });
    (tell, Box::pin(told))
}

impl<T> Tell<T> {
    pub(super) fn send(self, answer: T) {
        let mut slot = self.0.lock();
        slot.answer = Some(answer);
        if let Some(waker) = slot.waiting.take() {
            waker.wake();
        }
    }
}
