//! The store on SQLite: three tables in one file, with its write-ahead log beside it.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};

use veche_protocol::channel::Channel;

use crate::record;
use crate::store::chunk::{CHUNK, Gathering};
use crate::store::{
    Batch, Found, Info, OldChunk, Range, Row, Size, Store, StoreError, StreamWrite, Tail, row,
};

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

/// The database of a store.
#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

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

impl Sqlite {
    /// Opens a database, or makes it.
    pub(crate) fn open(path: &Path, cache: u64) -> Result<Self, DatabaseError> {
        let mut writer = connect(path, cache, false)?;
        migrate(&mut writer)?;
        writer
            .pragma_update(None, "journal_mode", "WAL")
            .or_store()?;
        writer
            .pragma_update(None, "synchronous", "FULL")
            .or_store()?;
        writer
            .pragma_update(None, "wal_autocheckpoint", 0)
            .or_store()?;
        let reader = connect(path, cache, true)?;
        reader.pragma_update(None, "query_only", true).or_store()?;
        Ok(Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    /// What the store says about itself; `None` in a new one.
    pub(crate) fn info(&self) -> Result<Option<Info>, StoreError> {
        read_info(&self.writer.lock())
    }

    /// Writes what the store says about itself. Survives a power cut when this returns.
    pub(crate) fn set_info(&self, info: &Info) -> Result<(), StoreError> {
        let mut connection = self.writer.lock();
        let write = connection.transaction().or_store()?;
        put(&write, "salt", i64::from(info.salt))?;
        put(&write, "boot", &info.boot)?;
        put(&write, "clean", info.is_clean)?;
        put(
            &write,
            "interval_generation",
            signed(info.interval_generation),
        )?;
        put(&write, "sync_generation", signed(info.sync_generation))?;
        put(&write, "journal", signed(info.journal))?;
        put(&write, "lsn", signed(info.lsn))?;
        put(&write, "assessed", signed(info.assessed))?;
        write.commit().or_store()?;
        copy_log(&connection);
        Ok(())
    }
}

/// What a store says about itself; `None` in a new one.
pub(crate) fn read_info(connection: &Connection) -> Result<Option<Info>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT value FROM info WHERE name = ?1")
        .or_store()?;
    let mut number = |name: &str| {
        let value = select.query_row([name], |row| row.get::<_, i64>(0));
        value.optional().or_store()
    };
    let Some(salt) = number("salt")? else {
        return Ok(None);
    };
    let mut read = |name: &str| Ok(unsigned(number(name)?.unwrap_or_default()));
    let mut info = Info {
        salt: u32::try_from(salt).unwrap_or_default(),
        boot: String::new(),
        is_clean: read("clean")? != 0,
        interval_generation: read("interval_generation")?,
        sync_generation: read("sync_generation")?,
        journal: read("journal")?,
        lsn: read("lsn")?,
        assessed: read("assessed")?,
    };
    info.boot = select.query_row(["boot"], |row| row.get(0)).or_store()?;
    Ok(Some(info))
}

impl Store for Sqlite {
    fn row(&self, channel: &Channel) -> Result<Option<Row>, StoreError> {
        let connection = self.reader.lock();
        let mut select = connection
            .prepare_cached("SELECT id, due, row FROM streams WHERE channel = ?1")
            .or_store()?;
        let found = select.query_row([channel.as_str()], |found| {
            let (id, due) = (found.get(0)?, found.get(1)?);
            let bytes = found.get_ref(2)?.as_blob().unwrap_or_default();
            Ok(row::get(
                channel.as_str(),
                unsigned(id),
                unsigned(due),
                bytes,
            ))
        });
        match found.optional().or_store()? {
            None => Ok(None),
            Some(Some(row)) => Ok(Some(row)),
            Some(None) => Err(StoreError::Damaged("the row of the channel".to_owned())),
        }
    }

    fn publications(&self, range: &Range) -> Result<Found, StoreError> {
        let connection = self.reader.lock();
        let mut select = connection
            .prepare_cached(if range.is_reverse { DOWN } else { UP })
            .or_store()?;
        let (from, to) = (signed(range.from), signed(range.to));
        let mut rows = select
            .query(params![signed(range.stream), from, to])
            .or_store()?;
        let mut gathering = Gathering::new(*range);
        while let Some(found) = rows.next().or_store()? {
            let first = unsigned(found.get(0).or_store()?);
            let data = found.get_ref(1).or_store()?;
            if !gathering.add(first, data.as_blob().unwrap_or_default()) {
                break;
            }
        }
        Ok(gathering.finish())
    }

    fn write(&self, batch: &mut Batch) -> Result<(), StoreError> {
        let mut connection = self.writer.lock();
        let write = connection.transaction().or_store()?;
        for channel in &batch.lost {
            delete_channel(&write, channel)?;
        }
        for stream in &mut batch.streams {
            write_stream(&write, stream)?;
        }
        for chunk in &batch.orphans {
            delete_chunk(&write, *chunk)?;
        }
        if let Some(keys) = &batch.keys {
            write
                .prepare_cached("INSERT INTO keys (until, data) VALUES (?1, ?2)")
                .and_then(|mut insert| insert.execute(params![signed(keys.until_ms), keys.bytes]))
                .or_store()?;
        }
        if batch.keys_over_ms > 0 {
            write
                .prepare_cached("DELETE FROM keys WHERE until <= ?1")
                .and_then(|mut delete| delete.execute([signed(batch.keys_over_ms)]))
                .or_store()?;
        }
        if let Some((number, lsn)) = batch.journal {
            put(&write, "journal", signed(number))?;
            put(&write, "lsn", signed(lsn))?;
        }
        write.commit().or_store()?;
        copy_log(&connection);
        Ok(())
    }

    fn due(&self, now_ms: u64, limit: usize) -> Result<Vec<Channel>, StoreError> {
        self.channels(
            "SELECT channel FROM streams WHERE due <= ?1 AND due > 0 ORDER BY due LIMIT ?2",
            signed(now_ms),
            limit,
        )
    }

    fn first_to_go(&self, limit: usize) -> Result<Vec<Channel>, StoreError> {
        self.channels(
            "SELECT channel FROM streams WHERE due > ?1 ORDER BY due LIMIT ?2",
            0,
            limit,
        )
    }

    fn oldest_chunks(&self, limit: usize) -> Result<Vec<OldChunk>, StoreError> {
        let connection = self.reader.lock();
        let mut select = connection.prepare_cached(OLDEST).or_store()?;
        let rows = select.query_map([signed_len(limit)], |row| {
            let channel: Option<String> = row.get(1)?;
            let end: Option<i64> = row.get(2)?;
            Ok(OldChunk {
                id: unsigned(row.get(0)?),
                channel: channel.map(Channel::from),
                end: end.map(unsigned),
                bytes: unsigned(row.get(3)?),
            })
        });
        rows.and_then(Iterator::collect).or_store()
    }

    fn keys(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        each_key_batch(&self.reader.lock())
    }

    fn size(&self) -> Result<Size, StoreError> {
        size(&self.reader.lock())
    }

    fn give_back(&self, bytes: u64) -> Result<bool, StoreError> {
        let pages = {
            let size = self.size()?;
            bytes.min(size.free) / PAGE
        };
        if pages == 0 {
            return Ok(false);
        }
        let connection = self.writer.lock();
        {
            // Each step frees one page.
            let vacuum = format!("PRAGMA incremental_vacuum({pages})");
            let mut vacuum = connection.prepare(&vacuum).or_store()?;
            let mut freed = vacuum.query([]).or_store()?;
            while freed.next().or_store()?.is_some() {}
        }
        copy_log(&connection);
        drop(connection);
        Ok(self.size()?.free >= PAGE)
    }

    fn last_stream(&self) -> Result<u64, StoreError> {
        let connection = self.reader.lock();
        let last = connection.query_row("SELECT max(id) FROM streams", [], |row| {
            row.get::<_, Option<i64>>(0)
        });
        Ok(unsigned(last.or_store()?.unwrap_or_default()))
    }

    #[cfg(test)]
    fn set_most_pages(&self, pages: u64) {
        let set = format!("PRAGMA max_page_count = {pages}");
        let connection = self.writer.lock();
        let set = connection.query_row(&set, [], |_| Ok(()));
        set.expect("SQLite knows it");
    }
}

impl Sqlite {
    fn channels(&self, sql: &str, after: i64, limit: usize) -> Result<Vec<Channel>, StoreError> {
        let connection = self.reader.lock();
        let mut select = connection.prepare_cached(sql).or_store()?;
        let rows = select.query_map(params![after, signed_len(limit)], |row| {
            row.get::<_, String>(0).map(Channel::from)
        });
        rows.and_then(Iterator::collect).or_store()
    }
}

/// Chunks from the one in which a range begins.
const UP: &str = "
    SELECT first, data FROM chunks WHERE stream = ?1 AND first < ?3 AND first >= coalesce(
        (SELECT max(first) FROM chunks WHERE stream = ?1 AND first <= ?2), ?2)
    ORDER BY first";
/// The same from the end.
const DOWN: &str = "
    SELECT first, data FROM chunks WHERE stream = ?1 AND first < ?3 AND first >= coalesce(
        (SELECT max(first) FROM chunks WHERE stream = ?1 AND first <= ?2), ?2)
    ORDER BY first DESC";
/// The oldest chunks, with the offset behind each.
const OLDEST: &str = "
    SELECT chunks.id, streams.channel,
        (SELECT min(first) FROM chunks later WHERE later.stream = chunks.stream AND later.first > chunks.first),
        length(chunks.data)
    FROM chunks LEFT JOIN streams ON streams.id = chunks.stream
    ORDER BY chunks.id LIMIT ?1";
/// Chunks in which everything is before an offset, where a later chunk holds it.
const TRIM: &str = "
    DELETE FROM chunks WHERE stream = ?1 AND first < (
        SELECT max(first) FROM chunks WHERE stream = ?1 AND first <= ?2)";

/// Bytes of a page.
const PAGE: u64 = 4096;

fn connect(path: &Path, cache: u64, is_reader: bool) -> Result<Connection, StoreError> {
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
fn version(connection: &Connection) -> Result<i64, DatabaseError> {
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
fn migrate(connection: &mut Connection) -> Result<(), DatabaseError> {
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

fn write_stream(write: &Transaction<'_>, stream: &mut StreamWrite) -> Result<(), StoreError> {
    if stream.is_gone {
        return delete_channel(write, &stream.channel);
    }
    let id = signed(stream.row.id);
    if stream.is_stale {
        write
            .prepare_cached("DELETE FROM chunks WHERE stream = ?1")
            .and_then(|mut delete| delete.execute([id]))
            .or_store()?;
        stream.row.tail = None;
    }
    if stream.trims {
        trim(write, stream)?;
    }
    append(write, stream)?;
    let bytes = row::put(stream.channel.as_str(), &stream.row);
    let changed = if stream.has_row && !stream.is_due_new {
        write
            .prepare_cached("UPDATE streams SET row = ?2 WHERE id = ?1")
            .and_then(|mut update| update.execute(params![id, bytes]))
            .or_store()?
    } else {
        0
    };
    if changed == 0 {
        let due = signed(stream.row.due_ms);
        write
            .prepare_cached(
                "INSERT OR REPLACE INTO streams (id, channel, due, row) VALUES (?1, ?2, ?3, ?4)",
            )
            .and_then(|mut insert| insert.execute(params![id, stream.channel.as_str(), due, bytes]))
            .or_store()?;
    }
    Ok(())
}

/// Deletes a channel and all that is of it.
fn delete_channel(write: &Transaction<'_>, channel: &Channel) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM chunks WHERE stream = (SELECT id FROM streams WHERE channel = ?1)",
        "DELETE FROM streams WHERE channel = ?1",
    ] {
        write
            .prepare_cached(sql)
            .and_then(|mut delete| delete.execute([channel.as_str()]))
            .or_store()?;
    }
    Ok(())
}

/// Deletes the chunks of what is not kept any more.
fn trim(write: &Transaction<'_>, stream: &mut StreamWrite) -> Result<(), StoreError> {
    let (id, first) = (signed(stream.row.id), signed(stream.row.first));
    let next = stream.publications.first().map(|it| it.offset);
    let keeps_any = stream.row.first <= stream.row.top && next != Some(stream.row.first);
    if keeps_any {
        write
            .prepare_cached(TRIM)
            .and_then(|mut delete| delete.execute([id, first]))
            .or_store()?;
    } else {
        write
            .prepare_cached("DELETE FROM chunks WHERE stream = ?1 AND first < ?2")
            .and_then(|mut delete| delete.execute([id, first]))
            .or_store()?;
        stream.row.tail = None;
    }
    Ok(())
}

/// Puts publications behind those that are there: into the last chunk while there is room, then into new ones.
fn append(write: &Transaction<'_>, stream: &mut StreamWrite) -> Result<(), StoreError> {
    let Some(start) = stream.publications.first().map(|it| it.offset) else {
        return Ok(());
    };
    let mut scratch = Vec::new();
    let mut record = Vec::new();
    let mut chunk = None;
    if let Some(tail) = stream.row.tail.take() {
        chunk = read_tail(write, tail)?;
    }
    let mut chunk = chunk.unwrap_or(Chunk::new(start));
    for publication in &stream.publications {
        record.clear();
        record::encode(publication, stream.row.id, &mut record, &mut scratch);
        if !chunk.bytes.is_empty() && chunk.bytes.len() + record.len() > CHUNK {
            chunk.write(write, stream.row.id)?;
            chunk = Chunk::new(publication.offset);
        }
        chunk.bytes.extend_from_slice(&record);
        chunk.is_changed = true;
    }
    stream.row.tail = Some(chunk.write(write, stream.row.id)?);
    Ok(())
}

/// A chunk while it is being filled.
struct Chunk {
    id: Option<u64>,
    first: u64,
    bytes: Vec<u8>,
    is_changed: bool,
}

impl Chunk {
    fn new(first: u64) -> Self {
        Self {
            id: None,
            first,
            bytes: Vec::new(),
            is_changed: false,
        }
    }

    fn write(&self, write: &Transaction<'_>, stream: u64) -> Result<Tail, StoreError> {
        let id = match self.id {
            Some(id) if self.is_changed => {
                write
                    .prepare_cached("UPDATE chunks SET data = ?2 WHERE id = ?1")
                    .and_then(|mut update| update.execute(params![signed(id), self.bytes]))
                    .or_store()?;
                id
            }
            Some(id) => id,
            None => {
                let row = params![signed(stream), signed(self.first), self.bytes];
                write
                    .prepare_cached("INSERT INTO chunks (stream, first, data) VALUES (?1, ?2, ?3)")
                    .and_then(|mut insert| insert.insert(row))
                    .map(unsigned)
                    .or_store()?
            }
        };
        Ok(Tail {
            chunk: id,
            len: self.bytes.len(),
        })
    }
}

/// The chunk that takes more, where it is as long as the row says.
fn read_tail(write: &Transaction<'_>, tail: Tail) -> Result<Option<Chunk>, StoreError> {
    if tail.len >= CHUNK {
        return Ok(None);
    }
    let mut select = write
        .prepare_cached("SELECT first, data FROM chunks WHERE id = ?1")
        .or_store()?;
    let found = select.query_row([signed(tail.chunk)], |row| {
        Ok((unsigned(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
    });
    let found = found.optional().or_store()?;
    Ok(found
        .filter(|(_, bytes)| bytes.len() == tail.len)
        .map(|(first, bytes)| Chunk {
            id: Some(tail.chunk),
            first,
            bytes,
            is_changed: false,
        }))
}

fn delete_chunk(write: &Transaction<'_>, chunk: u64) -> Result<(), StoreError> {
    write
        .prepare_cached("DELETE FROM chunks WHERE id = ?1")
        .and_then(|mut delete| delete.execute([signed(chunk)]))
        .or_store()?;
    Ok(())
}

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

fn put(write: &Transaction<'_>, name: &str, value: impl rusqlite::ToSql) -> Result<(), StoreError> {
    write
        .prepare_cached("INSERT OR REPLACE INTO info (name, value) VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute(params![name, value]))
        .or_store()?;
    Ok(())
}

/// Brings what was committed from the log into the database, so that the log does not grow. Where a reader is in the way
/// the next write does it.
fn copy_log(connection: &Connection) {
    let copied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = copied {
        tracing::debug!("the store's log is not copied: {error}");
    }
}

/// SQLite has signed numbers only. Numbers beyond them do not occur: they count one by one.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn signed_len(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Errors of SQLite in the words of the store.
pub(crate) trait OrStore<T> {
    fn or_store(self) -> Result<T, StoreError>;
}

impl<T> OrStore<T> for rusqlite::Result<T> {
    fn or_store(self) -> Result<T, StoreError> {
        self.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Damaged(error.to_string())
            }
            _ => StoreError::Failed(error.to_string()),
        })
    }
}
