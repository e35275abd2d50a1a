//! Whatever is dropped before it is done, no message is lost, torn or doubled.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use veche_channel::{By, CloseCode, Connect, Message, connect, pair};

use crate::peer;

/// `next` is dropped and begun again behind every byte.
#[tokio::test]
async fn a_receiver_that_gives_up_behind_every_byte_misses_nothing() {
    let (go, mut goes) = mpsc::channel::<()>(1);
    let (tcp, mut server) = tokio::io::duplex(1);
    let messages: Vec<Message> = vec!["one".into(), vec![2; 300].into(), "".into(), "four".into()];
    let expected = messages.clone();
    tokio::spawn(async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(server.read_u8().await.expect("a request"));
        }
        let head = String::from_utf8(head).expect("text");
        let answer = peer::answer_101(&head, "");
        server.write_all(answer.as_bytes()).await.expect("sent");
        for message in messages {
            let mut frame = Vec::new();
            let opcode = match message {
                Message::Text(_) => veche_websocket::frame::Opcode::Text,
                Message::Binary(_) => veche_websocket::frame::Opcode::Binary,
            };
            veche_websocket::frame::write(&mut frame, opcode, message.as_bytes());
            for byte in frame {
                server.write_u8(byte).await.expect("sent");
                goes.recv().await.expect("the test goes on");
            }
        }
    });
    let mut channel = (Connect::new("ws://pipe/").connect_over(tcp).await).expect("a channel");
    let mut received = Vec::new();
    while received.len() < expected.len() {
        tokio::select! {
            biased;
            message = channel.next() => received.push(message.expect("open").expect("no failure")),
            sent = go.send(()) => sent.expect("the peer waits"),
        }
    }
    assert_eq!(received, expected);
}

/// `send` is dropped while the peer takes nothing: each message arrives once and whole, or not
/// at all, and in order.
#[tokio::test]
async fn a_sender_that_gives_up_tears_nothing() {
    let (mut client, mut server) = pair();
    let mut tried = 0_u32;
    let mut refused = 0;
    while refused < 10 {
        let payload = [tried.to_be_bytes().as_slice(), &[7; 5000]].concat();
        if client.send(payload).now_or_never().is_none() {
            refused += 1;
        }
        tried += 1;
    }
    let reading = tokio::spawn(async move {
        let mut numbers = Vec::new();
        while let Some(message) = server.next().await {
            let bytes = message.expect("no failure").into_bytes();
            let (number, rest) = bytes.split_first_chunk().expect("a number");
            assert_eq!(rest, [7; 5000]);
            numbers.push(u32::from_be_bytes(*number));
        }
        numbers
    });
    let closed = client.close(CloseCode::NORMAL, "").await;
    assert!(closed.clean);
    let numbers = reading.await.expect("no panic");
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(numbers.len() >= (tried - 10) as usize);
}

/// A close that was dropped goes on with the next use of the channel.
#[tokio::test]
async fn a_close_that_was_dropped_is_finished_by_whoever_comes_next() {
    let (mut client, mut server) = pair();
    assert!(
        client
            .close(CloseCode::GOING_AWAY, "")
            .now_or_never()
            .is_none()
    );
    let serving = tokio::spawn(async move {
        assert!(server.next().await.is_none());
        server.closed().cloned()
    });
    assert!(client.next().await.is_none());
    let closed = client.closed().expect("it ended");
    assert_eq!(
        (closed.by, closed.code, closed.clean),
        (By::Local, 1001, true)
    );
    let seen = serving.await.expect("no panic").expect("it ended");
    assert_eq!((seen.by, seen.code), (By::Peer, 1001));
}

/// A connection that is not waited for any more is closed.
#[tokio::test]
async fn a_connect_that_was_dropped_leaves_no_connection() {
    let (seen, mut sees) = mpsc::channel(2);
    let url = peer::serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            peer::read_head(&mut stream).await;
            seen.send("asked").await.expect("the test waits");
            assert!(matches!(stream.read(&mut [0; 1]).await, Ok(0) | Err(_)));
            seen.send("ended").await.expect("the test waits");
        }
    })
    .await;
    tokio::select! {
        _ = connect(&url) => panic!("nobody answers"),
        asked = sees.recv() => assert_eq!(asked, Some("asked")),
    }
    assert_eq!(sees.recv().await, Some("ended"));
}

/// One task sends, another receives, and both give up all the time.
#[tokio::test]
async fn halves_that_give_up_all_the_time_lose_nothing() {
    let url = peer::echo().await;
    let channel = connect(&url).await.expect("a channel");
    let (mut sender, mut receiver) = channel.split();
    let receiving = tokio::spawn(async move {
        let mut received = Vec::new();
        while received.len() < 500 {
            let next = tokio::time::timeout(Duration::from_micros(50), receiver.next());
            if let Ok(message) = next.await {
                received.push(message.expect("open").expect("no failure"));
            }
        }
        received
    });
    for n in 0..500 {
        sender.send(n.to_string()).await.expect("sent");
    }
    let received = receiving.await.expect("no panic");
    let expected: Vec<Message> = (0..500).map(|n| n.to_string().into()).collect();
    assert_eq!(received, expected);
    assert!(sender.close(CloseCode::NORMAL, "").await.clean);
}
