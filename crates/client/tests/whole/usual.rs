//! What a client does on a good day, with a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use veche_client::{
    Client, End, PublishError, Recovery, RequestError, State, SubscribeError, SubscriptionEnd,
    SubscriptionEvent, TokenError, TokenReason,
};

use crate::server::{Server, expired_token, token};
use crate::wait::{publication, soon, state, subscribed};

async fn anna(server: &Server) -> Client {
    let client = Client::builder(server.url()).user("anna").connect().await;
    client.expect("it starts")
}

#[tokio::test]
async fn the_first_message_takes_a_few_lines() {
    let server = Server::start();
    let client = anna(&server).await;
    let mut news = client.subscribe("news").await.expect("declared");
    subscribed(&mut news).await;
    let published = client.publish("news", &json!({"text": "hello"})).await;
    let published = published.expect("published");
    let publication = publication(&mut news).await;
    assert_eq!(publication.position, published.position);
    assert_eq!(publication.data.as_json(), Some(r#"{"text":"hello"}"#));
    assert_eq!(publication.from.expect("by a client").user, "anna");
    assert_eq!(publication.event, "message");
    client.close().await;
    let end = news.next().await;
    let closed = SubscriptionEvent::Ended(SubscriptionEnd::Client(End::Closed));
    assert_eq!(end, Some(closed));
    assert_eq!(news.next().await, None);
    assert!(matches!(client.state(), State::Ended(End::Closed)));
    let late = client.publish("news", &1).await;
    assert_eq!(late, Err(PublishError::Ended(End::Closed)));
    server.stop().await;
}

#[tokio::test]
async fn events_bytes_and_history_come_as_they_were_published() {
    let server = Server::start();
    let client = anna(&server).await;
    for n in 0..5 {
        let event = if n % 2 == 0 { "post" } else { "edit" };
        let published = client.publish("log", &n).event(event).await;
        published.expect("published");
    }
    let image = client.publish_bytes("log", vec![1, 2, 3]);
    let image = image.media_type("image/png").event("post").await;
    let mut posts = client.subscribe("log").events(["post"]).history(3).await;
    let posts = posts.as_mut().expect("declared");
    let first = publication(posts).await;
    assert_eq!(first.data.as_json(), Some("4"));
    let second = publication(posts).await;
    assert_eq!(second.data.as_bytes(), [1, 2, 3]);
    assert_eq!(second.data.media_type(), Some("image/png"));
    let history = client.history("log").limit(2).reverse().await;
    let history = history.expect("an answer");
    assert_eq!(history.publications.len(), 2);
    assert_eq!(history.publications[0].data, second.data);
    assert_eq!(history.position, image.expect("published").position);
    server.stop().await;
}

#[tokio::test]
async fn who_is_there_comes_with_the_subscription_and_when_somebody_comes() {
    let server = Server::start();
    let client = anna(&server).await;
    let mut room = client.subscribe("room").presence().await.expect("declared");
    let SubscriptionEvent::Subscribed {
        clients: Some(_),
        recovery: Recovery::Fresh,
        ..
    } = subscribed(&mut room).await
    else {
        panic!("nobody said who is there");
    };
    let bob = Client::builder(server.url()).user("bob").connect().await;
    let bob = bob.expect("it starts");
    let theirs = bob.subscribe("room").await.expect("declared");
    soon("bob comes", async {
        loop {
            if let Some(SubscriptionEvent::Join(who)) = room.next().await
                && who.user == "bob"
            {
                break;
            }
        }
    })
    .await;
    let stats = client.presence_stats("room").await.expect("an answer");
    assert_eq!((stats.num_clients, stats.num_users), (2, 2));
    assert_eq!(client.presence("room").await.expect("an answer").len(), 2);
    drop(theirs);
    soon("bob leaves", async {
        while !matches!(room.next().await, Some(SubscriptionEvent::Leave(who)) if who.user == "bob")
        {
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn what_the_server_refuses_is_a_value() {
    let server = Server::start();
    let client = anna(&server).await;
    let refused = client.publish("closed:x", &1).await.unwrap_err();
    assert!(
        matches!(&refused, PublishError::Refused(refusal) if refusal.code == 103),
        "{refused}"
    );
    let call = client.call("method", &1).await.unwrap_err();
    assert!(
        matches!(&call, RequestError::Refused(refusal) if refusal.code == 108),
        "{call}"
    );
    let mut unknown = client.subscribe("nowhere:x").await.expect("declared");
    let event = soon("an end", unknown.next()).await;
    let Some(SubscriptionEvent::Ended(SubscriptionEnd::Refused(refusal))) = event else {
        panic!("{event:?}");
    };
    assert_eq!(refusal.code, 102);
    let _one = client.subscribe("a").await.expect("declared");
    let two = client.subscribe("a").await.err();
    assert_eq!(two, Some(SubscribeError::Exists));
    let big = client.publish("a", &"x".repeat(100_000)).await;
    assert_eq!(big, Err(PublishError::TooBig { limit: 64 << 10 }));
    server.stop().await;
}

#[tokio::test]
async fn a_channel_can_be_given_back_and_taken_again() {
    let server = Server::start();
    let client = anna(&server).await;
    for n in 0..20 {
        let mut channel = client.subscribe("again").await;
        // The one before may not have been given back yet.
        while matches!(channel, Err(SubscribeError::Exists)) {
            tokio::task::yield_now().await;
            channel = client.subscribe("again").await;
        }
        let mut channel = channel.expect("declared");
        subscribed(&mut channel).await;
        client.publish("again", &n).await.expect("published");
        let data = publication(&mut channel).await.data;
        assert_eq!(data.parse::<u32>().expect("a number"), n);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_renewed_in_time_and_asked_for_again_when_it_has_run_out() {
    let server = Server::start();
    let asked = Arc::new(AtomicUsize::new(0));
    let reasons = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (count, noted) = (Arc::clone(&asked), Arc::clone(&reasons));
    let client = Client::builder(server.url()).token(move |request| {
        noted.lock().expect("nobody panics").push(request.reason);
        let token = match count.fetch_add(1, Ordering::SeqCst) {
            0 => Err(TokenError::Later("the backend starts".into())),
            1 => Ok(expired_token("anna")),
            _ => Ok(token("anna", 3)),
        };
        async { token }
    });
    let client = client.connect().await.expect("it starts");
    soon("online", client.online()).await.expect("it goes on");
    let mut states = client.states();
    states.borrow_and_update();
    soon("renewals", async {
        while asked.load(Ordering::SeqCst) < 5 {
            tokio::task::yield_now().await;
            client.publish("a", &1).await.expect("published");
        }
    })
    .await;
    assert!(!states.has_changed().expect("open"), "the link was kept");
    let reasons = reasons.lock().expect("nobody panics").clone();
    assert_eq!(reasons[0], TokenReason::First);
    assert_eq!(reasons[2], TokenReason::Expired);
    server.stop().await;
}

#[tokio::test]
async fn who_is_not_let_in_hears_why() {
    let server = Server::start();
    let client = Client::builder(server.url()).token(|_| async { Ok("nonsense".into()) });
    let client = client.connect().await.expect("it starts");
    let end = soon("an end", client.online()).await.unwrap_err();
    assert!(
        matches!(&end, End::Login(refusal) if refusal.code == 101),
        "{end}"
    );
    let client = Client::builder(server.url())
        .token(|_| async { Err(TokenError::Denied("signed out".into())) });
    let client = client.connect().await.expect("it starts");
    let end = soon("an end", client.online()).await.unwrap_err();
    assert_eq!(end, End::NoToken("signed out".into()));
    let client = Client::builder("http://localhost/").connect().await;
    let end = soon("an end", client.expect("it starts").online()).await;
    assert!(matches!(end, Err(End::Unusable(_))), "{end:?}");
    let client = Client::builder("ws://127.0.0.1:1/").connect().await;
    let client = client.expect("it starts");
    state(&client, |state| matches!(state, State::Waiting { .. })).await;
    server.stop().await;
}
