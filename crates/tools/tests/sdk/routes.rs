//! The SDK over routes that break: nothing that was published is lost, doubled or out of order.

use std::time::Duration;

use centrifuge::State;

use crate::hearing::{Heard, PROTOCOLS, client, listen, soon};
use crate::proxy::Proxy;
use crate::server::Server;

#[tokio::test]
async fn a_route_that_is_cut_all_the_time_loses_and_doubles_nothing() {
    const COUNT: u32 = 150;
    for protocol in PROTOCOLS {
        let server = Server::start();
        let proxy = Proxy::to(server.address).await;
        let (far, near) = (
            client(&proxy.url(), protocol).await,
            client(&server.url(), protocol).await,
        );
        let mut news = listen(far.new_subscription("news").recoverable(true)).await;
        let cutter = proxy.clone();
        let cutting = tokio::spawn(async move {
            for round in 0.. {
                // Frames are cut in the middle. All that was missed comes in one, which must fit now and then.
                cutter.halve_down(Some(900 + 1597 * (round % 30)));
                cutter.halve_up(Some(600 + 53 * (round % 60)));
                tokio::time::sleep(Duration::from_millis(300)).await;
                cutter.cut();
            }
        });
        let publishing = tokio::spawn(async move {
            for n in 0..COUNT {
                near.publish("news", n.to_string()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            near
        });
        news.expect_numbers(0..COUNT).await;
        cutting.abort();
        proxy.halve_down(None);
        proxy.halve_up(None);
        let near = publishing.await.unwrap();
        near.publish("news", COUNT.to_string()).await.unwrap();
        news.expect_numbers(COUNT..COUNT + 1).await;
        assert!(far.statistics().connects > 1, "it was cut");
        far.close().await;
        near.close().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_link_that_died_without_a_word_is_noticed_and_what_was_missed_comes() {
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let (far, near) = (
        client(&proxy.url(), PROTOCOLS[0]).await,
        client(&server.url(), PROTOCOLS[0]).await,
    );
    let mut news = listen(far.new_subscription("news").recoverable(true)).await;
    // What goes to the server still arrives, and nothing comes back.
    proxy.swallow_down(true);
    far.publish("news", "0").await.unwrap_err();
    near.publish("news", "1").await.unwrap();
    soon("it is noticed", async {
        while far.state() == State::Connected {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    proxy.swallow(true);
    proxy.cut();
    proxy.swallow(false);
    proxy.swallow_down(false);
    news.expect_numbers(0..2).await;
    far.close().await;
    near.close().await;
    server.stop().await;
}

#[tokio::test]
async fn a_slow_route_is_kept_and_a_new_stream_is_told_as_a_loss() {
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let far = client(&proxy.url(), PROTOCOLS[1]).await;
    let mut news = listen(far.new_subscription("news").recoverable(true)).await;
    proxy.delay(Duration::from_millis(100));
    for n in 0..3 {
        far.publish("news", n.to_string()).await.unwrap();
    }
    news.expect_numbers(0..3).await;
    assert_eq!(far.statistics().connects, 1);
    proxy.delay(Duration::ZERO);
    let another = Server::start();
    proxy.lead_to(Some(another.address));
    proxy.cut();
    let again = news.next().await;
    assert!(
        matches!(
            again,
            Heard::Subscribed {
                was_recovering: true,
                recovered: false
            }
        ),
        "{again:?}"
    );
    far.close().await;
    server.stop().await;
    another.stop().await;
}
