//! A real server over routes that break: nothing is lost, doubled or out of order, in either direction.

use std::time::Duration;

use veche_client::{Cause, Client, PublishError, Recovery, State, Subscription, SubscriptionEvent};

use crate::proxy::Proxy;
use crate::server::Server;
use crate::wait::{publication, soon, state, subscribed};

/// A client behind a route that breaks, and one with a good one.
struct Setting {
    server: Server,
    proxy: Proxy,
    far: Client,
    near: Client,
}

impl Setting {
    async fn new() -> Self {
        let server = Server::start();
        let proxy = Proxy::to(server.address).await;
        let (far, near) = (client(&proxy.url()).await, client(&server.url()).await);
        Self {
            server,
            proxy,
            far,
            near,
        }
    }
}

async fn client(url: &str) -> Client {
    let second = Duration::from_secs(1);
    let client = Client::builder(url)
        .user("anna")
        .ping(second, second)
        .backoff(Duration::from_millis(50), Duration::from_millis(200));
    client.connect().await.expect("it starts")
}

async fn subscribe(client: &Client, channel: &str) -> Subscription {
    let mut subscription = client.subscribe(channel).await.expect("declared");
    subscribed(&mut subscription).await;
    subscription
}

/// Reads numbers, which must come from `first` on, each once and in order.
async fn expect_numbers(subscription: &mut Subscription, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let data = publication(subscription).await.data;
        assert_eq!(data.parse::<u32>().expect("a number"), number);
    }
}

#[tokio::test]
async fn both_directions_survive_a_route_that_is_cut_all_the_time() {
    const COUNT: u32 = 300;
    let Setting {
        server,
        proxy,
        far,
        near,
    } = Setting::new().await;
    let mut in_far = subscribe(&far, "down").await;
    let mut in_near = subscribe(&near, "up").await;
    let cutter = proxy.clone();
    let cutting = tokio::spawn(async move {
        // Frames are cut in the middle, wherever that is: the numbers have no common divisor.
        for round in 0.. {
            cutter.halve_down(Some(700 + 37 * (round % 100)));
            cutter.halve_up(Some(500 + 53 * (round % 60)));
            tokio::time::sleep(Duration::from_millis(150)).await;
            cutter.cut();
        }
    });
    let publishing = tokio::spawn(async move {
        for n in 0..COUNT {
            far.publish("up", &n).await.expect("published");
        }
    });
    let others = tokio::spawn(async move {
        for n in 0..COUNT {
            near.publish("down", &n).await.expect("published");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        near
    });
    expect_numbers(&mut in_near, 0..COUNT).await;
    expect_numbers(&mut in_far, 0..COUNT).await;
    publishing.await.expect("all are published");
    cutting.abort();
    proxy.halve_down(None);
    proxy.halve_up(None);
    let near = others.await.expect("all are published");
    near.publish("up", &COUNT).await.expect("published");
    expect_numbers(&mut in_near, COUNT..COUNT + 1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_link_that_died_without_a_word_is_noticed_and_resumed() {
    let Setting {
        server,
        proxy,
        far,
        near,
    } = Setting::new().await;
    let mut news = subscribe(&far, "news").await;
    proxy.swallow(true);
    for n in 0..3 {
        near.publish("news", &n).await.expect("published");
    }
    let waiting = far.clone();
    let publishing = tokio::spawn(async move { waiting.publish("news", &3).await });
    let silent = state(&far, |state| {
        matches!(
            state,
            State::Waiting {
                cause: Cause::Silent | Cause::NoAnswer,
                ..
            }
        )
    });
    silent.await;
    proxy.cut();
    proxy.swallow(false);
    expect_numbers(&mut news, 0..4).await;
    publishing.await.expect("no panic").expect("published");
    server.stop().await;
}

#[tokio::test]
async fn a_slow_route_is_not_a_dead_one() {
    let Setting {
        server, proxy, far, ..
    } = Setting::new().await;
    let mut news = subscribe(&far, "news").await;
    let mut states = far.transitions();
    proxy.delay(Duration::from_millis(100));
    for n in 0..5 {
        far.publish("news", &n).await.expect("published");
    }
    expect_numbers(&mut news, 0..5).await;
    assert!(states.is_empty(), "it stayed online");
    // However fast it comes back, each state on the way is told.
    proxy.delay(Duration::ZERO);
    proxy.cut();
    let told = async |states: &mut tokio::sync::broadcast::Receiver<State>| {
        let state = soon("a state", states.recv()).await;
        state.expect("the client tells its states")
    };
    let waiting = told(&mut states).await;
    assert!(matches!(waiting, State::Waiting { .. }), "{waiting:?}");
    assert_eq!(told(&mut states).await, State::Connecting);
    let online = told(&mut states).await;
    assert!(matches!(online, State::Online { .. }), "{online:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_begins_anew_is_told_as_a_loss_and_gets_what_waits() {
    let Setting {
        server, proxy, far, ..
    } = Setting::new().await;
    let mut news = subscribe(&far, "news").await;
    far.publish("news", &0).await.expect("published");
    expect_numbers(&mut news, 0..1).await;
    proxy.lead_to(None);
    server.stop().await;
    state(&far, |state| matches!(state, State::Waiting { .. })).await;
    let receipts = [far.publish("news", &1), far.publish("news", &2)].map(|it| it.queue());
    let [one, two] = receipts;
    let receipts = [one.await.expect("queued"), two.await.expect("queued")];
    assert_eq!(far.unconfirmed(), 2);
    let another = Server::start();
    proxy.lead_to(Some(another.address));
    let event = subscribed(&mut news).await;
    assert!(
        matches!(
            event,
            SubscriptionEvent::Subscribed {
                recovery: Recovery::Lost,
                ..
            }
        ),
        "{event:?}"
    );
    for receipt in receipts {
        receipt.confirmed().await.expect("published");
    }
    soon("flushed", far.flushed()).await.expect("it goes on");
    expect_numbers(&mut news, 1..3).await;
    another.stop().await;
}

#[tokio::test]
async fn a_reader_that_is_behind_is_paused_and_loses_nothing() {
    // The server recovers 300 publications at most.
    const COUNT: u32 = 250;
    let server = Server::start();
    let slow = Client::builder(server.url())
        .user("bob")
        .unread_limit(16, 1 << 20);
    let slow = slow.connect().await.expect("it starts");
    let near = client(&server.url()).await;
    let mut news = subscribe(&slow, "news").await;
    for n in 0..COUNT {
        near.publish("news", &n).await.expect("published");
    }
    // It publishes while it does not read: its answers do not wait behind what is unread.
    slow.publish("other", &1).await.expect("published");
    expect_numbers(&mut news, 0..COUNT).await;
    server.stop().await;
}

#[tokio::test]
async fn an_anonymous_publication_that_may_have_arrived_is_not_sent_again() {
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let nobody = Client::builder(proxy.url())
        .backoff(Duration::from_millis(50), Duration::from_millis(200))
        .connect()
        .await;
    let nobody = nobody.expect("it starts");
    let near = client(&server.url()).await;
    let mut news = subscribe(&near, "news").await;
    soon("online", nobody.online()).await.expect("it goes on");
    proxy.swallow(true);
    let receipt = nobody.publish("news", &0).queue().await.expect("queued");
    // It is on its way, and nobody knows how far.
    nobody.network_changed().await;
    proxy.cut();
    proxy.swallow(false);
    let result = soon("a result", receipt.confirmed()).await;
    assert_eq!(result, Err(PublishError::Uncertain));
    nobody.publish("news", &1).await.expect("published");
    let data = publication(&mut news).await.data;
    assert_eq!(data.as_json(), Some("1"), "the first one was not doubled");
    server.stop().await;
}
