//! The cases that Dart's `web_socket_channel` tests (`adapter_web_socket_channel_test`, `io_test`,
//! `html_test`), against a server of another implementation. The names say what they say there.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt, TryStreamExt};
use tokio::net::{TcpListener, TcpStream};
use veche_channel::{By, Channel, CloseCode, Connect, ConnectError, Message, connect};

use crate::peer::{self, echo, echo_with_protocol};

/// Sends a message and expects it back.
pub(crate) async fn check_echo(channel: &mut Channel, message: impl Into<Message>) {
    let message = message.into();
    channel.send(message.clone()).await.expect("sent");
    let echo = channel.next().await.expect("open").expect("no failure");
    assert_eq!(echo, message);
}

/// A port where nobody listens.
async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("ws://{}/", listener.local_addr().expect("bound"))
}

#[tokio::test]
async fn failed_connect() {
    let url = closed_port().await;
    let error = connect(&url).await.expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Connect { .. }), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn good_connect() {
    connect(&echo().await).await.expect("a channel");
}

#[tokio::test]
async fn echo_of_an_empty_text() {
    check_echo(&mut connect(&echo().await).await.expect("a channel"), "").await;
}

#[tokio::test]
async fn echo_of_empty_binary() {
    check_echo(
        &mut connect(&echo().await).await.expect("a channel"),
        vec![],
    )
    .await;
}

#[tokio::test]
async fn echo_of_hello() {
    check_echo(
        &mut connect(&echo().await).await.expect("a channel"),
        "hello",
    )
    .await;
}

#[tokio::test]
async fn echo_of_1_2_3() {
    check_echo(
        &mut connect(&echo().await).await.expect("a channel"),
        vec![1, 2, 3],
    )
    .await;
}

#[tokio::test]
async fn alternative_string_and_binary_request_and_response() {
    let mut channel = connect(&echo().await).await.expect("a channel");
    for n in 0..10_u8 {
        check_echo(&mut channel, format!("text {n}")).await;
        check_echo(&mut channel, vec![n; 3]).await;
    }
}

#[tokio::test]
async fn remote_close() {
    let mut channel = connect(&echo().await).await.expect("a channel");
    channel.send("close").await.expect("sent");
    assert!(channel.next().await.is_none(), "a close is no failure");
    let closed = channel.closed().expect("it ended");
    assert_eq!((closed.by, closed.code), (By::Peer, 3001));
    assert_eq!(closed.reason, "you asked me to");
    assert!(closed.clean);
}

/// In Dart the own code stays null; here the end says what was sent.
#[tokio::test]
async fn local_close() {
    let mut channel = connect(&echo().await).await.expect("a channel");
    let code = CloseCode::new(3005).expect("an application's code");
    let closed = channel.close(code, "please close").await;
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Local, 3005, true)
    );
    assert_eq!(channel.closed(), Some(&closed));
    assert!(channel.next().await.is_none());
}

/// "constructor with WebSocket", "existing open WebSocket": a stream that is connected already.
#[tokio::test]
async fn over_a_stream_that_is_connected() {
    let url = echo().await;
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    let tcp = TcpStream::connect(address).await.expect("connected");
    let mut channel = Connect::new(&url)
        .connect_over(tcp)
        .await
        .expect("a channel");
    check_echo(&mut channel, "over").await;
}

/// "constructor with Future<WebSocket>", "connecting WebSocket": there is no object before the
/// connection, so a future of one is the future of `connect`.
#[tokio::test]
async fn a_channel_that_is_being_made_is_a_future_of_one() {
    let url = echo().await;
    let connecting = tokio::spawn(async move { connect(&url).await });
    let mut channel = connecting.await.expect("no panic").expect("a channel");
    check_echo(&mut channel, "later").await;
}

/// "communicates using existing WebSockets": both sides are ours, and the client ends with 3678.
#[tokio::test]
async fn communicates_between_two_channels() {
    let (mut client, mut server) = veche_channel::pair();
    let serving = tokio::spawn(async move {
        let message = server.next().await.expect("open").expect("no failure");
        assert_eq!(message.as_text(), Some("ping"));
        server.send("pong").await.expect("sent");
        assert!(server.next().await.is_none());
        server.closed().cloned()
    });
    client.send("ping").await.expect("sent");
    let message = client.next().await.expect("open").expect("no failure");
    assert_eq!(message.as_text(), Some("pong"));
    let code = CloseCode::new(3678).expect("an application's code");
    client.close(code, "raisin").await;
    let seen = serving.await.expect("no panic").expect("it ended");
    assert_eq!(
        (seen.by, seen.code, seen.reason.as_str()),
        (By::Peer, 3678, "raisin")
    );
}

/// ".connect communicates immediately": what the server says with its answer is not lost.
#[tokio::test]
async fn connect_communicates_immediately() {
    let url = peer::websocket(|mut theirs| async move {
        theirs.send("welcome".into()).await.expect("sent");
        peer::echo_one(theirs).await;
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    channel.send("first").await.expect("sent");
    let messages: Vec<_> = channel.take(2).try_collect().await.expect("no failure");
    assert_eq!(messages, ["welcome".into(), "first".into()]);
}

/// "… using platform independent api": the traits `Stream` and `Sink`.
#[tokio::test]
async fn connect_communicates_through_the_traits() {
    let channel = connect(&echo().await).await.expect("a channel");
    let (mut sink, stream) = StreamExt::split(channel);
    sink.feed("one".into()).await.expect("queued");
    sink.feed(vec![2].into()).await.expect("queued");
    sink.flush().await.expect("sent");
    let messages: Vec<_> = stream.take(2).try_collect().await.expect("no failure");
    assert_eq!(messages, [Message::from("one"), vec![2].into()]);
}

#[tokio::test]
async fn connect_with_an_immediate_call_to_close() {
    let (seen, mut sees) = tokio::sync::mpsc::channel(1);
    let url = peer::websocket(move |mut theirs| {
        let seen = seen.clone();
        async move {
            let close = peer::read_close(&mut theirs).await;
            seen.send(close).await.expect("the test waits");
        }
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    let code = CloseCode::new(3678).expect("an application's code");
    channel.close(code, "raisin").await;
    let seen = sees.recv().await.expect("the server saw an end");
    assert_eq!(seen, Some((3678, "raisin".to_owned())));
}

/// ".connect wraps a connection error in WebSocketChannelException": the 404 itself comes out.
#[tokio::test]
async fn connect_tells_the_status_of_a_refusal() {
    let url = peer::answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let error = connect(&url).await.expect_err("no channel");
    assert_eq!(error.refused().map(|refused| refused.status()), Some(404));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn protocols_fail() {
    let url = echo_with_protocol(None).await;
    let connect = Connect::new(&url).protocols(["other"]);
    let error = connect.connect().await.expect_err("none was chosen");
    assert!(matches!(error, ConnectError::Subprotocol), "{error}");
}

#[tokio::test]
async fn protocols_pass() {
    let url = echo_with_protocol(Some("my-protocol")).await;
    let connect = Connect::new(&url).protocols(["other", "my-protocol"]);
    let channel = connect.connect().await.expect("a channel");
    assert_eq!(channel.protocol(), Some("my-protocol"));
}

#[tokio::test]
async fn connects_with_a_timeout_parameter_specified() {
    let connect = Connect::new(echo().await).timeout(Duration::from_secs(20));
    check_echo(&mut connect.connect().await.expect("a channel"), "in time").await;
}

#[tokio::test]
async fn respects_the_timeout_parameter_when_trying_to_connect() {
    let url = peer::serve(|stream| async move {
        let mut stream = stream;
        peer::read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let began = Instant::now();
    let connect = Connect::new(&url).timeout(Duration::from_millis(50));
    let error = connect.connect().await.expect_err("nobody answers");
    assert!(matches!(error, ConnectError::Timeout(_)), "{error}");
    assert!(error.is_retryable());
    assert!(began.elapsed() >= Duration::from_millis(50));
}

/// "custom client is passed through (user-agent)": and it is not sent twice.
#[tokio::test]
async fn a_user_agent_of_ones_own_is_sent_alone() {
    let (seen, mut sees) = tokio::sync::mpsc::channel(1);
    let url = peer::serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            let head = peer::read_head(&mut stream).await;
            seen.send(head).await.expect("the test waits");
        }
    })
    .await;
    let connect = Connect::new(&url)
        .header("user-agent", "first")
        .header("User-Agent", "custom");
    connect.connect().await.expect_err("it ends the connection");
    let head = sees.recv().await.expect("a request").to_lowercase();
    assert_eq!(head.matches("user-agent:").count(), 1, "{head}");
    assert!(head.contains("user-agent: custom\r\n"), "{head}");
}

/// "existing closed WebSocket": a channel that ended says so, and takes nothing more.
#[tokio::test]
async fn a_closed_channel_sends_nothing() {
    let mut channel = connect(&echo().await).await.expect("a channel");
    let closed = channel.close(CloseCode::NORMAL, "").await;
    let error = channel.send("late").await.expect_err("it is closed");
    assert!(matches!(error, veche_channel::Error::Closed(end) if end == closed));
    assert!(channel.next().await.is_none());
}

/// ".connect defaults to binary lists", ".connect can use blobs": bytes are bytes, and shared
/// without a copy.
#[tokio::test]
async fn binary_messages_are_shared_bytes() {
    let mut channel = connect(&echo().await).await.expect("a channel");
    channel.send(vec![1, 2, 3]).await.expect("sent");
    let message = channel.next().await.expect("open").expect("no failure");
    let Message::Binary(bytes) = message else {
        panic!("binary");
    };
    assert_eq!(bytes.slice(1..).as_ptr(), bytes[1..].as_ptr());
}
