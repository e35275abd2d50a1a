//! Changes of messages that are stored: editing, deleting, and what has changed since a moment.
//!
//! Each room counts its changes (`rev`), new messages among them, and each message carries the count
//! of its last one. Whoever knows a room up to some `rev` asks for what has changed since.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::json;

use super::access::{self, Access};
use super::messages::{self, Message};
use super::outbox::{self, Row};
use super::people::Entry;
use super::{mentions, reactions, rooms};
use crate::limits;
use crate::words::{RoomId, User};

/// How a change ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// The message as it is now; the change is published.
    Done(Message),
    /// It was so already.
    Same(Message),
    /// There is no such room, or the user is no member of it.
    NoRoom,
    /// The room is archived.
    Archived,
    /// The room has no such message.
    NoMessage,
    /// The message was deleted, and does not change any more.
    Deleted,
    /// The message is another's.
    NotYours,
    /// The text mentions more than [`limits::MENTIONS`] people.
    TooManyMentions,
    /// The message has as many reactions as there can be.
    TooManyReactions,
    /// [`limits::OUTBOX_ROWS`] rows of the room wait to be published.
    Full,
    /// The user is new, and cannot come in under this name.
    NoEntry(Entry),
}

/// Replaces the text of one's own message.
pub(crate) fn edit(
    connection: &mut Connection,
    room: &RoomId,
    seq: i64,
    user: &User,
    text: &str,
    now_ms: i64,
) -> rusqlite::Result<Changed> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let room = room.as_str();
    let (message, access) = match changeable(&transaction, room, seq, user)? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    if message.user != user.id {
        return Ok(Changed::NotYours);
    }
    if message.text == text {
        return Ok(Changed::Same(message));
    }
    let Some(mentioned) = mentions::find(&transaction, text)? else {
        return Ok(Changed::TooManyMentions);
    };
    transaction
        .prepare_cached(
            "UPDATE messages SET text = ?3, edited_ms = ?4 WHERE room_id = ?1 AND seq = ?2",
        )?
        .execute(params![room, seq, text, now_ms])?;
    mentions::store(&transaction, room, seq, &mentioned)?;
    let message = publish(&transaction, &access, room, seq)?;
    transaction.commit()?;
    Ok(message.map_or(Changed::NoMessage, Changed::Done))
}

/// Deletes one's own message, or, as an owner or a moderator of the room, anybody's: its place stays, its text, mentions and reactions go.
pub(crate) fn delete(
    connection: &mut Connection,
    room: &RoomId,
    seq: i64,
    user: &User,
    now_ms: i64,
) -> rusqlite::Result<Changed> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let room = room.as_str();
    let (message, access) = match changeable(&transaction, room, seq, user)? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    if message.user != user.id && !access.moderates() {
        return Ok(Changed::NotYours);
    }
    transaction
        .prepare_cached(
            "UPDATE messages SET text = '', edited_ms = NULL, reply_to = NULL, deleted_ms = ?3
             WHERE room_id = ?1 AND seq = ?2",
        )?
        .execute(params![room, seq, now_ms])?;
    mentions::store(&transaction, room, seq, &[])?;
    reactions::forget(&transaction, room, seq)?;
    let message = publish(&transaction, &access, room, seq)?;
    transaction.commit()?;
    Ok(message.map_or(Changed::NoMessage, Changed::Done))
}

/// The messages with a `seq` above `after`, up to `to`, that have changed since `rev`, or that quote one that has;
/// at most [`limits::CHANGES_MAX`]. With them the room's `rev` now. `None` if there is no such room for this user.
pub(crate) fn since(
    connection: &mut Connection,
    user: &str,
    room: &RoomId,
    rev: i64,
    after: i64,
    to: i64,
) -> rusqlite::Result<Option<(Vec<Message>, i64)>> {
    let room = room.as_str();
    let transaction = connection.transaction()?;
    if access::of(&transaction, room, user)?.is_none() {
        return Ok(None);
    }
    let now: Option<i64> = transaction
        .prepare_cached("SELECT rev FROM rooms WHERE id = ?1")?
        .query_row([room], |row| row.get(0))
        .optional()?;
    let Some(now) = now else { return Ok(None) };
    if now <= rev {
        return Ok(Some((Vec::new(), now)));
    }
    let found = messages::select(
        &transaction,
        room,
        "messages.seq > ?2 AND messages.seq <= ?3 AND (messages.rev > ?4 OR quoted.rev > ?4)
         ORDER BY messages.seq LIMIT ?5",
        params![room, after, to, rev, limits::CHANGES_MAX],
    )?;
    Ok(Some((found, now)))
}

/// The message, if it is one that can change and its change can be published, and what the user may in its room.
pub(super) fn changeable(
    connection: &Connection,
    room: &str,
    seq: i64,
    user: &User,
) -> rusqlite::Result<Result<(Message, Access), Changed>> {
    let Some(access) = access::of(connection, room, &user.id)? else {
        return Ok(Err(Changed::NoRoom));
    };
    if access.archived {
        return Ok(Err(Changed::Archived));
    }
    if outbox::count(connection, room)? >= limits::OUTBOX_ROWS {
        return Ok(Err(Changed::Full));
    }
    Ok(match messages::at(connection, room, seq)? {
        None => Err(Changed::NoMessage),
        Some(message) if message.deleted => Err(Changed::Deleted),
        Some(message) => Ok((message, access)),
    })
}

/// Counts a change of a message, and publishes the message as it is now: in its room, and in short for the list of rooms.
pub(super) fn publish(
    connection: &Connection,
    access: &Access,
    room: &str,
    seq: i64,
) -> rusqlite::Result<Option<Message>> {
    let (rev, top): (i64, i64) = connection
        .prepare_cached("UPDATE rooms SET rev = rev + 1 WHERE id = ?1 RETURNING rev, top")?
        .query_row([room], |row| Ok((row.get(0)?, row.get(1)?)))?;
    connection
        .prepare_cached("UPDATE messages SET rev = ?3 WHERE room_id = ?1 AND seq = ?2")?
        .execute(params![room, seq, rev])?;
    let Some(message) = messages::at(connection, room, seq)? else {
        return Ok(None);
    };
    let mut news =
        json!({ "type": "changed", "room": room, "seq": seq, "deleted": message.deleted });
    if let (true, Some(fields)) = (seq == top, news.as_object_mut()) {
        let last = json!({
            "user": message.user,
            "name": message.name,
            "text": rooms::preview(&message.text),
            "time": message.time,
            "deleted": message.deleted,
        });
        fields.insert("last".to_owned(), last);
    }
    let row = |channels: Vec<String>, event: &str, data: String| Row {
        position: 0,
        room: room.to_owned(),
        key: format!("{}:{rev}", message.id),
        channels,
        event: event.to_owned(),
        data,
    };
    let change = json!({ "type": "change", "message": message }).to_string();
    let [channel, _] = access.channels(room);
    outbox::add(connection, &row(vec![channel], "change", change))?;
    let audience = access.audience(connection, room)?;
    outbox::add(connection, &row(audience, "changed", news.to_string()))?;
    Ok(Some(message))
}
