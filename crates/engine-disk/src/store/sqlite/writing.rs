//! How a channel is written: its row, its chunks, and what goes.

use rusqlite::{OptionalExtension, Transaction, params};

use veche_protocol::channel::Channel;

use super::{OrStore, signed, unsigned};
use crate::record;
use crate::store::chunk::CHUNK;
use crate::store::{StoreError, StreamWrite, Tail, row};

/// Chunks in which everything is before an offset, where a later chunk holds it.
const TRIM: &str = "
    DELETE FROM chunks WHERE stream = ?1 AND first < (
        SELECT max(first) FROM chunks WHERE stream = ?1 AND first <= ?2)";

pub(super) fn write_stream(
    write: &Transaction<'_>,
    stream: &mut StreamWrite,
) -> Result<(), StoreError> {
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
pub(super) fn delete_channel(write: &Transaction<'_>, channel: &Channel) -> Result<(), StoreError> {
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

pub(super) fn delete_chunk(write: &Transaction<'_>, chunk: u64) -> Result<(), StoreError> {
    write
        .prepare_cached("DELETE FROM chunks WHERE id = ?1")
        .and_then(|mut delete| delete.execute([signed(chunk)]))
        .or_store()?;
    Ok(())
}
