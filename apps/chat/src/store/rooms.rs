//! Rooms: their list, and their making.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde_json::json;

use super::outbox::{self, Row};
use crate::channels;
use crate::limits;
use crate::words::RoomId;

/// A room as the list shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) title: String,
    /// The `seq` of its latest message, 0 if there is none. Unread is `top` minus the seq read last.
    pub(crate) top: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last: Option<Last>,
}

/// The latest message of a room, cut to a preview.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Last {
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) time: i64,
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
}

/// All rooms, the most recently used first.
pub(crate) fn list(connection: &mut Connection) -> rusqlite::Result<Vec<Room>> {
    let mut statement = connection.prepare_cached(
        "SELECT rooms.id, title, top, user_id, name, text, time_ms FROM rooms
         LEFT JOIN messages ON messages.room_id = rooms.id AND messages.seq = rooms.top
         ORDER BY time_ms DESC NULLS LAST, rooms.id",
    )?;
    let rows = statement.query_map([], |row| {
        let text: Option<String> = row.get(5)?;
        let last = match text {
            Some(text) => Some(Last {
                user: row.get(3)?,
                name: row.get(4)?,
                text: preview(&text),
                time: row.get(6)?,
            }),
            None => None,
        };
        Ok(Room {
            id: row.get(0)?,
            title: row.get(1)?,
            top: row.get(2)?,
            last,
        })
    })?;
    rows.collect()
}

/// Makes a room, and its notice for the lobby in the same transaction; or finds the one of this title.
pub(crate) fn create(connection: &mut Connection, title: &str) -> rusqlite::Result<Created> {
    let transaction = connection.transaction()?;
    let base = RoomId::of_title(title);
    let mut id = base.clone();
    for number in 2..=limits::ROOMS.saturating_add(2) {
        let known: Option<(String, i64)> = transaction
            .query_row(
                "SELECT title, top FROM rooms WHERE id = ?1",
                [id.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        match known {
            None => break,
            Some((known, top)) if known.to_lowercase() == title.to_lowercase() => {
                let room = Room {
                    id: id.as_str().to_owned(),
                    title: known,
                    top,
                    last: None,
                };
                return Ok(Created::Known(room));
            }
            Some(_) => id = base.numbered(number),
        }
    }
    let count: u32 = transaction.query_row("SELECT count(*) FROM rooms", [], |row| row.get(0))?;
    if count >= limits::ROOMS {
        return Ok(Created::TooMany);
    }
    transaction.execute(
        "INSERT INTO rooms (id, title) VALUES (?1, ?2)",
        params![id.as_str(), title],
    )?;
    let room = Room {
        id: id.as_str().to_owned(),
        title: title.to_owned(),
        top: 0,
        last: None,
    };
    outbox::add(
        &transaction,
        &Row {
            position: 0,
            room: room.id.clone(),
            key: format!("room-{}", room.id),
            channel: channels::LOBBY.to_owned(),
            event: "room".to_owned(),
            data: json!({ "type": "room", "room": room }).to_string(),
        },
    )?;
    transaction.commit()?;
    Ok(Created::New(room))
}

/// The beginning of a text, on one line.
pub(crate) fn preview(text: &str) -> String {
    text.chars()
        .take(limits::PREVIEW_CHARS)
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect()
}
