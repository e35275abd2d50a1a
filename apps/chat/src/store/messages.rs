//! Messages: storing one together with its publications, and reading history by pages.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, TransactionBehavior, params};
use serde::Serialize;
use serde_json::json;

use super::outbox::{self, Row};
use super::people::{self, Entry};
use super::{reads, rooms};
use crate::channels;
use crate::limits;
use crate::words::{RoomId, User};

/// A stored message, as everybody sees it.
///
/// It has three numbers, which are never mixed up: the *message id* is made by whoever writes and
/// names the message forever; the *server id* ([`seq`](Self::seq)) orders a room's messages; the
/// *stream offset* belongs to the channel's history, serves recovery and is not part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Message {
    /// The message id: a UUID made by the client. A resend carries the same one.
    pub(crate) id: String,
    pub(crate) room: String,
    /// The server id: 1, 2, 3 … within the room, without gaps.
    pub(crate) seq: i64,
    /// The author's id.
    pub(crate) user: String,
    /// The author's name at the time.
    pub(crate) name: String,
    pub(crate) text: String,
    /// When it was stored, in milliseconds since 1970.
    pub(crate) time: i64,
}

/// A message as it comes in.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) room: RoomId,
    pub(crate) author: User,
    pub(crate) text: String,
}

/// How posting ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It was stored just now.
    New(Message),
    /// It had been stored before: a resend.
    Known(Message),
    /// The id belongs to a message of another author or room.
    IdTaken,
    /// There is no such room.
    NoRoom,
    /// [`limits::OUTBOX_ROWS`] rows of the room wait to be published.
    Full,
    /// The author is new, and cannot come in under this name.
    NoEntry(Entry),
}

/// Stores a message, its publication and its notice for the lobby in one transaction.
pub(crate) fn post(
    connection: &mut Connection,
    draft: &Draft,
    now_ms: i64,
) -> rusqlite::Result<Posted> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let room = draft.room.as_str();
    if let Some(known) = by_id(&transaction, &draft.id)? {
        let same = known.room == room && known.user == draft.author.id;
        return Ok(if same {
            Posted::Known(known)
        } else {
            Posted::IdTaken
        });
    }
    if outbox::count(&transaction, room)? >= limits::OUTBOX_ROWS {
        return Ok(Posted::Full);
    }
    match people::enter(&transaction, &draft.author)? {
        Entry::Done => {}
        entry => return Ok(Posted::NoEntry(entry)),
    }
    let seq = transaction
        .prepare_cached("UPDATE rooms SET top = top + 1 WHERE id = ?1 RETURNING top")?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let Some(seq) = seq else {
        return Ok(Posted::NoRoom);
    };
    let message = Message {
        id: draft.id.clone(),
        room: room.to_owned(),
        seq,
        user: draft.author.id.clone(),
        name: draft.author.name.clone(),
        text: draft.text.clone(),
        time: now_ms,
    };
    transaction
        .prepare_cached(
            "INSERT INTO messages (id, room_id, seq, user_id, name, text, time_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            message.id,
            room,
            seq,
            message.user,
            message.name,
            message.text,
            message.time
        ])?;
    reads::pass_own(&transaction, &message.user, room, seq)?;
    for row in publications(&message) {
        outbox::add(&transaction, &row)?;
    }
    transaction.commit()?;
    Ok(Posted::New(message))
}

/// Which part of a room's history is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page {
    /// The latest messages.
    Latest,
    /// Those before this seq, the nearest ones.
    Before(i64),
    /// Those after this seq, the nearest ones.
    After(i64),
    /// The one with this seq, and as many before it as after it.
    Around(i64),
}

/// One page of history, oldest first, and the room's top; `None` if there is no such room.
pub(crate) fn page(
    connection: &mut Connection,
    room: &RoomId,
    page: Page,
    limit: u32,
) -> rusqlite::Result<Option<(Vec<Message>, i64)>> {
    let room = room.as_str();
    // One transaction, so that the page and the top are of the same moment.
    let transaction = connection.transaction()?;
    let top = transaction
        .prepare_cached("SELECT top FROM rooms WHERE id = ?1")?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let Some(top) = top else { return Ok(None) };
    let (from, to, order) = match page {
        Page::Latest => (0, i64::MAX, "DESC"),
        Page::Before(seq) => (0, seq.saturating_sub(1), "DESC"),
        Page::After(seq) => (seq.saturating_add(1), i64::MAX, "ASC"),
        Page::Around(seq) => (first_around(seq, limit, top), i64::MAX, "ASC"),
    };
    let mut messages = transaction
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM messages WHERE room_id = ?1 AND seq BETWEEN ?2 AND ?3
             ORDER BY seq {order} LIMIT ?4"
        ))?
        .query_map(params![room, from, to, limit], read)?
        .collect::<rusqlite::Result<Vec<Message>>>()?;
    messages.sort_by_key(|message| message.seq);
    Ok(Some((messages, top)))
}

/// Where a page around `seq` begins: earlier near the end of the room, so that the page is full.
fn first_around(seq: i64, limit: u32, top: i64) -> i64 {
    let limit = i64::from(limit);
    let begin = seq.saturating_sub(limit / 2);
    begin.min(top - limit + 1).max(1)
}

/// What is published of a message: itself in its room, and a short notice in the lobby.
fn publications(message: &Message) -> [Row; 2] {
    let notice = json!({
        "type": "notice",
        "room": message.room,
        "seq": message.seq,
        "user": message.user,
        "name": message.name,
        "text": rooms::preview(&message.text),
        "time": message.time,
    });
    let row = |channel: String, event: &str, data: String| Row {
        position: 0,
        room: message.room.clone(),
        key: message.id.clone(),
        channel,
        event: event.to_owned(),
        data,
    };
    [
        row(
            channels::room(&message.room),
            "message",
            json!({ "type": "message", "message": message }).to_string(),
        ),
        row(channels::LOBBY.to_owned(), "notice", notice.to_string()),
    ]
}

fn by_id(connection: &Connection, id: &str) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?1"))?
        .query_row([id], read)
        .optional()
}

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        room: row.get(1)?,
        seq: row.get(2)?,
        user: row.get(3)?,
        name: row.get(4)?,
        text: row.get(5)?,
        time: row.get(6)?,
    })
}

const COLUMNS: &str = "id, room_id, seq, user_id, name, text, time_ms";
