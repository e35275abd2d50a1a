//! Carries a conversation out: reads, writes and waits for it, and decides nothing.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use veche_websocket::decoder::Loan;

use crate::closed::{CloseCode, Closed};
use crate::conversation::{Conversation, Terms};
use crate::error::Error;
use crate::message::Message;
use crate::scratch::Scratch;
use crate::socket::Socket;

/// A conversation and its socket.
///
/// Whoever polls any of its functions drives all of it: what was queued is written, pings are
/// answered, and time passes. At most one message is held that was not asked for.
#[derive(Debug)]
pub(crate) struct Driver {
    socket: Socket,
    conversation: Conversation,
    /// Bytes that were read behind the message that was yielded, and where to go on in them.
    rest: Vec<u8>,
    rest_at: usize,
    message: Option<Message>,
    /// Bytes that were read, of any kind.
    received: u64,
    /// Nobody wants messages any more: they are read, and dropped.
    is_deaf: bool,
    /// The last read was into the buffer of a large message.
    is_large: bool,
    /// The peer's direction ended before ours did.
    is_read_shut: bool,
    write: Write,
    timer: Option<Timer>,
}

/// How far the writing half of the transport is.
#[derive(Debug)]
enum Write {
    Clean,
    /// Bytes went into the transport that it may still hold back.
    Unflushed,
    /// Writing failed; what the peer still said may be read.
    Broken(io::ErrorKind),
    Shut,
}

#[derive(Debug)]
struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Instant,
}

/// How far [`Driver::drive`] goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Until a message is held, or nothing moves any more.
    Message,
    /// Until nothing moves any more.
    Stuck,
}

/// Whether a step did something, so that others may have something to do now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Moved,
    Stuck,
}

impl Driver {
    /// Goes on after the handshake; `rest` is what was read behind it.
    pub(crate) fn new(socket: Socket, terms: Terms, mut rest: Vec<u8>) -> Self {
        rest.shrink_to_fit();
        Self {
            socket,
            conversation: Conversation::new(terms, Instant::now()),
            rest,
            rest_at: 0,
            message: None,
            received: 0,
            is_deaf: false,
            is_large: false,
            is_read_shut: false,
            write: Write::Clean,
            timer: None,
        }
    }

    pub(crate) fn closed(&self) -> Option<&Closed> {
        self.conversation.closed()
    }

    /// Bytes that came from the peer since the handshake.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Whether a message or the end waits to be fetched.
    pub(crate) fn has_news(&self) -> bool {
        self.message.is_some() || self.closed().is_some()
    }

    /// From now on messages of the peer are dropped.
    pub(crate) fn deafen(&mut self) {
        self.is_deaf = true;
        self.message = None;
    }

    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Message, Error>>> {
        if self.message.is_none() {
            self.drive(cx, Until::Message);
        }
        if let Some(message) = self.message.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        if self.closed().is_none() {
            return Poll::Pending;
        }
        Poll::Ready(self.conversation.take_error().map(Err))
    }

    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_open()?;
        if self.conversation.has_room() {
            return Poll::Ready(Ok(()));
        }
        self.drive(cx, Until::Stuck);
        self.check_open()?;
        if self.conversation.has_room() {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    pub(crate) fn start_send(&mut self, message: Message) -> Result<(), Error> {
        self.check_open()?;
        self.conversation.send(message)
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.conversation.is_open() {
            self.write(cx);
            // Nothing is waited for, so nothing has to be registered for.
            if self.is_flushed() && self.socket.is_quiet() && !self.is_due() {
                return Poll::Ready(Ok(()));
            }
        }
        self.drive(cx, Until::Stuck);
        if self.is_flushed() && self.closed().is_none() {
            return Poll::Ready(Ok(()));
        }
        match self.closed() {
            Some(closed) => Poll::Ready(Err(Error::Closed(closed.clone()))),
            None => self.poll_unbroken(),
        }
    }

    /// Sends a close frame if none was sent, and waits until it is written.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.begin_close(CloseCode::NORMAL, "");
        self.drive(cx, Until::Stuck);
        if self.is_flushed() || self.closed().is_some() {
            return Poll::Ready(Ok(()));
        }
        self.poll_unbroken()
    }

    pub(crate) fn begin_close(&mut self, code: CloseCode, reason: &str) {
        self.conversation.close(code, reason, Instant::now());
    }

    /// Waits for the end of a conversation whose close was begun. Messages that come until then
    /// are dropped.
    pub(crate) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        self.deafen();
        self.drive(cx, Until::Stuck);
        match self.closed() {
            Some(closed) => Poll::Ready(closed.clone()),
            None => Poll::Pending,
        }
    }

    fn check_open(&self) -> Result<(), Error> {
        if let Some(closed) = self.conversation.decided() {
            return Err(Error::Closed(closed.clone()));
        }
        match self.write {
            Write::Broken(kind) => Err(Error::Lost(kind.into())),
            _ => Ok(()),
        }
    }

    /// Waits for the writing half, if it has not failed.
    fn poll_unbroken(&self) -> Poll<Result<(), Error>> {
        match self.write {
            Write::Broken(kind) => Poll::Ready(Err(Error::Lost(kind.into()))),
            _ => Poll::Pending,
        }
    }

    fn is_flushed(&self) -> bool {
        self.conversation.outgoing.is_empty() && matches!(self.write, Write::Clean | Write::Shut)
    }

    /// Whether something is due by now.
    fn is_due(&self) -> bool {
        let deadline = self.conversation.deadline();
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Does all that can be done without waiting, and registers for all that has to be waited
    /// for.
    fn drive(&mut self, cx: &mut Context<'_>, until: Until) {
        loop {
            let read = self.read(cx);
            let written = self.write(cx);
            if self.closed().is_some() {
                self.let_go();
                return;
            }
            if until == Until::Message && self.message.is_some() {
                return;
            }
            // What was written lets nothing more be read; but an end has more steps.
            let goes_on =
                read == Step::Moved || (written == Step::Moved && !self.conversation.is_open());
            if !goes_on && self.wait(cx) == Step::Stuck {
                return;
            }
        }
    }

    /// Reads until a message is held, or once.
    fn read(&mut self, cx: &mut Context<'_>) -> Step {
        if self.message.is_some() || self.is_read_shut || self.closed().is_some() {
            return Step::Stuck;
        }
        if self.rest_at < self.rest.len() {
            self.decode_rest();
            return Step::Moved;
        }
        if let Some(loan) = self.conversation.lend() {
            return self.read_large(cx, loan);
        }
        Scratch::with(|scratch| {
            // Behind a large message comes another: its payload is read to where it stays.
            let len = if self.is_large {
                START
            } else {
                scratch.buffer.len()
            };
            let start = scratch.buffer.get_mut(..len).unwrap_or_default();
            let mut buffer = ReadBuf::new(start);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Pending => return Step::Stuck,
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => self.end_of_input(),
                Poll::Ready(Ok(())) => {
                    let now = Instant::now();
                    self.is_large = false;
                    self.received += buffer.filled().len() as u64;
                    self.conversation.heard(now);
                    if !self.conversation.is_open() {
                        // A peer that never stops must not keep the end waiting: the timer is
                        // only looked at when there is nothing to read.
                        self.conversation.handle_timeout(now, true);
                    }
                    let mut input = buffer.filled_mut();
                    while self.message.is_none() && !input.is_empty() {
                        let message = (self.conversation).receive(
                            &mut input,
                            &mut scratch.workspace,
                            Instant::now,
                        );
                        self.message = message.filter(|_| !self.is_deaf);
                    }
                    if !input.is_empty() {
                        self.rest = input.to_vec();
                        self.rest_at = 0;
                    }
                }
                Poll::Ready(Err(error)) => self.conversation.end(Some(error)),
            }
            Step::Moved
        })
    }

    /// Reads on in a large message, into its own buffer.
    fn read_large(&mut self, cx: &mut Context<'_>, mut loan: Loan) -> Step {
        let mut end = (&mut loan.buffer).limit(loan.room);
        let polled = pin!(self.socket.read_buf(&mut end)).poll(cx);
        let message = Scratch::with(|scratch| {
            (self.conversation).give_back(loan, &mut scratch.workspace, Instant::now)
        });
        self.message = message.filter(|_| !self.is_deaf);
        match polled {
            Poll::Pending => return Step::Stuck,
            Poll::Ready(Ok(0)) => self.end_of_input(),
            Poll::Ready(Ok(len)) => {
                self.is_large = true;
                self.received += len as u64;
                let now = Instant::now();
                self.conversation.heard(now);
                if !self.conversation.is_open() {
                    self.conversation.handle_timeout(now, true);
                }
            }
            Poll::Ready(Err(error)) => self.conversation.end(Some(error)),
        }
        Step::Moved
    }

    /// A peer that closed may end its direction before it has our answer.
    fn end_of_input(&mut self) {
        if self.conversation.is_ending() && matches!(self.write, Write::Clean | Write::Unflushed) {
            self.is_read_shut = true;
        } else {
            self.conversation.end(None);
        }
    }

    /// Takes the next message from what was read before.
    fn decode_rest(&mut self) {
        Scratch::with(|scratch| {
            while self.message.is_none() && self.rest_at < self.rest.len() {
                let mut input = self.rest.get_mut(self.rest_at..).unwrap_or_default();
                let message =
                    (self.conversation).receive(&mut input, &mut scratch.workspace, Instant::now);
                let left = input.len();
                self.rest_at = self.rest.len() - left;
                self.message = message.filter(|_| !self.is_deaf);
            }
        });
        if self.rest_at == self.rest.len() {
            self.rest = Vec::new();
            self.rest_at = 0;
        }
    }

    /// Writes what is queued; behind the last word, shuts the writing half down.
    fn write(&mut self, cx: &mut Context<'_>) -> Step {
        if matches!(self.write, Write::Broken(_) | Write::Shut) {
            return Step::Stuck;
        }
        match self.poll_write(cx) {
            Poll::Pending => Step::Stuck,
            Poll::Ready(Ok(step)) => step,
            Poll::Ready(Err(error)) => {
                self.write = Write::Broken(error.kind());
                self.conversation.outgoing.clear();
                self.end_behind_input();
                Step::Moved
            }
        }
    }

    /// Ends what ended in both directions.
    fn end_behind_input(&mut self) {
        if self.is_read_shut {
            self.conversation.end(None);
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        let mut step = Step::Stuck;
        let mut socket = Pin::new(&mut self.socket);
        self.conversation.settle();
        while !self.conversation.outgoing.is_empty() {
            let unsent = self.conversation.outgoing.unsent();
            let polled = match &unsent {
                // One slice is cheaper for the system than a list of two.
                [short, large] if large.is_empty() => socket.as_mut().poll_write(cx, short),
                both => socket.as_mut().poll_write_vectored(cx, both),
            };
            match std::task::ready!(polled?) {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.conversation.outgoing.advance(count),
            }
            // There is room now for an answer that had none.
            self.conversation.settle();
            self.write = Write::Unflushed;
            step = Step::Moved;
        }
        if matches!(self.write, Write::Unflushed) {
            std::task::ready!(socket.as_mut().poll_flush(cx)?);
            self.write = Write::Clean;
            step = Step::Moved;
        }
        if self.conversation.is_ending() {
            std::task::ready!(socket.poll_shutdown(cx)?);
            self.write = Write::Shut;
            self.end_behind_input();
            step = Step::Moved;
        }
        Poll::Ready(Ok(step))
    }

    /// Waits for the time at which something is due.
    fn wait(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(deadline) = self.conversation.deadline() else {
            self.timer = None;
            return Step::Stuck;
        };
        let timer = self.timer.get_or_insert_with(|| Timer {
            sleep: Box::pin(tokio::time::sleep_until(deadline)),
            armed: deadline,
        });
        // The deadline moves with every read, and the timer only when it is due.
        if deadline < timer.armed {
            timer.set(deadline);
        }
        while timer.sleep.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now >= deadline {
                let is_reading = self.message.is_none();
                self.conversation.handle_timeout(now, is_reading);
                timer.set(self.conversation.deadline().unwrap_or(now + DISTANT));
                return Step::Moved;
            }
            timer.set(deadline);
        }
        Step::Stuck
    }

    /// Gives back what an ended conversation does not need.
    fn let_go(&mut self) {
        self.socket = Socket::Gone;
        self.rest = Vec::new();
        self.rest_at = 0;
        self.timer = None;
    }
}

impl Timer {
    fn set(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.armed = deadline;
    }
}

/// Bytes that are read to find the next header, where a large message is expected.
const START: usize = 4096;
/// When there is nothing to wait for; `wait` sets the timer back as soon as there is.
const DISTANT: Duration = Duration::from_secs(86400);
