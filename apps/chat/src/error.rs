//! What the operator hears when the chat cannot open or work; clients never see it.

use std::path::PathBuf;

/// Why the chat could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The address of the server is no `http://` address.
    #[error("\"{0}\" is no address of a server: http://host:port is expected")]
    ServerUrl(String),
    /// The chat calls the server without TLS; put both on one machine or behind one proxy.
    #[error("\"{0}\" asks for TLS, which the chat does not speak to the server: use http://")]
    Tls(String),
    /// The API key holds characters that no header can carry.
    #[error("the API key cannot be sent in a header")]
    ApiKey,
    /// The data directory cannot be made.
    #[error("cannot make the data directory {path}")]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The database does not open, or does not migrate.
    #[error("the database of the chat does not open")]
    Store(#[source] StoreError),
}

/// Why the database did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused: a full disk, a damaged file, a lock held for longer than the timeout.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] rusqlite_migration::Error),
    /// The database thread could not be started.
    #[error("no thread for the database")]
    Thread(#[source] std::io::Error),
    /// The database thread has ended: a job panicked.
    #[error("the database thread has ended")]
    Gone,
}
