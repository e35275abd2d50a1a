//! Servers that do what they must not: an error value comes of it, memory stays bounded, and
//! nothing panics or waits for ever.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use veche_channel::{CloseCode, Connect, ConnectError, Error, connect};

use crate::peer;

const SOON: Duration = Duration::from_millis(100);

/// The failure that a server's bytes lead to.
async fn failure(bytes: &'static [u8]) -> Error {
    let url = peer::raw(move |mut stream| async move {
        stream.write_all(bytes).await.expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let connect = Connect::new(&url).max_message(1 << 20);
    let mut channel = connect.connect().await.expect("a channel");
    channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one")
}

#[tokio::test]
async fn frames_that_no_server_may_send_are_protocol_errors() {
    for bytes in [
        b"\x81\x85\x00\x00\x00\x00Hello".as_slice(),
        b"\xc1\x01x",
        b"\xa1\x01x",
        b"\x83\x00",
        b"\x80\x01x",
        b"\x09\x00",
        b"\x89\x7e\x00\x80",
        b"\x88\x01x",
        b"\x88\x02\x03\xed",
        b"\x01\x01a\x81\x01b",
        b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let error = failure(bytes).await;
        assert!(
            matches!(error, Error::Protocol { code: 1002, .. }),
            "{bytes:?}: {error}"
        );
    }
}

#[tokio::test]
async fn text_that_is_not_utf8_is_invalid_data() {
    let error = failure(b"\x81\x02\xc3\x28").await;
    assert!(
        matches!(error, Error::Protocol { code: 1007, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_frame_that_announces_100_mb_is_refused_by_its_header() {
    let error = failure(b"\x82\x7f\x00\x00\x00\x00\x05\xf5\xe1\x00").await;
    assert!(
        matches!(error, Error::TooBig { limit: 1_048_576 }),
        "{error}"
    );
}

#[tokio::test]
async fn a_message_of_endless_fragments_ends_at_the_limit() {
    let url = peer::raw(|mut stream| async move {
        let mut fragment = b"\x02\x7e\x04\x00".to_vec();
        fragment.resize(4 + 1024, 0);
        while stream.write_all(&fragment).await.is_ok() {
            if let Some(first) = fragment.first_mut() {
                *first = 0;
            }
        }
    })
    .await;
    let connect = Connect::new(&url).max_message(100_000).close_timeout(SOON);
    let mut channel = connect.connect().await.expect("a channel");
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(matches!(error, Error::TooBig { limit: 100_000 }), "{error}");
}

#[tokio::test]
async fn a_compressed_message_that_grows_past_the_limit_is_refused() {
    let url = peer::serve(|mut stream| async move {
        let head = peer::read_head(&mut stream).await;
        let extension = "Sec-WebSocket-Extensions: permessage-deflate; \
                         server_no_context_takeover; client_no_context_takeover\r\n";
        let mut bytes = peer::answer_101(&head, extension).into_bytes();
        let mut deflater = veche_websocket::deflate::Deflater::new(9);
        deflater.write(
            &mut bytes,
            veche_websocket::frame::Opcode::Binary,
            &vec![0; 2 << 20],
        );
        stream.write_all(&bytes).await.expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let connect = Connect::new(&url).compression(0).max_message(1 << 20);
    let mut channel = connect.connect().await.expect("a channel");
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(matches!(error, Error::TooBig { .. }), "{error}");
}

/// It pings without end, and takes no answer.
#[tokio::test]
async fn a_flood_of_pings_that_are_not_read_fills_no_memory() {
    let url = peer::raw(|mut stream| async move {
        let pings = b"\x89\x7d"
            .iter()
            .copied()
            .chain([7; 125])
            .collect::<Vec<u8>>();
        for _ in 0..20_000 {
            if stream.write_all(&pings).await.is_err() {
                return;
            }
        }
        stream.write_all(b"\x81\x04done").await.expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let connect = Connect::new(&url).max_unsent(10_000);
    let mut channel = connect.connect().await.expect("a channel");
    let message = channel.next().await.expect("open").expect("no failure");
    assert_eq!(message.as_text(), Some("done"));
    channel.close(CloseCode::NORMAL, "").await;
}

#[tokio::test]
async fn a_server_that_says_more_after_its_close_is_not_heard() {
    let url = peer::raw(|mut stream| async move {
        stream
            .write_all(b"\x88\x02\x03\xe8\x81\x04more")
            .await
            .expect("sent");
        while stream.write_all(b"\x81\x04more").await.is_ok() {}
    })
    .await;
    let connect = Connect::new(&url).close_timeout(SOON);
    let mut channel = connect.connect().await.expect("a channel");
    assert!(channel.next().await.is_none());
    assert_eq!(channel.closed().map(|closed| closed.code), Some(1000));
}

/// Why there is no channel with a server that answers so.
async fn handshake_failure(answer: fn(&str) -> String) -> ConnectError {
    let url = peer::serve(move |mut stream| async move {
        let head = peer::read_head(&mut stream).await;
        // The client may have gone before it was all sent.
        let _ = stream.write_all(answer(&head).as_bytes()).await;
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let connect = Connect::new(&url).timeout(Duration::from_secs(20));
    connect.connect().await.expect_err("no channel")
}

#[tokio::test]
async fn an_answer_that_was_not_asked_for_is_refused() {
    let extension =
        |head: &str| peer::answer_101(head, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let error = handshake_failure(extension).await;
    assert!(
        matches!(error, ConnectError::Handshake("Sec-WebSocket-Extensions")),
        "{error}"
    );
    let protocol = |head: &str| peer::answer_101(head, "Sec-WebSocket-Protocol: chat\r\n");
    let error = handshake_failure(protocol).await;
    assert!(matches!(error, ConnectError::Subprotocol), "{error}");
    let key = |head: &str| peer::answer_101(head, "").replace("Accept: ", "Accept: x");
    let error = handshake_failure(key).await;
    assert!(
        matches!(error, ConnectError::Handshake("Sec-WebSocket-Accept")),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_http_or_never_ends_is_refused() {
    let error = handshake_failure(|_| "SSH-2.0-OpenSSH\r\n".repeat(10)).await;
    assert!(matches!(error, ConnectError::NotHttp), "{error}");
    let endless = |_: &str| format!("HTTP/1.1 101 Ok\r\nX: {}", "y".repeat(100_000));
    let error = handshake_failure(endless).await;
    assert!(matches!(error, ConnectError::NotHttp), "{error}");
}

#[tokio::test]
async fn a_body_without_end_is_read_no_further_than_its_start() {
    let error = handshake_failure(|_| {
        let body = "x".repeat(100_000);
        format!("HTTP/1.1 500 Oops\r\nContent-Length: 99999999999\r\n\r\n{body}")
    })
    .await;
    assert_eq!(
        error.refused().map(|refused| refused.body().len()),
        Some(4096)
    );
}

/// tungstenite drops such a handshake.
#[tokio::test]
async fn a_handshake_that_comes_byte_by_byte_is_understood() {
    async fn serve(mut stream: TcpStream) {
        let head = peer::read_head(&mut stream).await;
        stream.set_nodelay(true).expect("a socket");
        let mut bytes = peer::answer_101(&head, "").into_bytes();
        bytes.extend_from_slice(b"\x81\x05hello");
        for byte in bytes {
            stream.write_u8(byte).await.expect("sent");
            tokio::task::yield_now().await;
        }
        while stream.read_u8().await.is_ok() {}
    }
    let url = peer::serve(serve).await;
    let mut channel = connect(&url).await.expect("a channel");
    let message = channel.next().await.expect("open").expect("no failure");
    assert_eq!(message.as_text(), Some("hello"));
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_is_lost() {
    let url = peer::raw(|mut stream| async move {
        stream.write_all(b"\x81\x05Hel").await.expect("sent");
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(matches!(error, Error::Lost(_)), "{error}");
}
