//! The store on SQLite: three tables in one file, with its write-ahead log beside it.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};

use veche_protocol::channel::Channel;

use crate::store::chunk::Gathering;
use crate::store::{Batch, Found, Info, OldChunk, Range, Row, Size, Store, StoreError, row};

mod layout;
mod scanning;
mod writing;

pub(crate) use layout::{DatabaseError, VERSION, look};
pub(crate) use scanning::{
    chunk_sizes, copy, each_chunk, each_key_batch, each_row, integrity, size,
};

use layout::{connect, migrate};
use writing::{delete_channel, delete_chunk, write_stream};

/// The database of a store.
#[derive(Debug)]
pub(crate) struct Sqlite {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
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
/// Bytes of a page.
const PAGE: u64 = 4096;

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
