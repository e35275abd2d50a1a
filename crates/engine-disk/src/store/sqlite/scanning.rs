//! What looks at a whole store: checks, statistics, copies.

use std::path::Path;

use rusqlite::Connection;

use super::{OrStore, unsigned};
use crate::store::{Row, Size, StoreError, row};

/// What a chunk is of, and what is in it: `(stream, first offset, records)`.
pub(crate) type ChunkRow = (u64, u64, Vec<u8>);

/// Goes through all rows of channels: name, number, and the row unless it is damaged.
pub(crate) fn each_row(
    connection: &Connection,
    mut each: impl FnMut(&str, u64, Option<Row>),
) -> Result<(), StoreError> {
    let mut select = connection
        .prepare("SELECT channel, id, due, row FROM streams")
        .or_store()?;
    let mut rows = select.query([]).or_store()?;
    while let Some(found) = rows.next().or_store()? {
        let channel: String = found.get(0).or_store()?;
        let id = unsigned(found.get(1).or_store()?);
        let due = unsigned(found.get(2).or_store()?);
        let bytes = found.get_ref(3).or_store()?;
        let bytes = bytes.as_blob().unwrap_or_default();
        each(&channel, id, row::get(&channel, id, due, bytes));
    }
    Ok(())
}

/// Goes through all chunks, those of a stream one after the other.
pub(crate) fn each_chunk(
    connection: &Connection,
    mut each: impl FnMut(ChunkRow),
) -> Result<(), StoreError> {
    let mut select = connection
        .prepare("SELECT stream, first, data FROM chunks ORDER BY stream, first")
        .or_store()?;
    let mut rows = select.query([]).or_store()?;
    while let Some(found) = rows.next().or_store()? {
        let stream = unsigned(found.get(0).or_store()?);
        let first = unsigned(found.get(1).or_store()?);
        each((stream, first, found.get(2).or_store()?));
    }
    Ok(())
}

/// All batches of idempotency keys.
pub(crate) fn each_key_batch(connection: &Connection) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT data FROM keys ORDER BY id")
        .or_store()?;
    let rows = select.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect).or_store()
}

/// Bytes of the chunks of each stream.
pub(crate) fn chunk_sizes(connection: &Connection) -> Result<Vec<(u64, u64)>, StoreError> {
    let mut select = connection
        .prepare("SELECT stream, sum(length(data)) FROM chunks GROUP BY stream")
        .or_store()?;
    let rows = select.query_map([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))));
    rows.and_then(Iterator::collect).or_store()
}

/// What SQLite finds wrong with the file, at most twenty lines.
pub(crate) fn integrity(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut check = connection
        .prepare("PRAGMA integrity_check(20)")
        .or_store()?;
    let lines = check.query_map([], |row| row.get::<_, String>(0));
    let lines: Vec<_> = lines.and_then(Iterator::collect).or_store()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Bytes in use and free.
pub(crate) fn size(connection: &Connection) -> Result<Size, StoreError> {
    let read = |name: &str| {
        let value = connection.pragma_query_value(None, name, |row| row.get(0));
        value.map(unsigned).or_store()
    };
    let page = read("page_size")?;
    let free = read("freelist_count")?;
    let used = read("page_count")?.saturating_sub(free);
    Ok(Size {
        used: used.saturating_mul(page),
        free: free.saturating_mul(page),
    })
}

/// Writes a copy that is of one moment, and has no free pages.
pub(crate) fn copy(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    let to = to.to_string_lossy();
    connection
        .execute("VACUUM INTO ?1", [&*to])
        .map(|_| ())
        .or_store()
}
