//! Tells a user's other windows and devices what happened in one of them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::debug;
use uuid::Uuid;

use crate::api_client::{ApiClient, PublishError};
use crate::limits;
use crate::store::outbox::Row;

/// Announcements that wait for the server, in memory.
///
/// They only make haste: who misses one reads the same from the list of rooms after the next
/// connect. So the latest about a subject replaces the one before, at most
/// [`limits::ANNOUNCEMENTS`] wait, and none survives a restart.
#[derive(Debug)]
pub(crate) struct Announcer {
    waiting: Arc<Waiting>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By channel and subject.
    announcements: Mutex<HashMap<(String, String), Value>>,
    news: Notify,
}

impl Announcer {
    /// Starts its task on the current runtime; it ends when `stop` turns true or is dropped.
    pub(crate) fn start(client: Arc<ApiClient>, mut stop: watch::Receiver<bool>) -> Self {
        let waiting = Arc::<Waiting>::default();
        let held = Arc::clone(&waiting);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = run(&held, &client) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        Self { waiting, task }
    }

    /// Publishes `data` in `channel` soon; never waits. It replaces what still waits about `subject`.
    pub(crate) fn announce(&self, channel: String, subject: String, data: Value) {
        let mut waiting = self.waiting.announcements.lock();
        let key = (channel, subject);
        if waiting.len() >= limits::ANNOUNCEMENTS && !waiting.contains_key(&key) {
            return;
        }
        waiting.insert(key, data);
        self.waiting.news.notify_one();
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(waiting: &Waiting, client: &ApiClient) {
    loop {
        waiting.news.notified().await;
        while let Err(error) = publish_all(waiting, client).await {
            debug!(%error, "announcements are tried again");
            sleep(limits::ANNOUNCE_RETRY).await;
        }
    }
}

/// Publishes until nothing waits; what was not taken by the server goes back, unless it is outdated.
async fn publish_all(waiting: &Waiting, client: &ApiClient) -> Result<(), PublishError> {
    let mut connection = None;
    loop {
        let batch = std::mem::take(&mut *waiting.announcements.lock());
        if batch.is_empty() {
            return Ok(());
        }
        let mut rest = batch.into_iter();
        while let Some(((channel, subject), data)) = rest.next() {
            let row = Row {
                position: 0,
                room: String::new(),
                key: Uuid::new_v4().to_string(),
                channels: vec![channel.clone()],
                event: "personal".to_owned(),
                data: data.to_string(),
            };
            let open = match &mut connection {
                Some(open) => Ok(open),
                none => client.connect().await.map(|open| none.insert(open)),
            };
            let outcome = match open {
                Ok(open) => open.publish(&row).await,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                let mut waiting = waiting.announcements.lock();
                waiting.entry((channel, subject)).or_insert(data);
                for (key, data) in rest {
                    waiting.entry(key).or_insert(data);
                }
                return Err(error);
            }
        }
    }
}
