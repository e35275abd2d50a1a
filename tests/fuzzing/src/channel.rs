//! A server of any bytes before our client: the answer to its upgrade, and frames behind it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Builder;
use veche_channel::{Connect, ConnectError, Message};
use veche_websocket::handshake::accept_key;

/// Bytes of a message that the client takes: enough for one that is read into its own buffer.
const MAX_MESSAGE: usize = 16384;

/// The first byte says what the client offers, and where the server's bytes are cut. The first
/// `ACCEPT` in what follows stands for the right answer to the client's key.
pub fn run(input: &[u8]) {
    let Some((&first, bytes)) = input.split_first() else {
        return;
    };
    let whole = converse(first, bytes, usize::MAX);
    for cut in [1, 7, usize::from(first >> 2) + 2] {
        assert_eq!(converse(first, bytes, cut), whole, "cut at every {cut}");
    }
}

/// What a program hears of such a server.
#[derive(Debug, PartialEq)]
enum Heard {
    NoChannel(String),
    Message(Message),
    Failure(String),
    End(veche_channel::Closed),
}

fn converse(first: u8, bytes: &[u8], cut: usize) -> Vec<Heard> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let server = Server {
            asked: Vec::new(),
            answer: bytes.to_vec(),
            bytes: Vec::new(),
            at: 0,
            cut,
        };
        let mut connect = Connect::new("ws://fuzz/").max_message(MAX_MESSAGE);
        if first & 1 != 0 {
            connect = connect.compression(0);
        }
        if first & 2 != 0 {
            connect = connect.protocols(["one", "two"]);
        }
        let mut channel = match connect.connect_over(server).await {
            Ok(channel) => channel,
            Err(error) => return vec![refused(&error)],
        };
        let mut heard = Vec::new();
        while let Some(next) = channel.next().await {
            match next {
                Ok(message) => {
                    assert!(message.len() <= MAX_MESSAGE);
                    heard.push(Heard::Message(message));
                }
                Err(error) => heard.push(Heard::Failure(error.to_string())),
            }
        }
        let closed = channel.closed().expect("it ended").clone();
        assert!(closed.reason.len() <= 123);
        heard.push(Heard::End(closed));
        heard
    })
}

fn refused(error: &ConnectError) -> Heard {
    assert!(!matches!(error, ConnectError::Timeout(_)), "it waited");
    if let Some(refused) = error.refused() {
        assert_ne!(refused.status(), 101);
        assert!(refused.body().len() <= 4096);
        assert!(refused.headers().count() <= 100);
        // Not its text, which may hold the key's answer.
        let known = (refused.status(), refused.body().len());
        return Heard::NoChannel(format!("{known:?}"));
    }
    Heard::NoChannel(error.to_string())
}

/// Takes all that is written, answers once a request has come, and ends.
struct Server {
    asked: Vec<u8>,
    answer: Vec<u8>,
    bytes: Vec<u8>,
    at: usize,
    cut: usize,
}

impl Server {
    /// Puts the answer to the client's key where it belongs.
    fn prepare(&mut self) {
        let head = String::from_utf8_lossy(&self.asked).into_owned();
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let accept = accept_key(key.expect("a request has a key"));
        let answer = std::mem::take(&mut self.answer);
        let mut rest = answer.as_slice();
        // Only once: each conversation has another key, and what it says must be the same.
        if let Some(at) = rest.windows(6).position(|window| window == b"ACCEPT") {
            let (before, behind) = rest.split_at(at);
            self.bytes.extend_from_slice(before);
            self.bytes.extend_from_slice(accept.as_bytes());
            rest = behind.get(6..).unwrap_or_default();
        }
        self.bytes.extend_from_slice(rest);
    }
}

impl AsyncRead for Server {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.answer.is_empty() {
            self.prepare();
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.len().min(self.cut).min(buffer.remaining());
        buffer.put_slice(rest.get(..len).unwrap_or_default());
        self.at += len;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Server {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.at == 0 {
            self.asked.extend_from_slice(bytes);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
