//! What users of other clients file issues about, shown to be gone here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as TheirMessage;
use veche_channel::{By, CloseCode, Connect, ConnectError, Error, Message, connect, pair};

use crate::peer;

/// Dart: the same error goes to `ready` and to the stream, and crashes who does not listen to
/// both.
#[tokio::test]
async fn a_failure_to_connect_comes_in_one_place_and_leaves_nothing_behind() {
    let (seen, mut sees) = mpsc::channel(1);
    let url = peer::serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            peer::read_head(&mut stream).await;
            let refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(refusal).await.expect("sent");
            // The client's socket ends with the attempt.
            let end = stream.read(&mut [0; 1]).await;
            seen.send(matches!(end, Ok(0)))
                .await
                .expect("the test waits");
        }
    })
    .await;
    connect(&url).await.expect_err("no channel");
    assert_eq!(sees.recv().await, Some(true));
}

/// Dart: 401 and 503 are lost in a generic exception.
#[tokio::test]
async fn a_refused_upgrade_tells_its_status_its_headers_and_how_its_body_begins() {
    let url = peer::answering(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nX-Reason: full\r\n\
          Content-Length: 9\r\n\r\ntry later",
    )
    .await;
    let error = connect(&url).await.expect_err("no channel");
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        "the server answered 503 instead of 101: try later"
    );
    let refused = error.refused().expect("an answer");
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.header("x-reason"), Some("full"));
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(refused.body(), b"try later");
    assert_eq!(refused.headers().count(), 3);
}

/// "not upgraded to websocket" behind a proxy that does not pass the upgrade on.
#[tokio::test]
async fn an_answer_without_a_header_of_the_upgrade_names_it() {
    let url =
        peer::answering(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n").await;
    let error = connect(&url).await.expect_err("no channel");
    assert_eq!(
        error.to_string(),
        "the connection was not upgraded to websocket: the server's Upgrade header is missing or wrong"
    );
}

/// Dart: no headers on the common constructor.
#[tokio::test]
async fn headers_and_the_user_of_the_url_are_sent_with_the_upgrade() {
    let (seen, mut sees) = mpsc::channel(1);
    let url = peer::serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            let head = peer::read_head(&mut stream).await;
            seen.send(head).await.expect("the test waits");
        }
    })
    .await;
    let first = Connect::new(url.replace("ws://", "ws://anna:secret@"))
        .header("Cookie", "a=b")
        .header("Origin", "https://example.com");
    let renewed = first.clone().header("Authorization", "Bearer new");
    first.connect().await.expect_err("it ends the connection");
    let head = sees.recv().await.expect("a request");
    assert_eq!(peer::header(&head, "cookie"), Some("a=b"));
    assert_eq!(peer::header(&head, "origin"), Some("https://example.com"));
    assert_eq!(
        peer::header(&head, "authorization"),
        Some("Basic YW5uYTpzZWNyZXQ=")
    );
    // A token can be renewed between attempts: it replaces what was there.
    renewed.connect().await.expect_err("it ends the connection");
    let head = sees.recv().await.expect("a request");
    assert_eq!(peer::header(&head, "authorization"), Some("Bearer new"));
    assert_eq!(head.matches("uthorization").count(), 1);
}

#[tokio::test]
async fn a_header_that_would_break_the_request_is_refused_before_anything_is_sent() {
    for (name, value) in [
        ("X", "a\r\nY: b"),
        ("X: y", "z"),
        ("", "x"),
        ("Sec-WebSocket-Key", "mine"),
        ("upgrade", "h2c"),
        ("Content-Length", "5"),
    ] {
        let connect = Connect::new("ws://127.0.0.1:1/").header(name, value);
        let (pipe, _end) = tokio::io::duplex(1024);
        let error = connect.connect_over(pipe).await.expect_err("a bad header");
        assert!(matches!(error, ConnectError::Header(_)), "{name}: {error}");
    }
}

/// Dart: compression cannot be switched off.
#[tokio::test]
async fn compression_is_offered_only_where_it_is_wanted() {
    for wanted in [false, true] {
        let (seen, mut sees) = mpsc::channel(1);
        let url = peer::serve(move |mut stream| {
            let seen = seen.clone();
            async move {
                let head = peer::read_head(&mut stream).await;
                seen.send(head).await.expect("the test waits");
            }
        })
        .await;
        let connect = Connect::new(&url);
        let connect = if wanted {
            connect.compression(100)
        } else {
            connect
        };
        connect.connect().await.expect_err("it ends the connection");
        let head = sees.recv().await.expect("a request");
        let offered = peer::header(&head, "sec-websocket-extensions");
        assert_eq!(offered.is_some(), wanted);
    }
}

/// Dart: the attempt goes on in the background after `connectTimeout`.
#[tokio::test]
async fn an_attempt_that_timed_out_has_ended() {
    let (seen, mut sees) = mpsc::channel(1);
    let url = peer::serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            peer::read_head(&mut stream).await;
            let end = stream.read(&mut [0; 1]).await;
            seen.send(matches!(end, Ok(0) | Err(_)))
                .await
                .expect("the test waits");
        }
    })
    .await;
    let connect = Connect::new(&url).timeout(Duration::from_millis(50));
    let error = connect.connect().await.expect_err("nobody answers");
    assert!(matches!(error, ConnectError::Timeout(_)));
    assert_eq!(sees.recv().await, Some(true));
}

/// Dart: everything that comes is buffered without limit, whether it is read or not.
#[tokio::test]
async fn a_peer_whose_messages_are_not_read_is_held_back() {
    let (mut client, mut server) = pair();
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let sending = tokio::spawn(async move {
        for _ in 0..10_000 {
            server.send(vec![7; 1000]).await?;
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<_, Error>(server)
    });
    // The client is driven, but not read: it only sends.
    for _ in 0..2000 {
        client.send("x").await.expect("sent");
        tokio::task::yield_now().await;
    }
    let held_back = sent.load(Ordering::Relaxed);
    assert!(held_back < 1000, "{held_back} messages were taken from it");
    let mut received = 0;
    while let Some(message) = client.next().await {
        assert_eq!(message.expect("no failure").len(), 1000);
        received += 1;
        if received == 10_000 {
            break;
        }
    }
    sending.await.expect("no panic").expect("all was sent");
}

/// A sender that is faster than the network waits, and does not fill memory.
#[tokio::test]
async fn a_sender_waits_for_a_peer_that_does_not_read() {
    let (mut client, mut server) = pair();
    let mut taken = 0;
    // Ready as long as there is room: in the pipe, and in what may wait before it.
    while let Some(sent) = futures_util::FutureExt::now_or_never(client.send(vec![1; 1000])) {
        sent.expect("sent");
        taken += 1;
        assert!(taken < 1000, "without bound");
    }
    // What was queued when the sender was dropped arrives whole, once.
    let mut received = 0;
    while received < taken {
        let message = server.next().await.expect("open").expect("no failure");
        assert_eq!(message, Message::from(vec![1; 1000]));
        received += 1;
    }
    client.send("done").await.expect("sent");
    let rest = server.next().await.expect("open").expect("no failure");
    if rest.len() == 1000 {
        let last = server.next().await.expect("open").expect("no failure");
        assert_eq!(last.as_text(), Some("done"));
    } else {
        assert_eq!(rest.as_text(), Some("done"));
    }
}

/// Dart: what is sent after the peer closed is dropped without a word.
#[tokio::test]
async fn what_is_sent_after_the_peer_closed_is_an_error() {
    let (mut client, mut server) = pair();
    let closing =
        tokio::spawn(async move { server.close(CloseCode::SERVICE_RESTART, "back soon").await });
    assert!(client.next().await.is_none());
    let error = client.send("lost?").await.expect_err("it is closed");
    assert!(error.is_retryable(), "the server restarts");
    assert!(matches!(error, Error::Closed(closed) if closed.reason == "back soon"));
    assert!(closing.await.expect("no panic").clean);
}

/// Dart: 1001 throws inside the sink, no close frame goes out, and the connection stays.
#[tokio::test]
async fn going_away_is_sent_and_the_connection_ends() {
    let (seen, mut sees) = mpsc::channel(1);
    let url = peer::raw(move |mut stream| {
        let seen = seen.clone();
        async move {
            let mut all = Vec::new();
            let mut frame = [0; 8];
            stream.read_exact(&mut frame).await.expect("a close");
            stream.write_all(b"\x88\x02\x03\xe9").await.expect("sent");
            stream.shutdown().await.expect("ended");
            stream.read_to_end(&mut all).await.expect("an end");
            seen.send((frame, all)).await.expect("the test waits");
        }
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    let closed = channel.close(CloseCode::GOING_AWAY, "").await;
    assert_eq!((closed.code, closed.clean), (1001, true));
    // The channel is still there, its connection is not.
    let (frame, rest) = sees.recv().await.expect("the server saw an end");
    assert_eq!((frame[0], frame[1]), (0x88, 0x82));
    assert!(rest.is_empty());
}

/// Dart: `sink.close` hangs, or takes 20 seconds.
#[tokio::test]
async fn a_close_that_nobody_answers_ends_at_its_deadline() {
    let url = peer::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let connect = Connect::new(&url).close_timeout(Duration::from_millis(50));
    let mut channel = connect.connect().await.expect("a channel");
    let closed = channel.close(CloseCode::NORMAL, "bye").await;
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Local, 1000, false)
    );
}

#[tokio::test]
async fn a_close_ends_at_its_deadline_when_the_peer_takes_nothing() {
    let (pipe, mut end) = tokio::io::duplex(64);
    let connect = Connect::new("ws://pipe/").close_timeout(Duration::from_millis(50));
    let answering = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(end.read_u8().await.expect("a request"));
        }
        let head = String::from_utf8(head).expect("text");
        let answer = peer::answer_101(&head, "");
        end.write_all(answer.as_bytes()).await.expect("sent");
    };
    let (client, ()) = tokio::join!(connect.connect_over(pipe), answering);
    let mut client = client.expect("a channel");
    let stuck = futures_util::FutureExt::now_or_never(client.send(vec![0; 10_000]));
    assert!(stuck.is_none());
    let closed = client.close(CloseCode::NORMAL, "").await;
    assert!(!closed.clean);
}

/// Dart: a dead link is not noticed, since nothing pings by default.
#[tokio::test]
async fn a_link_that_died_without_a_word_is_noticed() {
    let url = peer::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let short = Duration::from_millis(50);
    let mut channel = (Connect::new(&url).ping(short, short).connect().await).expect("a channel");
    let error = channel
        .next()
        .await
        .expect("a failure")
        .expect_err("it is one");
    assert!(
        matches!(error, Error::NoPong(within) if within == short),
        "{error}"
    );
    assert!(error.is_retryable());
    let closed = channel.closed().expect("it ended");
    assert_eq!((closed.by, closed.code), (By::Transport, 1006));
}

/// Sending never waits here, as the peer's system takes all; the silence is noticed all the same.
#[tokio::test]
async fn a_link_that_died_is_noticed_by_who_only_sends() {
    let url = peer::raw(|mut stream| async move { while stream.read_u8().await.is_ok() {} }).await;
    let short = Duration::from_millis(20);
    let connect = Connect::new(&url).ping(short, short);
    let mut channel = connect.connect().await.expect("a channel");
    let error = loop {
        match channel.send("anybody there?").await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Closed(closed) if closed.by == By::Transport));
    assert!(matches!(channel.next().await, Some(Err(Error::NoPong(_)))));
}

/// Dart: a ping counts strictly, so that a busy link may be given up.
#[tokio::test]
async fn a_link_that_answers_lives_however_short_the_interval() {
    let (short, long) = (Duration::from_millis(10), Duration::from_secs(20));
    let url = peer::echo().await;
    let mut channel = (Connect::new(&url).ping(short, long).connect().await).expect("a channel");
    let waited = tokio::time::timeout(20 * short, channel.next()).await;
    assert!(waited.is_err(), "nothing comes, and nothing fails");
    channel.send("still here").await.expect("sent");
    assert!(channel.next().await.expect("open").is_ok());
}

/// Dart: a peer's pings are answered only by a socket that buffers all that comes.
#[tokio::test]
async fn pings_are_answered_while_the_application_only_sends() {
    let (seen, mut sees) = mpsc::channel(64);
    let url = peer::websocket(move |mut theirs| {
        let seen = seen.clone();
        async move {
            theirs
                .send(TheirMessage::Ping("are you there".into()))
                .await
                .expect("sent");
            while let Some(Ok(message)) = theirs.next().await {
                if let TheirMessage::Pong(payload) = message {
                    seen.send(payload).await.expect("the test waits");
                }
            }
        }
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    let pong = loop {
        channel.send("busy").await.expect("sent");
        if let Ok(pong) = sees.try_recv() {
            break pong;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(pong.as_ref(), b"are you there");
}

/// Dart: 1005 for a lost connection, as for a close frame without a code.
#[tokio::test]
async fn a_close_frame_without_a_code_and_a_lost_connection_differ() {
    let url = peer::raw(|mut stream| async move {
        stream.write_all(b"\x88\x00").await.expect("sent");
        while stream.read_u8().await.is_ok() {}
    })
    .await;
    let mut channel = connect(&url).await.expect("a channel");
    assert!(channel.next().await.is_none(), "a close is no failure");
    let closed = channel.closed().expect("it ended");
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Peer, 1005, true)
    );

    let (mut client, server) = pair();
    drop(server);
    assert!(matches!(client.next().await, Some(Err(Error::Lost(_)))));
    let closed = client.closed().expect("it ended");
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Transport, 1006, false)
    );
}

/// Dart: errors come after closing, as timers go on.
#[tokio::test]
async fn after_the_end_nothing_more_happens() {
    let short = Duration::from_millis(10);
    let url = peer::echo().await;
    let mut channel = (Connect::new(&url).ping(short, short).connect().await).expect("a channel");
    let closed = channel.close(CloseCode::NORMAL, "").await;
    tokio::time::sleep(3 * short).await;
    for _ in 0..3 {
        assert!(channel.next().await.is_none());
        assert_eq!(channel.closed(), Some(&closed));
    }
}

/// The graceful end: what the peer still has to say is heard.
#[tokio::test]
async fn closing_the_sink_leaves_the_stream_to_its_end() {
    let (mut client, mut server) = pair();
    let serving = tokio::spawn(async move {
        let question = server.next().await.expect("open").expect("no failure");
        assert_eq!(question.as_text(), Some("last question"));
        server.send("last answer").await.expect("sent");
        assert!(server.next().await.is_none());
    });
    client.feed("last question".into()).await.expect("queued");
    SinkExt::close(&mut client).await.expect("closed");
    let answer = client
        .next()
        .await
        .expect("not yet at its end")
        .expect("no failure");
    assert_eq!(answer.as_text(), Some("last answer"));
    assert!(client.next().await.is_none());
    assert_eq!(client.closed().map(|closed| closed.clean), Some(true));
    serving.await.expect("no panic");
}
