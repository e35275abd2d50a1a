//! A channel in two halves, for two tasks.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;
use futures_sink::Sink;

use crate::closed::{CloseCode, Closed};
use crate::driver::Driver;
use crate::error::Error;
use crate::message::Message;

/// The half of a [`crate::Channel`] that sends and closes.
///
/// Awaited, it drives the whole channel as every function of a channel does, so that pings are
/// answered while the other half rests. Dropped, it says nothing to the peer; with both halves
/// dropped the connection ends.
#[derive(Debug)]
pub struct Sender {
    shared: Arc<Shared>,
}

/// The half of a [`crate::Channel`] that receives. Dropped, it has messages of the peer dropped too.
#[derive(Debug)]
pub struct Receiver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    driver: Mutex<Driver>,
    wakers: Arc<Wakers>,
    protocol: Option<Box<str>>,
}

pub(crate) fn split(driver: Driver, protocol: Option<Box<str>>) -> (Sender, Receiver) {
    let shared = Arc::new(Shared {
        driver: Mutex::new(driver),
        wakers: Arc::default(),
        protocol,
    });
    let sender = Sender {
        shared: Arc::clone(&shared),
    };
    (sender, Receiver { shared })
}

impl Sender {
    /// As [`crate::Channel::protocol`].
    pub fn protocol(&self) -> Option<&str> {
        self.shared.protocol.as_deref()
    }

    /// As [`crate::Channel::send`].
    ///
    /// # Errors
    /// As there.
    /// # Cancel safety
    /// As there.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        poll_fn(|cx| self.poll(cx, Driver::poll_ready)).await?;
        self.shared.lock().start_send(message.into())?;
        poll_fn(|cx| self.poll(cx, Driver::poll_flush)).await
    }

    /// As [`crate::Channel::close`]. The receiver's stream ends; messages that come meanwhile are
    /// dropped.
    ///
    /// # Cancel safety
    /// As there.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Closed {
        self.shared.lock().begin_close(code, reason);
        poll_fn(|cx| self.poll(cx, Driver::poll_closed)).await
    }

    /// As [`crate::Channel::closed`].
    pub fn closed(&self) -> Option<Closed> {
        self.shared.lock().closed().cloned()
    }

    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        work: impl FnOnce(&mut Driver, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.shared.poll(Half::Sender, cx, work)
    }
}

impl Receiver {
    /// As [`crate::Channel::protocol`].
    pub fn protocol(&self) -> Option<&str> {
        self.shared.protocol.as_deref()
    }

    /// As [`crate::Channel::next`].
    ///
    /// # Errors
    /// As there.
    /// # Cancel safety
    /// As there.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.shared.poll(Half::Receiver, cx, Driver::poll_next)).await
    }

    /// As [`crate::Channel::closed`].
    pub fn closed(&self) -> Option<Closed> {
        self.shared.lock().closed().cloned()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.lock().deafen();
        // The sender may have waited behind a message that nobody will read now.
        self.shared.wakers.wake_half(Half::Sender);
    }
}

impl Stream for Receiver {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.shared.poll(Half::Receiver, cx, Driver::poll_next)
    }
}

impl Sink<Message> for Sender {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, Driver::poll_ready)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.shared.lock().start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, Driver::poll_flush)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, Driver::poll_close)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Driver> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one half drive. The transport and the timer know one waker only, so they are given
    /// one that wakes whichever half waits.
    fn poll<T>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        work: impl FnOnce(&mut Driver, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut driver = self.lock();
        self.wakers.register(half, cx.waker());
        let waker = Waker::from(Arc::clone(&self.wakers));
        let result = work(&mut driver, &mut Context::from_waker(&waker));
        let other_may_go_on = match half {
            Half::Sender => driver.has_news(),
            Half::Receiver => true,
        };
        drop(driver);
        if result.is_ready() {
            self.wakers.forget(half);
        }
        // What this half did may be what the other one waits for: a message that it read, room
        // that it made, the end.
        if other_may_go_on {
            self.wakers.wake_half(half.other());
        }
        result
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Sender,
    Receiver,
}

impl Half {
    fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }
}

/// The tasks that wait, one for each half.
#[derive(Debug, Default)]
struct Wakers {
    sender: Mutex<Option<Waker>>,
    receiver: Mutex<Option<Waker>>,
}

impl Wakers {
    fn of(&self, half: Half) -> MutexGuard<'_, Option<Waker>> {
        let waker = match half {
            Half::Sender => &self.sender,
            Half::Receiver => &self.receiver,
        };
        waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self, half: Half, waker: &Waker) {
        match &mut *self.of(half) {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    fn forget(&self, half: Half) {
        self.of(half).take();
    }

    fn wake_half(&self, half: Half) {
        let waker = self.of(half).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_half(Half::Sender);
        self.wake_half(Half::Receiver);
    }
}
