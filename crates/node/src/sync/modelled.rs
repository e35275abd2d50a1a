//! What loom has in place of locks, atomics and wakers.

use std::io;
use std::sync::Arc;

use loom::sync::atomic::Ordering;
use loom::sync::{Condvar, MutexGuard};
use mio::{Registry, Token};
use tokio::sync::futures::Notified;

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize};

/// A lock that is never poisoned: a model that panics has failed.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("nobody has panicked")
    }
}

/// Wakes one thread, which is the event loop in a model.
#[derive(Clone, Debug)]
pub(crate) struct Waker(Arc<Bell>);

#[derive(Debug, Default)]
struct Bell {
    is_rung: Mutex<bool>,
    rings: Condvar,
}

impl Waker {
    /// As of an event loop, which is not needed.
    pub(crate) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Self::alone())
    }

    /// A waker without an event loop.
    pub(crate) fn alone() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        *self.0.is_rung.lock() = true;
        self.0.rings.notify_one();
        Ok(())
    }

    /// Sleeps until somebody wakes, or has since the last sleep.
    pub(crate) fn sleep(&self) {
        let mut is_rung = self.0.is_rung.lock();
        while !*is_rung {
            is_rung = self.0.rings.wait(is_rung).expect("nobody has panicked");
        }
        *is_rung = false;
    }
}

/// Tokio's, between whose steps loom can switch to another thread.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    inner: tokio::sync::Notify,
    step: AtomicUsize,
}

impl Notify {
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.step.fetch_add(1, Ordering::Relaxed);
        self.inner.notified()
    }

    pub(crate) fn notify_waiters(&self) {
        self.step.fetch_add(1, Ordering::Relaxed);
        self.inner.notify_waiters();
    }
}
