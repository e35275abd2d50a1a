//! The tables of a store, their version, and how a connection to them begins.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{OrStore, PAGE, signed};
use crate::store::StoreError;

/// The version of the layout that this program writes. An older one is brought up step by step ([`STEPS`]).
pub(crate) const VERSION: i64 = 1;

/// What leads from each version of the layout to the next one. A new file is of version 0.
const STEPS: [&str; 1] = ["
    CREATE TABLE info (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE streams (
        id INTEGER PRIMARY KEY, channel TEXT NOT NULL UNIQUE, due INTEGER NOT NULL, row BLOB NOT NULL);
    CREATE INDEX streams_due ON streams (due);
    CREATE TABLE chunks (
        id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, first INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX chunks_of_stream ON chunks (stream, first);
    CREATE TABLE keys (id INTEGER PRIMARY KEY, until INTEGER NOT NULL, data BLOB NOT NULL);
"];

/// Tells files of ours from others: "Vech".
const APPLICATION: i64 = 0x5665_6368;

/// How long a call waits for another process that looks at the store.
const BUSY: std::time::Duration = std::time::Duration::from_secs(10);

/// Why a database can't be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("its version is {0}, and this program knows {VERSION} at most")]
    Newer(i64),
    #[error("it is the database of another program")]
    Foreign,
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn connect(path: &Path, cache: u64, is_reader: bool) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
    if !is_reader {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let connection = Connection::open_with_flags(path, flags).or_store()?;
    connection.busy_timeout(BUSY).or_store()?;
    connection.set_prepared_statement_cache_capacity(32);
    let cache = i64::try_from(cache / 1024).unwrap_or(i64::MAX);
    connection
        .pragma_update(None, "cache_size", -cache.max(1024))
        .or_store()?;
    connection
        .pragma_update(None, "cell_size_check", true)
        .or_store()?;
    connection
        .pragma_update(None, "trusted_schema", false)
        .or_store()?;
    Ok(connection)
}

/// Opens a database to look at it, beside the process that uses it.
pub(crate) fn look(path: &Path) -> Result<Connection, DatabaseError> {
    if !path.exists() {
        let why = format!("there is no store: {} does not exist", path.display());
        return Err(StoreError::Failed(why).into());
    }
    let connection = connect(path, 1 << 23, true)?;
    match version(&connection)? {
        0 => Err(DatabaseError::Foreign),
        version if version > VERSION => Err(DatabaseError::Newer(version)),
        _ => Ok(connection),
    }
}

/// The version of the layout; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> Result<i64, DatabaseError> {
    let read = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        value.or_store()
    };
    let application = read("application_id")?;
    if application == 0 && read("schema_version")? == 0 {
        return Ok(0);
    }
    if application != APPLICATION {
        return Err(DatabaseError::Foreign);
    }
    Ok(read("user_version")?)
}

/// Brings the layout to the version of this program, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), DatabaseError> {
    let version = version(connection)?;
    if version > VERSION {
        return Err(DatabaseError::Newer(version));
    }
    if version == 0 {
        // Only before the first table.
        connection
            .pragma_update(None, "page_size", signed(PAGE))
            .or_store()?;
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .or_store()?;
    }
    let steps = STEPS
        .iter()
        .skip(usize::try_from(version).unwrap_or_default());
    if steps.len() == 0 {
        return Ok(());
    }
    let write = connection.transaction().or_store()?;
    for step in steps {
        write.execute_batch(step).or_store()?;
    }
    write
        .pragma_update(None, "application_id", APPLICATION)
        .or_store()?;
    write
        .pragma_update(None, "user_version", VERSION)
        .or_store()?;
    Ok(write.commit().or_store()?)
}
