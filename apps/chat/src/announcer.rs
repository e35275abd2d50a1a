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
    queue: Arc<Queue>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Queue {
    /// By channel and subject.
    announcements: Mutex<HashMap<(String, String), Value>>,
    news: Notify,
}

impl Announcer {
    /// Starts its task on the current runtime; it ends when `stop` turns true or is dropped.
    pub(crate) fn start(client: Arc<ApiClient>, mut stop: watch::Receiver<bool>) -> Self {
        let queue = Arc::<Queue>::default();
        let held = Arc::clone(&queue);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = run(&held, &client) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        Self { queue, task }
    }

    /// Publishes `data` in `channel` soon; never waits. It replaces what still waits about `subject`.
    pub(crate) fn announce(&self, channel: String, subject: String, data: Value) {
        let mut queue = self.queue.announcements.lock();
        let key = (channel, subject);
        if queue.len() >= limits::ANNOUNCEMENTS && !queue.contains_key(&key) {
            return;
        }
        queue.insert(key, data);
        self.queue.news.notify_one();
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(queue: &Queue, client: &ApiClient) {
    loop {
        queue.news.notified().await;
        while let Err(error) = publish_all(queue, client).await {
            debug!(%error, "announcements are tried again");
            sleep(limits::ANNOUNCE_RETRY).await;
        }
    }
}

/// Publishes until nothing waits; what was not taken by the server goes back, unless it is outdated.
async fn publish_all(queue: &Queue, client: &ApiClient) -> Result<(), PublishError> {
    let mut connection = None;
    loop {
        let batch = std::mem::take(&mut *queue.announcements.lock());
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
                let mut queue = queue.announcements.lock();
                queue.entry((channel, subject)).or_insert(data);
                for (key, data) in rest {
                    queue.entry(key).or_insert(data);
                }
                return Err(error);
            }
        }
    }
}
