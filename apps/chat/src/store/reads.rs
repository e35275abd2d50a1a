//! How far each user has read in each room, and what is unread.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::{access, mentions};
use crate::words::RoomId;

/// Where a user stands in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Read {
    pub(crate) room: String,
    /// The `seq` up to which everything was read.
    pub(crate) seq: i64,
    /// Messages of others behind it, up to `top`.
    pub(crate) unread: i64,
    /// How many of them mention the user.
    pub(crate) mentions: i64,
    /// The `seq` of the room's latest message at that moment.
    pub(crate) top: i64,
}

/// Moves a user's cursor forward, to the room's latest message at most.
///
/// Gives where the user stands now and whether the cursor moved; `None` if there is no such room for the user. A
/// cursor never moves back, so that marks of several devices can come in any order.
pub(crate) fn mark(
    connection: &mut Connection,
    user: &str,
    room: &RoomId,
    seq: i64,
) -> rusqlite::Result<Option<(Read, bool)>> {
    let transaction = connection.transaction()?;
    let room = room.as_str();
    if access::of(&transaction, room, user)?.is_none() {
        return Ok(None);
    }
    let top: Option<i64> = transaction
        .prepare_cached("SELECT top FROM rooms WHERE id = ?1")?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let Some(top) = top else { return Ok(None) };
    let moved = transaction
        .prepare_cached(
            "INSERT INTO reads (user_id, room_id, seq) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET seq = excluded.seq WHERE excluded.seq > reads.seq",
        )?
        .execute(params![user, room, seq.clamp(0, top)])?;
    let read = transaction
        .prepare_cached(&format!(
            "SELECT COALESCE(reads.seq, 0), {UNREAD}, {} FROM rooms
             LEFT JOIN reads ON reads.user_id = ?1 AND reads.room_id = rooms.id
             WHERE rooms.id = ?2",
            mentions::UNREAD
        ))?
        .query_row([user, room], |row| {
            Ok(Read {
                room: room.to_owned(),
                seq: row.get(0)?,
                unread: row.get(1)?,
                mentions: row.get(2)?,
                top,
            })
        })?;
    transaction.commit()?;
    Ok(Some((read, moved > 0)))
}

/// Where a user stands in a room: the cursor, and how much is unread.
pub(super) fn stands(
    connection: &Connection,
    user: &str,
    room: &str,
) -> rusqlite::Result<(i64, i64)> {
    connection
        .prepare_cached(&format!(
            "SELECT COALESCE(reads.seq, 0), {UNREAD} FROM rooms
             LEFT JOIN reads ON reads.user_id = ?1 AND reads.room_id = rooms.id
             WHERE rooms.id = ?2"
        ))?
        .query_row([user, room], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Moves the cursor over a message of the user's own, if everything before it was read.
pub(super) fn pass_own(
    connection: &Connection,
    user: &str,
    room: &str,
    seq: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE reads SET seq = ?3 WHERE user_id = ?1 AND room_id = ?2 AND seq = ?3 - 1",
        )?
        .execute(params![user, room, seq])?;
    Ok(())
}

/// A new user has nothing to catch up with: all that was said so far counts as read.
pub(super) fn begin(connection: &Connection, user: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR IGNORE INTO reads (user_id, room_id, seq) SELECT ?1, id, top FROM rooms WHERE kind = 'public'",
        [user],
    )?;
    Ok(())
}

/// A new member has nothing to catch up with, and may read all that was said.
pub(super) fn begin_in(connection: &Connection, user: &str, room: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO reads (user_id, room_id, seq) SELECT ?1, id, top FROM rooms WHERE id = ?2",
        [user, room],
    )?;
    Ok(())
}

/// What is unread, computed and never counted up: all behind the cursor but one's own and what was deleted. It
/// stands in a query over `rooms` and `reads`, where `?1` is the user.
pub(super) const UNREAD: &str = "rooms.top - COALESCE(reads.seq, 0) - (
    SELECT count(*) FROM messages AS own WHERE own.room_id = rooms.id AND own.user_id = ?1
    AND own.seq > COALESCE(reads.seq, 0)) - (
    SELECT count(*) FROM messages AS gone WHERE gone.room_id = rooms.id AND gone.user_id <> ?1
    AND gone.deleted_ms IS NOT NULL AND gone.seq > COALESCE(reads.seq, 0))";
