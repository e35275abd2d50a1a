//! The link: a WebSocket channel, from the attempt to the close.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::task::JoinSet;
use veche_channel::{By, Channel, CloseCode, Connect, ConnectError, Error, Message};

use super::clock::millis;
use crate::machine::{ConnectFailure, Frame, LinkEnd, LinkId};

/// The one link of a client, and those that are being closed.
pub(super) struct Transport {
    connect: Connect,
    state: State,
    closing: JoinSet<()>,
}

enum State {
    None,
    Connecting(LinkId, Connecting),
    Open(Box<Open>),
}

type Connecting = Pin<Box<dyn Future<Output = Result<Channel, ConnectError>> + Send>>;

struct Open {
    link: LinkId,
    channel: Channel,
    /// Frames that wait for room in the channel. The machine bounds what is on its way.
    queue: VecDeque<Message>,
    /// Bytes that had been received when that was last looked at.
    received: u64,
}

/// What a link has to say.
pub(super) enum News {
    Opened(LinkId),
    Failed(LinkId, ConnectFailure),
    Message(LinkId, Message),
    Closed(LinkId, LinkEnd),
}

impl Transport {
    /// The machine has pings of its own, and does not want the channel's.
    pub(super) fn new(connect: Connect) -> Self {
        Self {
            connect: connect.no_ping(),
            state: State::None,
            closing: JoinSet::new(),
        }
    }

    pub(super) fn connect(&mut self, link: LinkId) {
        let connecting = Box::pin(self.connect.clone().connect());
        self.state = State::Connecting(link, connecting);
    }

    /// Queues a frame, if this is still the link that it is for.
    pub(super) fn send(&mut self, link: LinkId, frame: Frame) {
        if let State::Open(open) = &mut self.state
            && open.link == link
        {
            open.queue.push_back(match frame {
                Frame::Text(text) => Message::Text(text),
                Frame::Binary(bytes) => Message::Binary(bytes),
            });
        }
    }

    /// Closes the link. It is not waited for, and ends by its own deadline.
    pub(super) fn close(&mut self, code: u16, reason: &'static str) {
        let state = std::mem::replace(&mut self.state, State::None);
        while self.closing.try_join_next().is_some() {}
        if let State::Open(open) = state {
            let mut channel = open.channel;
            let code = CloseCode::new(code).unwrap_or(CloseCode::NORMAL);
            self.closing.spawn(async move {
                channel.close(code, reason).await;
            });
        }
    }

    /// Waits until every link is closed that was to be.
    pub(super) async fn closed(&mut self) {
        while self.closing.join_next().await.is_some() {}
    }

    /// The link, if something came from the server since the last time.
    pub(super) fn heard(&mut self) -> Option<LinkId> {
        let State::Open(open) = &mut self.state else {
            return None;
        };
        let received = open.channel.received();
        let is_new = received != std::mem::replace(&mut open.received, received);
        is_new.then_some(open.link)
    }

    /// Waits for news, and meanwhile sends what is queued. Dropped early, nothing is lost.
    pub(super) async fn next(&mut self) -> News {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<News> {
        match &mut self.state {
            State::None => Poll::Pending,
            State::Connecting(link, connecting) => {
                let link = *link;
                match std::task::ready!(connecting.as_mut().poll(cx)) {
                    Ok(channel) => {
                        self.state = State::Open(Box::new(Open {
                            link,
                            channel,
                            queue: VecDeque::new(),
                            received: 0,
                        }));
                        Poll::Ready(News::Opened(link))
                    }
                    Err(error) => {
                        self.state = State::None;
                        Poll::Ready(News::Failed(link, failure(&error)))
                    }
                }
            }
            State::Open(open) => {
                let link = open.link;
                match std::task::ready!(open.poll(cx)) {
                    Ok(message) => Poll::Ready(News::Message(link, message)),
                    Err(end) => {
                        self.state = State::None;
                        Poll::Ready(News::Closed(link, end))
                    }
                }
            }
        }
    }
}

impl Open {
    /// Sends what there is room for, and reads. An error of sending shows when reading, too.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, LinkEnd>> {
        while !self.queue.is_empty()
            && let Poll::Ready(Ok(())) = Pin::new(&mut self.channel).poll_ready(cx)
        {
            if let Some(message) = self.queue.pop_front() {
                Pin::new(&mut self.channel).start_send(message).ok();
            }
        }
        let _: Poll<_> = Pin::new(&mut self.channel).poll_flush(cx);
        let next = std::task::ready!(Pin::new(&mut self.channel).poll_next(cx));
        Poll::Ready(match next {
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(lost(&error)),
            None => Err(self.end()),
        })
    }

    fn end(&self) -> LinkEnd {
        match self.channel.closed() {
            Some(closed) if closed.by == By::Peer => LinkEnd::Closed {
                code: closed.code,
                reason: closed.reason.clone(),
            },
            Some(closed) => LinkEnd::Lost(closed.to_string()),
            None => LinkEnd::Lost("the connection ended".into()),
        }
    }
}

fn lost(error: &Error) -> LinkEnd {
    LinkEnd::Lost(chain(error))
}

fn failure(error: &ConnectError) -> ConnectFailure {
    // What was configured is wrong. All else may be the work of a network that one signs in to, or
    // of a deployment that is under way.
    let is_final = matches!(
        error,
        ConnectError::Url(_)
            | ConnectError::Header(_)
            | ConnectError::ProxyAddress(_)
            | ConnectError::TlsOptions(_)
            | ConnectError::NoTls
            | ConnectError::Subprotocol
    );
    let retry_after = error
        .refused()
        .and_then(veche_channel::RefusedUpgrade::retry_after);
    ConnectFailure {
        message: chain(error),
        is_final,
        retry_after_ms: retry_after.map(millis),
    }
}

/// An error with its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
