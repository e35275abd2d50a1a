//! Subscriptions that hear a part of a channel, and such that need a token of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use veche_client::{
    Client, End, Recovery, State, SubscriptionEnd, SubscriptionEvent, TokenError, TokenReason,
};

use crate::proxy::Proxy;
use crate::server::{Server, subscription_token};
use crate::wait::{publication, soon, state, subscribed};

async fn client(url: &str, user: &str) -> Client {
    let client = Client::builder(url)
        .user(user)
        .backoff(Duration::from_millis(50), Duration::from_millis(200));
    client.connect().await.expect("it starts")
}

#[tokio::test]
async fn a_tags_filter_lets_through_what_it_says_also_of_what_was_missed() {
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let (far, near) = (
        client(&proxy.url(), "anna").await,
        client(&server.url(), "bob").await,
    );
    let publish = async |n: u32| {
        let event = if n.is_multiple_of(2) { "even" } else { "odd" };
        let published = near.publish("numbers", &n).event(event).await;
        published.expect("published");
    };
    let filter = json!({"key": "event", "cmp": "eq", "val": "odd"});
    let mut odd = far.subscribe("numbers").filter(&filter).await;
    let odd = odd.as_mut().expect("declared");
    subscribed(odd).await;
    for n in 0..6 {
        publish(n).await;
    }
    for n in [1, 3, 5] {
        let it = publication(odd).await;
        assert_eq!(it.data.as_json(), Some(&*n.to_string()));
        assert_eq!(it.event, "odd");
    }
    proxy.lead_to(None);
    proxy.cut();
    state(&far, |state| matches!(state, State::Waiting { .. })).await;
    for n in 6..12 {
        publish(n).await;
    }
    proxy.lead_to(Some(server.address));
    for n in [7, 9, 11] {
        let it = publication(odd).await;
        assert_eq!(it.data.as_json(), Some(&*n.to_string()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_filter_that_is_none_ends_its_subscription_alone() {
    let server = Server::start();
    let anna = client(&server.url(), "anna").await;
    let mut wrong = anna.subscribe("a").filter(&json!({"cmp": "like"})).await;
    let event = soon("an end", wrong.as_mut().expect("declared").next()).await;
    let Some(SubscriptionEvent::Ended(SubscriptionEnd::Refused(error))) = event else {
        panic!("{event:?}");
    };
    assert_eq!(error.code, 107);
    let mut right = anna.subscribe("b").await.expect("declared");
    subscribed(&mut right).await;
    server.stop().await;
}

#[tokio::test]
async fn a_private_channel_is_opened_by_its_token_and_opened_again_with_a_new_one() {
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let anna = client(&proxy.url(), "anna").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let reasons = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (count, noted) = (Arc::clone(&asked), Arc::clone(&reasons));
    let room = anna.subscribe("private:room").token(move |request| {
        let channel = request.channel.expect("it is for a channel");
        noted.lock().expect("nobody panics").push(request.reason);
        // The first one has run out when it arrives.
        let ttl = match count.fetch_add(1, Ordering::SeqCst) {
            0 => -100,
            _ => 600,
        };
        async move { Ok(subscription_token("anna", &channel, ttl)) }
    });
    let mut room = room.await.expect("declared");
    subscribed(&mut room).await;
    anna.publish("private:room", &1).await.expect("published");
    assert_eq!(publication(&mut room).await.data.as_json(), Some("1"));
    proxy.cut();
    let again = subscribed(&mut room).await;
    assert!(
        matches!(
            again,
            SubscriptionEvent::Subscribed {
                recovery: Recovery::Lost,
                ..
            }
        ),
        "a channel without history: {again:?}"
    );
    let reasons = reasons.lock().expect("nobody panics").clone();
    assert_eq!(reasons[..2], [TokenReason::First, TokenReason::Expired]);
    server.stop().await;
}

#[tokio::test]
async fn who_has_no_token_for_a_private_channel_is_told_and_stays_connected() {
    let server = Server::start();
    let anna = client(&server.url(), "anna").await;
    let mut none = anna.subscribe("private:a").await.expect("declared");
    let event = soon("an end", none.next()).await;
    let Some(SubscriptionEvent::Ended(SubscriptionEnd::Refused(error))) = event else {
        panic!("{event:?}");
    };
    assert_eq!(error.code, 103);
    let denied = anna
        .subscribe("private:b")
        .token(|_| async { Err(TokenError::Denied("not for you".into())) });
    let event = soon("an end", denied.await.expect("declared").next()).await;
    let no_token = SubscriptionEnd::NoToken("not for you".into());
    assert_eq!(event, Some(SubscriptionEvent::Ended(no_token)));
    anna.publish("public", &1).await.expect("it is connected");
    server.stop().await;
}

#[tokio::test]
async fn a_token_for_another_channel_is_as_the_server_says() {
    let server = Server::start();
    let anna = client(&server.url(), "anna").await;
    let foreign = anna
        .subscribe("private:a")
        .token(|_| async { Ok(subscription_token("anna", "private:b", 600)) });
    let _foreign = foreign.await.expect("declared");
    // The server takes it for an attack, and closes the connection for good.
    let ended = state(&anna, |state| matches!(state, State::Ended(_))).await;
    let State::Ended(End::Server { code, .. }) = ended else {
        panic!("{ended:?}");
    };
    assert_eq!(code, 3500);
    server.stop().await;
}
