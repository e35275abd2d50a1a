//! Tokens of connections and subscriptions, and their renewal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use centrifuge::{State, TokenError};

use crate::hearing::{PROTOCOLS, builder, client, listen, soon};
use crate::server::{Server, subscription_token, token};

#[tokio::test]
async fn an_expired_token_is_replaced_and_a_short_one_renewed_on_the_connection() {
    let server = Server::start();
    for protocol in PROTOCOLS {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let anna = builder(&server.url(), protocol).get_token(move |_| {
            let ttl = match count.fetch_add(1, Ordering::SeqCst) {
                0 => -100,
                _ => 2,
            };
            async move { Ok(Some(token("anna", ttl))) }
        });
        let anna = anna.build().unwrap();
        anna.connect().unwrap();
        soon("connected", anna.ready(None)).await.unwrap();
        soon("renewals", async {
            while asked.load(Ordering::SeqCst) < 4 {
                anna.publish("a", "1").await.unwrap();
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(anna.statistics().connects, 1, "the connection was kept");
        anna.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bad_token_and_a_refusing_backend_are_final() {
    let server = Server::start();
    for protocol in PROTOCOLS {
        let bad = builder(&server.url(), protocol).token("nonsense");
        let denied =
            builder(&server.url(), protocol).get_token(|_| async { Err(TokenError::Unauthorized) });
        for (builder, expected) in [(bad, 3500), (denied, 1)] {
            let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
            let client = builder.on_disconnected(move |_, event| {
                sender.send(event.code).ok();
            });
            let client = client.build().unwrap();
            client.connect().unwrap();
            let code = soon("the end", ended.recv()).await.unwrap();
            assert_eq!((code, client.state()), (expected, State::Disconnected));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_closed_channel_is_opened_by_its_token_which_is_renewed_in_time() {
    let server = Server::start();
    for protocol in PROTOCOLS {
        let anna = builder(&server.url(), protocol).token(token("anna", 600));
        let anna = anna.build().unwrap();
        anna.connect().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let subscribing = anna.new_subscription("closed:x").get_token(move |context| {
            let ttl = match count.fetch_add(1, Ordering::SeqCst) {
                0 => -100,
                _ => 2,
            };
            async move { Ok(subscription_token("anna", &context.channel, ttl)) }
        });
        let mut room = listen(subscribing).await;
        soon("renewals", async {
            while asked.load(Ordering::SeqCst) < 4 {
                room.subscription.publish("1").await.unwrap();
                room.publication().await;
            }
        })
        .await;
        anna.close().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_for_another_channel_is_final() {
    let server = Server::start();
    let anna = client(&server.url(), PROTOCOLS[0]).await;
    let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
    anna.on_disconnected(move |_, event| {
        sender.send(event.code).ok();
    });
    let foreign = subscription_token("", "closed:y", 600);
    let foreign = anna.new_subscription("closed:x").token(foreign);
    foreign.build().unwrap().subscribe();
    assert_eq!(soon("the end", ended.recv()).await, Some(3500));
    server.stop().await;
}
