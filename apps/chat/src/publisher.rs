//! Empties the outbox: one task per room publishes its rows in their order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::api_client::{ApiClient, PublishError};
use crate::error::StoreError;
use crate::limits;
use crate::store::Store;
use crate::store::outbox;

/// The publishing tasks, one for each room that had a row within the last [`limits::PUBLISHER_IDLE`].
#[derive(Debug)]
pub(crate) struct Publisher {
    store: Store,
    client: Arc<ApiClient>,
    runtime: Handle,
    stop: watch::Sender<bool>,
    rooms: Arc<Mutex<Rooms>>,
}

#[derive(Debug, Default)]
struct Rooms {
    wakers: HashMap<String, Arc<Notify>>,
    tasks: JoinSet<()>,
}

impl Publisher {
    /// Starts with the rows that an earlier run left behind; tasks run on the current runtime.
    pub(crate) async fn start(
        store: Store,
        client: Arc<ApiClient>,
    ) -> Result<Arc<Self>, StoreError> {
        let publisher = Arc::new(Self {
            store: store.clone(),
            client,
            runtime: Handle::current(),
            stop: watch::channel(false).0,
            rooms: Arc::default(),
        });
        for room in store.run(outbox::rooms).await? {
            publisher.wake(&room);
        }
        Ok(publisher)
    }

    /// Turns true when the chat stops.
    pub(crate) fn stopped(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Says that a room has rows. Cheap, never waits, and may be called from any thread.
    pub(crate) fn wake(&self, room: &str) {
        let mut rooms = self.rooms.lock();
        if let Some(waker) = rooms.wakers.get(room) {
            waker.notify_one();
            return;
        }
        if *self.stop.borrow() {
            return;
        }
        while rooms.tasks.try_join_next().is_some() {}
        let waker = Arc::new(Notify::new());
        rooms.wakers.insert(room.to_owned(), Arc::clone(&waker));
        let task = RoomTask {
            room: room.to_owned(),
            store: self.store.clone(),
            client: Arc::clone(&self.client),
            waker,
            rooms: Arc::clone(&self.rooms),
        };
        rooms
            .tasks
            .spawn_on(task.run(self.stop.subscribe()), &self.runtime);
    }

    /// Ends the tasks, each after the call it is in; rows that remain leave at the next start.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut self.rooms.lock().tasks);
        let all = async { while tasks.join_next().await.is_some() {} };
        if timeout(limits::STOP_TIMEOUT, all).await.is_err() {
            warn!(
                "publishers of the chat did not end in time; what they held is published at the next start"
            );
        }
    }
}

/// The publisher of one room.
struct RoomTask {
    room: String,
    store: Store,
    client: Arc<ApiClient>,
    waker: Arc<Notify>,
    rooms: Arc<Mutex<Rooms>>,
}

/// Why a run over the outbox ended early.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl RoomTask {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut pause = limits::RETRY_MIN;
        while !*stop.borrow() {
            let wait = match self.empty(&stop).await {
                Ok(()) => {
                    pause = limits::RETRY_MIN;
                    None
                }
                Err(error) => {
                    // At a restart of the server this is expected; later it deserves to be seen.
                    if pause >= limits::RETRY_MAX {
                        warn!(
                            room = self.room,
                            error = chain(&error),
                            "the chat cannot publish"
                        );
                    } else {
                        debug!(
                            room = self.room,
                            error = chain(&error),
                            "publishing is tried again"
                        );
                    }
                    let wait = pause;
                    pause = (pause * 2).min(limits::RETRY_MAX);
                    Some(wait)
                }
            };
            let goes_on = tokio::select! {
                goes_on = self.wait(wait) => goes_on,
                // An error is a dropped sender: the chat is gone, which is a stop too.
                _ = stop.changed() => true,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Waits out a pause, or, after a success, for the next row; false when the task has retired.
    async fn wait(&self, pause: Option<Duration>) -> bool {
        match pause {
            Some(pause) => {
                sleep(pause.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
                true
            }
            None => {
                let row = timeout(limits::PUBLISHER_IDLE, self.waker.notified()).await;
                row.is_ok() || !self.retire()
            }
        }
    }

    /// Takes the room out of the table; false if a row has come meanwhile. The next row starts a new task.
    fn retire(&self) -> bool {
        // Whoever wakes holds the lock, so the permit is there already or there will be none.
        let mut rooms = self.rooms.lock();
        let row = std::pin::pin!(self.waker.notified());
        if row.enable() {
            return false;
        }
        rooms.wakers.remove(&self.room);
        true
    }

    /// Publishes until no row of the room is left, the first failure, or a stop.
    async fn empty(&self, stop: &watch::Receiver<bool>) -> Result<(), RunError> {
        let mut connection = None;
        loop {
            let room = self.room.clone();
            let rows = self
                .store
                .run(move |db| outbox::first(db, &room, limits::OUTBOX_BATCH))
                .await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut taken = None;
            let mut outcome = Ok(());
            for row in &rows {
                let open = match &mut connection {
                    Some(open) => open,
                    none => match self.client.connect().await {
                        Ok(open) => none.insert(open),
                        Err(error) => {
                            outcome = Err(error);
                            break;
                        }
                    },
                };
                outcome = open.publish(row).await;
                if outcome.is_err() || *stop.borrow() {
                    break;
                }
                taken = Some(row.position);
            }
            // A crash before this line publishes the rows again, under the same keys.
            if let Some(position) = taken {
                let room = self.room.clone();
                self.store
                    .run(move |db| outbox::remove(db, &room, position))
                    .await?;
            }
            outcome?;
            if *stop.borrow() {
                return Ok(());
            }
        }
    }
}

/// An error and its sources on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line = format!("{line}: {error}");
        source = error.source();
    }
    line
}
