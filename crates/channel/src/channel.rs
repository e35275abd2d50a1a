//! The channel as programs see it: a stream of messages, a sink of messages, and an end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use crate::closed::{CloseCode, Closed};
use crate::conversation::Terms;
use crate::driver::Driver;
use crate::error::Error;
use crate::message::Message;
use crate::socket::Socket;
use crate::split::{self, Receiver, Sender};

/// A WebSocket that is connected, or was.
///
/// It is a [`Stream`] of messages and a [`Sink`] of messages; [`Channel::next`] and
/// [`Channel::send`] do without the traits. Nothing runs in the background: pings of the peer are
/// answered, silence is noticed and queued messages are written while some function of the
/// channel is awaited, whichever it is. Back-pressure therefore reaches the peer: what is not
/// read stays in its socket, but for one message and one read of at most 128 KiB.
///
/// A channel needs a Tokio runtime with time (and I/O, unless it runs over a stream of yours).
/// Dropped, it ends the connection without a close frame; [`Channel::close`] says goodbye.
///
/// # Cancel safety
/// Every function may be dropped before it is done, as in `tokio::select!`: no message is lost,
/// torn or sent twice. The functions say what has happened then.
#[derive(Debug)]
pub struct Channel {
    driver: Driver,
    protocol: Option<Box<str>>,
}

impl Channel {
    /// `rest` is what was read behind the handshake.
    pub(crate) fn new(
        socket: Socket,
        terms: Terms,
        protocol: Option<Box<str>>,
        rest: Vec<u8>,
    ) -> Self {
        Self {
            driver: Driver::new(socket, terms, rest),
            protocol,
        }
    }

    /// The subprotocol that both sides agreed on.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Waits for the next message; `None` once the peer has closed, or this side has.
    ///
    /// # Errors
    /// Why the channel failed, once; then `None`.
    /// # Cancel safety
    /// A message is only taken when it is returned.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        poll_fn(|cx| self.driver.poll_next(cx)).await
    }

    /// Sends a message, and waits until it was handed to the system.
    ///
    /// It waits as long as the peer does not read. Two sides that both only send, and read
    /// nothing meanwhile, can wait for each other: read in another task, see [`Channel::split`].
    ///
    /// # Errors
    /// [`Error::Closed`] after the end, and when a close frame was sent or received before;
    /// [`Error::Lost`] if the connection broke.
    /// # Cancel safety
    /// Dropped early, the message was either not taken at all, or is queued as a whole and goes
    /// out with the next use of the channel. To know which, use the [`Sink`]: after `start_send`
    /// it is queued.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        poll_fn(|cx| self.driver.poll_ready(cx)).await?;
        self.driver.start_send(message.into())?;
        poll_fn(|cx| self.driver.poll_flush(cx)).await
    }

    /// Says goodbye: sends a close frame, waits for the peer's, and ends the connection. Messages
    /// that come meanwhile are dropped.
    ///
    /// It always comes to an end, at the latest after [`crate::Connect::close_timeout`], and may
    /// be called again. A reason of more than 123 bytes is cut between two characters. To go on
    /// reading until the peer closes too, use the sink's `poll_close` (`SinkExt::close`) instead.
    ///
    /// # Cancel safety
    /// Dropped early, the close was begun; it goes on with the next use of the channel.
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Closed {
        self.driver.begin_close(code, reason);
        poll_fn(|cx| self.driver.poll_closed(cx)).await
    }

    /// How the channel ended; `None` while it has not.
    pub fn closed(&self) -> Option<&Closed> {
        self.driver.closed()
    }

    /// Bytes that came from the peer since the handshake, in messages and control frames, also of
    /// messages that are not complete: a number that grows says that the peer is alive.
    pub fn received(&self) -> u64 {
        self.driver.received()
    }

    /// Divides the channel, so that one task sends while another receives.
    pub fn split(self) -> (Sender, Receiver) {
        split::split(self.driver, self.protocol)
    }
}

impl Stream for Channel {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().driver.poll_next(cx)
    }
}

impl Sink<Message> for Channel {
    type Error = Error;

    /// Ready while less than [`crate::Connect::max_unsent`] bytes wait.
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().driver.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.get_mut().driver.start_send(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().driver.poll_flush(cx)
    }

    /// Sends a close frame with 1000, and is ready when it is written. The stream then goes on
    /// until the peer has closed too.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.get_mut().driver.poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use crate::pair;

    #[tokio::test]
    async fn what_is_received_is_counted_with_its_frames() {
        let (mut client, mut server) = pair();
        assert_eq!(client.received(), 0);
        server.send("hello").await.expect("sent");
        client.next().await.expect("open").expect("a message");
        assert_eq!(client.received(), 2 + 5);
        client.send("hello").await.expect("sent");
        server.next().await.expect("open").expect("a message");
        assert_eq!(server.received(), 2 + 4 + 5);
    }
}
