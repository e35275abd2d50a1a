//! The outbox on disk: what a client leaves, the next one sends.

use std::path::PathBuf;

use veche_client::{Client, OutboxError, PublishError, StartError};

use crate::proxy::Proxy;
use crate::server::Server;
use crate::wait::{publication, soon, subscribed};

/// A folder of a test's own, which goes when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("veche-client-whole-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    async fn client(&self, url: &str) -> Result<Client, StartError> {
        let client = Client::builder(url).user("anna");
        client.outbox(self.0.join("outbox")).connect().await
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[tokio::test]
async fn what_was_queued_without_a_connection_is_sent_after_a_restart_and_once() {
    let folder = Folder::new("restart");
    let server = Server::start();
    let reader = Client::builder(server.url()).user("bob").connect().await;
    let reader = reader.expect("it starts");
    let mut news = reader.subscribe("news").await.expect("declared");
    subscribed(&mut news).await;
    let offline = folder.client("ws://127.0.0.1:1/").await.expect("it starts");
    for n in 0..3 {
        let queued = offline.publish("news", &n).queue().await;
        drop(queued.expect("stored"));
    }
    offline.close().await;

    let online = folder.client(&server.url()).await.expect("it starts");
    let mut outcomes = online.outcomes();
    soon("flushed", online.flushed()).await.expect("it goes on");
    for n in 0..3 {
        let data = publication(&mut news).await.data;
        assert_eq!(data.parse::<u32>().expect("a number"), n);
    }
    let outcome = outcomes.recv().await;
    if let Ok(outcome) = outcome {
        assert!(outcome.result.is_ok(), "{outcome:?}");
    }
    online.close().await;

    let again = folder.client(&server.url()).await.expect("it starts");
    assert_eq!(again.unconfirmed(), 0);
    again.publish("news", &3).await.expect("published");
    let data = publication(&mut news).await.data;
    assert_eq!(data.as_json(), Some("3"), "nothing came twice");
    server.stop().await;
}

#[tokio::test]
async fn a_publication_whose_answer_was_lost_with_the_process_is_not_doubled() {
    let folder = Folder::new("answer");
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let reader = Client::builder(server.url()).user("bob").connect().await;
    let reader = reader.expect("it starts");
    let mut news = reader.subscribe("news").await.expect("declared");
    subscribed(&mut news).await;
    let first = folder.client(&proxy.url()).await.expect("it starts");
    first.publish("news", &0).await.expect("published");
    assert_eq!(publication(&mut news).await.data.as_json(), Some("0"));
    // From the server nothing comes any more; what goes there arrives.
    proxy.swallow_down(true);
    let receipt = first.publish("news", &1).queue().await.expect("stored");
    assert_eq!(publication(&mut news).await.data.as_json(), Some("1"));
    first.close().await;
    let ended = receipt.confirmed().await;
    assert!(matches!(ended, Err(PublishError::Ended(_))), "{ended:?}");

    let second = folder.client(&server.url()).await.expect("it starts");
    assert_eq!(second.unconfirmed(), 1);
    soon("flushed", second.flushed()).await.expect("it goes on");
    second.publish("news", &2).await.expect("published");
    assert_eq!(publication(&mut news).await.data.as_json(), Some("2"));
    server.stop().await;
}

#[tokio::test]
async fn an_outbox_is_open_in_one_client_at_a_time() {
    let folder = Folder::new("owner");
    let first = folder.client("ws://127.0.0.1:1/").await.expect("it starts");
    let second = folder.client("ws://127.0.0.1:1/").await;
    assert!(matches!(
        second,
        Err(StartError::Outbox(OutboxError::InUse(_)))
    ));
    first.close().await;
    folder
        .client("ws://127.0.0.1:1/")
        .await
        .expect("it is free");
}
