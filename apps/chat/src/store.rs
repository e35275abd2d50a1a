//! The database: one SQLite file, owned by one thread, which works off jobs in order.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{ChatError, StoreError};
use crate::limits;

pub(crate) mod access;
pub(crate) mod changes;
mod digest;
pub(crate) mod direct;
pub(crate) mod house;
pub(crate) mod invites;
pub(crate) mod members;
pub(crate) mod mentions;
pub(crate) mod messages;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod reacting;
pub(crate) mod reactions;
pub(crate) mod reads;
pub(crate) mod rooms;
mod schema;
pub(crate) mod sessions;

/// A handle on the database thread. The thread ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

impl Store {
    /// Opens, or makes, `chat.db` in `dir` and brings its schema up to date.
    pub(crate) async fn open(dir: &Path) -> Result<Self, ChatError> {
        std::fs::create_dir_all(dir).map_err(|source| ChatError::DataDir {
            path: dir.to_owned(),
            source,
        })?;
        let path = dir.join("chat.db");
        let (jobs, mut queue) = mpsc::channel::<Job>(limits::STORE_JOBS);
        let (opened, outcome) = oneshot::channel();
        let work = move || match connect(&path) {
            Ok(mut connection) => {
                // The opener may have been dropped; then the queue is closed too, and the loop ends.
                let _ = opened.send(Ok(()));
                while let Some(job) = queue.blocking_recv() {
                    job(&mut connection);
                }
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let thread = std::thread::Builder::new()
            .name("chat-store".to_owned())
            .spawn(work);
        thread.map_err(|source| ChatError::Store(StoreError::Thread(source)))?;
        let outcome = outcome.await.unwrap_or(Err(StoreError::Gone));
        outcome.map(|()| Self { jobs }).map_err(ChatError::Store)
    }

    /// Runs `job` on the database thread; waits while [`limits::STORE_JOBS`] others wait.
    ///
    /// # Cancel safety
    /// Once queued the job runs to its end, whether or not anybody waits for its outcome.
    pub(crate) async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job: Job = Box::new(move |connection| drop(answer.send(job(connection))));
        self.jobs.send(job).await.map_err(|_| StoreError::Gone)?;
        Ok(outcome.await.map_err(|_| StoreError::Gone)??)
    }
}

/// Opens the file. `synchronous` is full: a message that was answered survives a power cut.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // What is deleted, or was stored in an older form, does not linger in the file's free pages.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.set_prepared_statement_cache_capacity(64);
    schema::migrations().to_latest(&mut connection)?;
    Ok(connection)
}
