//! A channel in two halves.

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use veche_channel::{By, CloseCode, Error, connect, pair};

use crate::peer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_halves_work_at_once_however_fast() {
    let channel = connect(&peer::echo().await).await.expect("a channel");
    let (mut sender, mut receiver) = channel.split();
    let sending = tokio::spawn(async move {
        for n in 0..20_000_u32 {
            sender.send(n.to_be_bytes().to_vec()).await.expect("sent");
        }
        sender
    });
    for n in 0..20_000_u32 {
        let message = receiver.next().await.expect("open").expect("no failure");
        assert_eq!(message.as_bytes(), n.to_be_bytes());
    }
    let mut sender = sending.await.expect("no panic");
    assert!(sender.close(CloseCode::NORMAL, "").await.clean);
    assert!(receiver.next().await.is_none());
    assert_eq!(receiver.closed(), sender.closed());
}

/// Large messages in both directions at once: neither side waits for the other for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sides_that_both_send_a_lot_do_not_block_each_other() {
    let (client, server) = pair();
    let mut tasks = Vec::new();
    for channel in [client, server] {
        let (mut sender, mut receiver) = channel.split();
        tasks.push(tokio::spawn(async move {
            for _ in 0..50 {
                sender.send(vec![1; 200_000]).await.expect("sent");
            }
            // Kept, so that the connection lives until the other side has all.
            Some(sender)
        }));
        tasks.push(tokio::spawn(async move {
            for _ in 0..50 {
                let message = receiver.next().await.expect("open").expect("no failure");
                assert_eq!(message.len(), 200_000);
            }
            None
        }));
    }
    let mut kept = Vec::new();
    for task in tasks {
        kept.push(task.await.expect("no panic"));
    }
}

#[tokio::test]
async fn a_sender_alone_still_answers_and_closes() {
    let (client, mut server) = pair();
    let (mut sender, receiver) = client.split();
    drop(receiver);
    server.send("nobody hears this").await.expect("sent");
    let closing = tokio::spawn(async move { server.close(CloseCode::NORMAL, "bye").await });
    // Only the sender is used.
    let error = loop {
        match sender.send("x").await {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Closed(closed) if closed.by == By::Peer));
    assert!(closing.await.expect("no panic").clean);
}

#[tokio::test]
async fn a_receiver_alone_goes_on_receiving() {
    let (client, mut server) = pair();
    let (sender, mut receiver) = client.split();
    drop(sender);
    server.send("hello").await.expect("sent");
    let message = receiver.next().await.expect("open").expect("no failure");
    assert_eq!(message.as_text(), Some("hello"));
    drop(receiver);
    assert!(matches!(server.next().await, Some(Err(Error::Lost(_)))));
}

/// A sender that waits for room is woken by the receiver's task, which sees the end.
#[tokio::test]
async fn a_waiting_half_learns_of_an_end_that_the_other_half_saw() {
    let (client, mut server) = pair();
    let (mut sender, mut receiver) = client.split();
    let (full, mut is_full) = mpsc::channel(1);
    let sending = tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                sent = sender.send(vec![0; 50_000]) => if let Err(error) = sent { return error },
                _ = full.send(()) => {}
            }
        }
    });
    is_full.recv().await.expect("it waits");
    let receiving = tokio::spawn(async move { receiver.next().await });
    // The server reads nothing, and goes.
    server.send("x").await.expect("sent");
    drop(server);
    let received = receiving.await.expect("no panic").expect("open");
    assert_eq!(received.expect("no failure").as_text(), Some("x"));
    assert!(matches!(
        sending.await.expect("no panic"),
        Error::Lost(_) | Error::Closed(_)
    ));
}

#[tokio::test]
async fn the_traits_of_the_halves_do_what_the_functions_do() {
    let channel = connect(&peer::echo().await).await.expect("a channel");
    assert_eq!(channel.protocol(), None);
    let (mut sender, receiver) = channel.split();
    assert_eq!((sender.protocol(), receiver.protocol()), (None, None));
    sender.feed("one".into()).await.expect("queued");
    sender.feed("two".into()).await.expect("queued");
    SinkExt::flush(&mut sender).await.expect("sent");
    let mut two = StreamExt::take(receiver, 2);
    assert!(two.next().await.expect("open").is_ok());
    assert!(two.next().await.expect("open").is_ok());
    SinkExt::close(&mut sender).await.expect("closed");
}
