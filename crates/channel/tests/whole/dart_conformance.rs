//! The 35 cases of Dart's `web_socket_conformance_tests`, against servers of another
//! implementation or of bare bytes. Where ours differs on purpose, the test says how.

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use veche_channel::{
    By, Channel, CloseCode, Connect, ConnectError, Error, Message, UrlError, connect,
};

use crate::dart_channel::check_echo;
use crate::peer::{self, Theirs, echo, echo_with_protocol};

fn code(code: u16) -> CloseCode {
    CloseCode::new(code).expect("a code that may be sent")
}

/// A server that tells what it saw as the end.
async fn watching() -> (String, mpsc::Receiver<Option<(u16, String)>>) {
    let (seen, sees) = mpsc::channel(8);
    let url = peer::websocket(move |mut theirs: Theirs| {
        let seen = seen.clone();
        async move {
            let close = peer::read_close(&mut theirs).await;
            seen.send(close).await.expect("the test waits");
        }
    })
    .await;
    (url, sees)
}

/// A server that closes at once.
async fn closing() -> Channel {
    let url = peer::websocket(|mut theirs| async move {
        let frame = CloseFrame {
            code: 4123.into(),
            reason: "server closed the connection".into(),
        };
        theirs.close(Some(frame)).await.expect("sent");
        while theirs.next().await.is_some() {}
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    assert!(channel.next().await.is_none());
    channel
}

async fn check_local_close(close: (u16, &str)) {
    let (url, mut sees) = watching().await;
    let mut channel = connect(&url).await.expect("a channel");
    let closed = channel.close(code(close.0), close.1).await;
    assert!(closed.clean);
    let seen = sees.recv().await.expect("the server saw an end");
    assert_eq!(seen, Some((close.0, close.1.to_owned())));
}

#[tokio::test]
async fn peer_writes_after_close_are_ignored() {
    let url = peer::raw(|mut stream| async move {
        // Our close frame: two bytes, a key, a code.
        let mut frame = [0; 8];
        stream.read_exact(&mut frame).await.expect("a close");
        stream.write_all(b"\x81\x04late").await.expect("sent");
        stream
            .write_all(b"\x88\x02\x03\xe8\x81\x05later")
            .await
            .expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    let closed = channel.close(CloseCode::NORMAL, "").await;
    assert!(closed.clean);
    assert!(channel.next().await.is_none());
}

#[test]
fn reserved_close_code_1004() {
    assert_eq!(CloseCode::new(1004), None);
}

#[test]
fn reserved_close_code_2999() {
    assert_eq!(CloseCode::new(2999), None);
}

#[test]
fn reserved_close_code_5000() {
    assert_eq!(CloseCode::new(5000), None);
}

/// Dart throws and leaves the connection open; here it is cut, and the close goes out.
#[tokio::test]
async fn too_long_close_reason() {
    let (url, mut sees) = watching().await;
    let mut channel = connect(&url).await.expect("a channel");
    let closed = channel.close(code(3000), &"a".repeat(124)).await;
    assert_eq!(closed.reason, "a".repeat(123));
    let seen = sees.recv().await.expect("the server saw an end");
    assert_eq!(seen, Some((3000, "a".repeat(123))));
}

/// In Dart the peer sees 1005; the sink's close, which has no place for a code, sends 1000.
#[tokio::test]
async fn close_without_a_code() {
    let (url, mut sees) = watching().await;
    let mut channel = connect(&url).await.expect("a channel");
    SinkExt::close(&mut channel).await.expect("sent");
    assert!(channel.next().await.is_none());
    assert_eq!(channel.closed().map(|closed| closed.clean), Some(true));
    let seen = sees.recv().await.expect("the server saw an end");
    assert_eq!(seen, Some((1000, String::new())));
}

#[tokio::test]
async fn with_code_1000() {
    check_local_close((1000, "")).await;
}

#[tokio::test]
async fn with_code_3000() {
    check_local_close((3000, "")).await;
}

#[tokio::test]
async fn with_code_4999() {
    check_local_close((4999, "")).await;
}

#[tokio::test]
async fn with_code_and_reason() {
    check_local_close((3000, "Client initiated closure")).await;
}

#[tokio::test]
async fn close_after_close() {
    let (url, mut sees) = watching().await;
    let mut channel = connect(&url).await.expect("a channel");
    let first = channel.close(code(3000), "first").await;
    let second = channel.close(code(3001), "second").await;
    assert_eq!(first, second);
    let seen = sees.recv().await.expect("the server saw an end");
    assert_eq!(seen, Some((3000, "first".to_owned())));
}

async fn check_send_after_close(message: impl Into<Message>) {
    let (url, _sees) = watching().await;
    let mut channel = connect(&url).await.expect("a channel");
    channel.close(code(3000), "").await;
    let error = channel.send(message).await.expect_err("it is closed");
    assert!(matches!(error, Error::Closed(closed) if closed.by == By::Local));
}

#[tokio::test]
async fn send_bytes_after_close() {
    check_send_after_close(vec![1, 2, 3]).await;
}

#[tokio::test]
async fn send_text_after_close() {
    check_send_after_close("hello").await;
}

#[tokio::test]
async fn remote_close_with_code_and_reason() {
    let channel = closing().await;
    let closed = channel.closed().expect("it ended");
    assert_eq!((closed.by, closed.code), (By::Peer, 4123));
    assert_eq!(closed.reason, "server closed the connection");
    assert!(closed.clean);
}

#[tokio::test]
async fn send_bytes_after_remote_close() {
    let error = closing()
        .await
        .send(vec![1])
        .await
        .expect_err("it is closed");
    assert!(matches!(error, Error::Closed(closed) if closed.code == 4123));
}

#[tokio::test]
async fn send_text_after_remote_close() {
    let error = closing()
        .await
        .send("hello")
        .await
        .expect_err("it is closed");
    assert!(matches!(error, Error::Closed(closed) if closed.code == 4123));
}

#[tokio::test]
async fn close_after_remote_close() {
    let closed = closing().await.close(CloseCode::NORMAL, "").await;
    assert_eq!((closed.by, closed.code), (By::Peer, 4123));
}

#[tokio::test]
async fn remote_close_with_a_reason_that_is_not_utf8() {
    let url = peer::raw(|mut stream| async move {
        stream
            .write_all(b"\x88\x04\x03\xe8\xc3\x28")
            .await
            .expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(
        matches!(error, Error::Protocol { code: 1007, .. }),
        "{error}"
    );
    assert_eq!(channel.closed().map(|closed| closed.code), Some(1007));
}

#[tokio::test]
async fn connect_to_an_https_uri() {
    let error = connect("https://example.com/")
        .await
        .expect_err("no WebSocket");
    assert!(
        matches!(error, ConnectError::Url(UrlError::Scheme)),
        "{error}"
    );
}

/// Dart reports 1002, 1005 or 1006, by platform; here it is a failure, and always 1006.
#[tokio::test]
async fn disconnect_after_upgrade() {
    let url = peer::raw(|stream| async move { drop(stream) }).await;
    let mut channel = connect(&url).await.expect("a channel");
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(matches!(error, Error::Lost(_)), "{error}");
    let closed = channel.closed().expect("it ended");
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Transport, 1006, false)
    );
    assert!(channel.next().await.is_none());
}

#[tokio::test]
async fn no_upgrade() {
    let url = peer::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await;
    let error = connect(&url).await.expect_err("no WebSocket");
    let refused = error.refused().expect("an answer");
    assert_eq!((refused.status(), refused.body()), (200, b"hi".as_slice()));
}

async fn check_payload(message: impl Into<Message>) {
    check_echo(
        &mut connect(&echo().await).await.expect("a channel"),
        message,
    )
    .await;
}

#[tokio::test]
async fn empty_string_request_and_response() {
    check_payload("").await;
}

#[tokio::test]
async fn empty_binary_request_and_response() {
    check_payload(Vec::new()).await;
}

#[tokio::test]
async fn string_request_and_response() {
    check_payload("Hello World!").await;
}

#[tokio::test]
async fn binary_request_and_response() {
    check_payload(vec![1, 2, 3, 4, 5]).await;
}

#[tokio::test]
async fn large_string_request_and_response() {
    check_payload("Hello World!".repeat(10_000)).await;
}

#[tokio::test]
async fn large_binary_request_and_response() {
    check_payload(
        (0..1_000_000_u32)
            .map(|n| n.to_be_bytes()[3])
            .collect::<Vec<u8>>(),
    )
    .await;
}

#[tokio::test]
async fn non_ascii_string_request_and_response() {
    check_payload("🎉 Привет, κόσμε, 世界").await;
}

#[tokio::test]
async fn alternating_string_and_binary_request_and_response() {
    let mut channel = connect(&echo().await).await.expect("a channel");
    for n in 0..100_u8 {
        check_echo(&mut channel, format!("Hello World! {n}")).await;
        check_echo(&mut channel, vec![n]).await;
    }
}

async fn check_bad_data(writes: bool) {
    let url = peer::raw(|mut stream| async move {
        stream
            .write_all(b"marry had a little lamb whose fleece")
            .await
            .expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    if writes {
        // It may be noticed before or behind the write.
        let _ = channel.send("hello").await;
    }
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(
        matches!(error, Error::Protocol { code: 1002, .. }),
        "{error}"
    );
    assert!(!error.is_retryable());
    assert_eq!(channel.closed().map(|closed| closed.code), Some(1002));
}

#[tokio::test]
async fn bad_data_after_upgrade() {
    check_bad_data(false).await;
}

#[tokio::test]
async fn bad_data_after_upgrade_with_write() {
    check_bad_data(true).await;
}

#[tokio::test]
async fn no_protocol() {
    let channel = connect(&echo().await).await.expect("a channel");
    assert_eq!(channel.protocol(), None);
}

#[tokio::test]
async fn single_protocol() {
    let url = echo_with_protocol(Some("chat.example.com")).await;
    let connect = Connect::new(&url).protocols(["chat.example.com"]);
    let channel = connect.connect().await.expect("a channel");
    assert_eq!(channel.protocol(), Some("chat.example.com"));
}

#[tokio::test]
async fn multiple_protocols() {
    let url = echo_with_protocol(Some("text.example.com")).await;
    let connect = Connect::new(&url).protocols(["chat.example.com", "text.example.com"]);
    let channel = connect.connect().await.expect("a channel");
    assert_eq!(channel.protocol(), Some("text.example.com"));
}

#[tokio::test]
async fn protocol_mismatch() {
    let url = echo_with_protocol(Some("example.example.com")).await;
    let connect = Connect::new(&url).protocols(["chat.example.com"]);
    let error = connect.connect().await.expect_err("it was not offered");
    assert!(matches!(error, ConnectError::Subprotocol), "{error}");
}
