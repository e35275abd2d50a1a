//! Rooms: their list, their making and their end.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::mentions;
use super::outbox::{self, Row};
use super::reads::UNREAD;
use crate::channels;
use crate::limits;
use crate::words::{RoomId, User};

/// The room that every chat begins with, and that is never deleted.
pub(crate) const GENERAL: &str = "general";

/// A room as everybody sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) title: String,
    /// The `seq` of its latest message, 0 if there is none.
    pub(crate) top: i64,
    /// The id of the user who made it; nobody, for the first room and for rooms of older versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) creator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Last>,
}

/// A room as one user's list shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(crate) room: Room,
    /// The `seq` up to which the user has read.
    pub(crate) read: i64,
    /// How many messages of others stand behind that.
    pub(crate) unread: i64,
    /// How many of them mention the user.
    pub(crate) mentions: i64,
}

/// The latest message of a room, cut to a preview.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Last {
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) time: i64,
    /// It was deleted, and has no text.
    pub(crate) deleted: bool,
}

/// How the making of a room ended.
#[derive(Debug)]
pub(crate) enum Created {
    /// It is new.
    New(Room),
    /// There is a room of this title (in any case of letters).
    Known(Room),
    /// There are [`limits::ROOMS`] rooms already.
    TooMany,
    /// The user has made [`limits::ROOMS_PER_USER`] of them.
    TooManyOfOne,
}

/// How the deletion of a room ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// The room is gone, and with it its messages.
    Done,
    /// There is no such room.
    NoRoom,
    /// It is the first room, or another's and not empty.
    NotAllowed,
}

/// All rooms, the most recently used first, as `user` sees them.
pub(crate) fn list(connection: &mut Connection, user: &str) -> rusqlite::Result<Vec<Listed>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT rooms.id, title, top, creator, messages.user_id, name, text, time_ms,
                COALESCE(reads.seq, 0), {UNREAD}, {}, messages.deleted_ms IS NOT NULL
         FROM rooms
         LEFT JOIN messages ON messages.room_id = rooms.id AND messages.seq = rooms.top
         LEFT JOIN reads ON reads.user_id = ?1 AND reads.room_id = rooms.id
         ORDER BY time_ms DESC NULLS LAST, rooms.id",
        mentions::UNREAD
    ))?;
    let rows = statement.query_map([user], |row| {
        let text: Option<String> = row.get(6)?;
        let last = match text {
            Some(text) => Some(Last {
                user: row.get(4)?,
                name: row.get(5)?,
                text: preview(&text),
                time: row.get(7)?,
                deleted: row.get(11)?,
            }),
            None => None,
        };
        Ok(Listed {
            room: Room {
                id: row.get(0)?,
                title: row.get(1)?,
                top: row.get(2)?,
                creator: row.get(3)?,
                last,
            },
            read: row.get(8)?,
            unread: row.get(9)?,
            mentions: row.get(10)?,
        })
    })?;
    rows.collect()
}

/// Makes a room, and its notice for the lobby in the same transaction; or finds the one of this title.
pub(crate) fn create(
    connection: &mut Connection,
    title: &str,
    creator: &User,
) -> rusqlite::Result<Created> {
    let transaction = connection.transaction()?;
    let base = RoomId::of_title(title);
    let mut id = base.clone();
    let mut number = 1;
    while let Some(known) = holder(&transaction, &id)? {
        match known {
            Some(room) if room.title.to_lowercase() == title.to_lowercase() => {
                return Ok(Created::Known(room));
            }
            _ => {
                number += 1;
                id = base.numbered(number);
            }
        }
    }
    let (all, own): (u32, u32) = transaction.query_row(
        "SELECT count(*), count(*) FILTER (WHERE creator = ?1) FROM rooms",
        [&creator.id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if all >= limits::ROOMS {
        return Ok(Created::TooMany);
    }
    if own >= limits::ROOMS_PER_USER {
        return Ok(Created::TooManyOfOne);
    }
    transaction.execute(
        "INSERT INTO rooms (id, title, creator) VALUES (?1, ?2, ?3)",
        params![id.as_str(), title, creator.id],
    )?;
    let room = Room {
        id: id.as_str().to_owned(),
        title: title.to_owned(),
        top: 0,
        creator: Some(creator.id.clone()),
        last: None,
    };
    let notice = json!({ "type": "room", "room": room });
    tell_lobby(&transaction, &room.id, "room", &notice)?;
    transaction.commit()?;
    Ok(Created::New(room))
}

/// Deletes a room with its messages, and tells the lobby. Its maker may, and anybody if it is empty.
///
/// Its id is never given to another room: an address keeps its meaning, and the channel's history is
/// not taken for that of the new room.
pub(crate) fn delete(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
) -> rusqlite::Result<Deleted> {
    let transaction = connection.transaction()?;
    let id = room.as_str();
    let Some(Some(known)) = holder(&transaction, room)? else {
        return Ok(Deleted::NoRoom);
    };
    let is_own = known.creator.as_deref() == Some(&user.id);
    if id == GENERAL || !(is_own || known.top == 0) {
        return Ok(Deleted::NotAllowed);
    }
    for sql in [
        "DELETE FROM outbox WHERE room_id = ?1",
        "DELETE FROM reads WHERE room_id = ?1",
        "DELETE FROM mentions WHERE room_id = ?1",
        "DELETE FROM reactions WHERE room_id = ?1",
        "DELETE FROM messages WHERE room_id = ?1",
        "DELETE FROM rooms WHERE id = ?1",
        "INSERT INTO deleted_rooms (id) VALUES (?1)",
    ] {
        transaction.execute(sql, [id])?;
    }
    let notice = json!({ "type": "room-deleted", "room": id });
    tell_lobby(&transaction, id, "room-deleted", &notice)?;
    transaction.commit()?;
    Ok(Deleted::Done)
}

/// Who has this id: nobody, a room, or (`Some(None)`) a room that was deleted.
fn holder(transaction: &Transaction<'_>, id: &RoomId) -> rusqlite::Result<Option<Option<Room>>> {
    let room = transaction
        .query_row(
            "SELECT title, top, creator FROM rooms WHERE id = ?1",
            [id.as_str()],
            |row| {
                Ok(Room {
                    id: id.as_str().to_owned(),
                    title: row.get(0)?,
                    top: row.get(1)?,
                    creator: row.get(2)?,
                    last: None,
                })
            },
        )
        .optional()?;
    if room.is_some() {
        return Ok(Some(room));
    }
    transaction
        .query_row(
            "SELECT 1 FROM deleted_rooms WHERE id = ?1",
            [id.as_str()],
            |_| Ok(None),
        )
        .optional()
}

/// Puts a notice about a room into the room's queue, for the lobby.
fn tell_lobby(
    transaction: &Transaction<'_>,
    room: &str,
    event: &str,
    notice: &Value,
) -> rusqlite::Result<()> {
    outbox::add(
        transaction,
        &Row {
            position: 0,
            room: room.to_owned(),
            key: format!("{event}:{room}"),
            channel: channels::LOBBY.to_owned(),
            event: event.to_owned(),
            data: notice.to_string(),
        },
    )
}

/// The beginning of a text, on one line.
pub(crate) fn preview(text: &str) -> String {
    text.chars()
        .take(limits::PREVIEW_CHARS)
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect()
}
