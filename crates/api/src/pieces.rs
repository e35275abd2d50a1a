//! Answers that are lists: sent while they are made, so that a long one is never there as a whole.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use crate::concurrently::Task;

/// Bytes after which a piece is sent. A shorter answer is sent as a whole, with its length.
const PIECE: usize = 64 << 10;

/// The answer that is being made: what is before the items, items with commas between them, what is behind them.
pub(crate) struct Pieces {
    piece: Vec<u8>,
    has_items: bool,
    /// Has room for one piece.
    sender: mpsc::Sender<Bytes>,
}

impl Pieces {
    /// Writes something that is no item.
    pub(crate) fn write(&mut self, json: &str) {
        self.piece.extend_from_slice(json.as_bytes());
    }

    /// Writes an item. Waits while the caller leaves one piece unread and another one is full.
    pub(crate) async fn item(&mut self, json: &[u8]) {
        if self.has_items {
            self.piece.push(b',');
        }
        self.has_items = true;
        self.piece.extend_from_slice(json);
        if self.piece.len() >= PIECE {
            self.send().await;
        }
    }

    async fn send(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        // Nobody listens when the call was dropped, and then this task is aborted.
        let _ = self.sender.send(piece.into()).await;
    }
}

/// Answers with what `make` writes: at once if it is short, else piece by piece.
///
/// # Cancel safety
/// When this or the answer is dropped, the making ends.
///
/// # Panics
/// When the making panics before its first piece is full.
pub(crate) async fn answer<F>(make: impl FnOnce(Pieces) -> F) -> Response
where
    F: Future<Output = Pieces> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(1);
    let making = make(Pieces {
        piece: Vec::new(),
        has_items: false,
        sender,
    });
    let mut task = Task::begin(async move { making.await.send().await });
    let Some(first) = receiver.recv().await else {
        // It sends at least one piece unless it panics.
        task.value().await;
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let body = if first.len() < PIECE {
        Body::from(first)
    } else {
        Body::new(Sent {
            first: Some(first),
            receiver,
            task: Some(task),
        })
    };
    (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// The body of an answer in pieces.
struct Sent {
    first: Option<Bytes>,
    receiver: mpsc::Receiver<Bytes>,
    /// Makes the pieces; `None` when its end was seen.
    task: Option<Task<()>>,
}

impl http_body::Body for Sent {
    type Data = Bytes;
    /// The making panicked: the connection ends without the end of the body.
    type Error = JoinError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, JoinError>>> {
        let piece = match self.first.take() {
            Some(first) => Some(first),
            None => ready!(self.receiver.poll_recv(cx)),
        };
        if let Some(piece) = piece {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(task) = &mut self.task else {
            return Poll::Ready(None);
        };
        let ended = ready!(task.poll_end(cx));
        self.task = None;
        Poll::Ready(ended.err().map(Err))
    }
}
