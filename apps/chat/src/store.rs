//! The database: one SQLite file, owned by one thread, which works off jobs in order.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};
use tokio::sync::{mpsc, oneshot};

use crate::error::{ChatError, StoreError};
use crate::limits;

pub(crate) mod messages;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod rooms;

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
    connection.set_prepared_statement_cache_capacity(32);
    Migrations::from_slice(MIGRATIONS).to_latest(&mut connection)?;
    Ok(connection)
}

/// The schema, step by step. Steps are only ever added: databases out there stand at each of them.
const MIGRATIONS: &[M<'_>] = &[M::up(
    "CREATE TABLE users (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;

     CREATE TABLE sessions (
        token TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id),
        expires_ms INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX sessions_by_user ON sessions (user_id, expires_ms);

     CREATE TABLE rooms (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        -- The seq of the room's latest message; 0 in an empty room.
        top INTEGER NOT NULL DEFAULT 0
     ) STRICT, WITHOUT ROWID;
     INSERT INTO rooms (id, title) VALUES ('general', 'General');

     CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        room_id TEXT NOT NULL REFERENCES rooms (id),
        seq INTEGER NOT NULL,
        user_id TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        time_ms INTEGER NOT NULL,
        UNIQUE (room_id, seq)
     ) STRICT;

     -- What is stored and not yet published. Rows of a room leave in the order of their position.
     CREATE TABLE outbox (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id TEXT NOT NULL,
        key TEXT NOT NULL,
        channel TEXT NOT NULL,
        event TEXT NOT NULL,
        data TEXT NOT NULL
     ) STRICT;
     CREATE INDEX outbox_by_room ON outbox (room_id, position);",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_valid() {
        assert!(Migrations::from_slice(MIGRATIONS).validate().is_ok());
    }
}
