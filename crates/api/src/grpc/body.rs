//! A request's body that is bounded in size and in time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;
use tonic::codegen::StdError;

/// A body with one message of at most so many bytes, which must be there in time.
pub(super) struct Bounded<B> {
    body: B,
    /// Bytes that may still come, prefix included.
    left: usize,
    limit: usize,
    /// What has come of the prefix.
    prefix: Vec<u8>,
    end: Pin<Box<Sleep>>,
}

/// Before a message stand a flag and its length in four bytes (gRPC over HTTP/2, `Length-Prefixed-Message`).
const PREFIX: usize = 5;

impl<B> Bounded<B> {
    /// Bounds a body that begins now.
    pub(super) fn new(body: B, limit: usize, timeout: Duration) -> Self {
        Self {
            body,
            left: limit.saturating_add(PREFIX),
            limit,
            prefix: Vec::with_capacity(PREFIX),
            end: Box::pin(tokio::time::sleep(timeout)),
        }
    }

    /// Takes note of what has come. A message is refused as soon as it says that it is too large.
    fn count(&mut self, data: &Bytes) -> Result<(), Status> {
        let missing = PREFIX - self.prefix.len();
        self.prefix.extend(data.iter().take(missing));
        let announced = match self.prefix.as_slice() {
            [_, length @ ..] if self.prefix.len() == PREFIX => {
                let mut length = length;
                usize::try_from(length.get_u32()).unwrap_or(usize::MAX)
            }
            _ => 0,
        };
        match self.left.checked_sub(data.len()) {
            Some(left) if announced <= self.limit => {
                self.left = left;
                Ok(())
            }
            _ => Err(Status::resource_exhausted(format!(
                "the message is larger than {} bytes",
                self.limit
            ))),
        }
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(self.end.as_mut().poll(context));
                let why = "the message did not come in time";
                return Poll::Ready(Some(Err(Status::deadline_exceeded(why))));
            }
        };
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                let status = Status::from_error(error.into());
                return Poll::Ready(Some(Err(status)));
            }
            None => return Poll::Ready(None),
        };
        if let Some(data) = frame.data_ref() {
            self.count(data)?;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
