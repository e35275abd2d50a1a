//! Messages: storing one together with its publications, and reading history by pages.

use rusqlite::{Connection, OptionalExtension, Params, Row as SqlRow, TransactionBehavior, params};
use serde::Serialize;
use serde_json::json;

use super::access::{self, Access};
use super::outbox::{self, Row};
use super::people::{self, Entry};
use super::reactions::{self, Reaction};
use super::{mentions, reads, rooms};
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
    /// The room's count of changes at the last change of this message.
    pub(crate) rev: i64,
    /// The author's id.
    pub(crate) user: String,
    /// The author's name at the time.
    pub(crate) name: String,
    pub(crate) text: String,
    /// When it was stored, in milliseconds since 1970.
    pub(crate) time: i64,
    /// When its text was changed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edited: Option<i64>,
    /// It was deleted: its place and its author are left, and no text.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) deleted: bool,
    /// The message that it answers, as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply: Option<Quote>,
    /// The ids of the users whose names stand behind an `@` in the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mentions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reactions: Vec<Reaction>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A message in short, within another that answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Quote {
    pub(crate) seq: i64,
    pub(crate) user: String,
    pub(crate) name: String,
    /// Its beginning, on one line.
    pub(crate) text: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) deleted: bool,
}

/// A message as it comes in.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) room: RoomId,
    pub(crate) author: User,
    pub(crate) text: String,
    /// The `seq` of the message that it answers.
    pub(crate) reply: Option<i64>,
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
    /// There is no such room, or the author is no member of it.
    NoRoom,
    /// The room is archived.
    Archived,
    /// The message that it would answer does not exist.
    NoSuchReply,
    /// It mentions more than [`limits::MENTIONS`] people.
    TooManyMentions,
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
    let Some(access) = access::of(&transaction, room, &draft.author.id)? else {
        return Ok(Posted::NoRoom);
    };
    if access.archived {
        return Ok(Posted::Archived);
    }
    if outbox::count(&transaction, room)? >= limits::OUTBOX_ROWS {
        return Ok(Posted::Full);
    }
    match people::enter(&transaction, &draft.author)? {
        Entry::Done => {}
        entry => return Ok(Posted::NoEntry(entry)),
    }
    let numbers = transaction
        .prepare_cached(
            "UPDATE rooms SET top = top + 1, rev = rev + 1 WHERE id = ?1 RETURNING top, rev",
        )?
        .query_row([room], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, rev)): Option<(i64, i64)> = numbers else {
        return Ok(Posted::NoRoom);
    };
    if let Some(reply) = draft.reply {
        match at(&transaction, room, reply)? {
            Some(message) if !message.deleted => {}
            _ => return Ok(Posted::NoSuchReply),
        }
    }
    let Some(mentioned) = mentions::find(&transaction, &draft.text)? else {
        return Ok(Posted::TooManyMentions);
    };
    transaction
        .prepare_cached(
            "INSERT INTO messages (id, room_id, seq, rev, user_id, name, text, time_ms, reply_to)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            draft.id,
            room,
            seq,
            rev,
            draft.author.id,
            draft.author.name,
            draft.text,
            now_ms,
            draft.reply
        ])?;
    mentions::store(&transaction, room, seq, &mentioned)?;
    reads::pass_own(&transaction, &draft.author.id, room, seq)?;
    let Some(message) = at(&transaction, room, seq)? else {
        return Ok(Posted::NoRoom);
    };
    for row in publications(&message, &access, access.audience(&transaction, room)?) {
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
    /// Around the first message that the user has not read; the latest ones if there is none.
    Unread,
    /// The one with this seq, and as many before it as after it.
    Around(i64),
}

/// One page of history, oldest first, and the room's `top` and `rev`.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) messages: Vec<Message>,
    pub(crate) top: i64,
    pub(crate) rev: i64,
    /// Where the user stands, if that was the question: the cursor, and what is unread.
    pub(crate) stands: Option<(i64, i64)>,
}

/// Whether nothing was ever written in the room.
pub(crate) fn is_empty(connection: &Connection, room: &RoomId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM messages WHERE room_id = ?1)")?
        .query_row([room.as_str()], |row| row.get(0))
}

/// Whether somebody apart from these users has written in the room since a time, in milliseconds since 1970. Looks at
/// its latest 100 messages.
pub(crate) fn others_since(
    connection: &Connection,
    room: &RoomId,
    apart: &[String; 2],
    since_ms: i64,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM
                (SELECT user_id, time_ms FROM messages WHERE room_id = ?1 ORDER BY seq DESC LIMIT 100)
             WHERE time_ms >= ?2 AND user_id NOT IN (?3, ?4))",
        )?
        .query_row(
            params![room.as_str(), since_ms, apart[0], apart[1]],
            |row| row.get(0),
        )
}

/// A page of a room; `None` if there is no such room for this user.
pub(crate) fn page(
    connection: &mut Connection,
    user: &str,
    room: &RoomId,
    page: Page,
    limit: u32,
) -> rusqlite::Result<Option<Found>> {
    let room = room.as_str();
    // One transaction, so that the page and the numbers are of the same moment.
    let transaction = connection.transaction()?;
    if access::of(&transaction, room, user)?.is_none() {
        return Ok(None);
    }
    let numbers = transaction
        .prepare_cached("SELECT top, rev FROM rooms WHERE id = ?1")?
        .query_row([room], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((top, rev)) = numbers else {
        return Ok(None);
    };
    let stands = match page {
        Page::Unread => Some(reads::stands(&transaction, user, room)?),
        _ => None,
    };
    let page = match stands {
        Some((read, unread)) if unread > 0 => Page::Around(read.saturating_add(1)),
        Some(_) => Page::Latest,
        None => page,
    };
    let (from, to, order) = match page {
        Page::Latest | Page::Unread => (0, i64::MAX, "DESC"),
        Page::Before(seq) => (0, seq.saturating_sub(1), "DESC"),
        Page::After(seq) => (seq.saturating_add(1), i64::MAX, "ASC"),
        Page::Around(seq) => (first_around(seq, limit, top), i64::MAX, "ASC"),
    };
    let condition =
        format!("messages.seq BETWEEN ?2 AND ?3 ORDER BY messages.seq {order} LIMIT ?4");
    let mut messages = select(
        &transaction,
        room,
        &condition,
        params![room, from, to, limit],
    )?;
    messages.sort_by_key(|message| message.seq);
    Ok(Some(Found {
        messages,
        top,
        rev,
        stands,
    }))
}

/// Where a page around `seq` begins: earlier near the end of the room, so that the page is full.
fn first_around(seq: i64, limit: u32, top: i64) -> i64 {
    let limit = i64::from(limit);
    let begin = seq.saturating_sub(limit / 2);
    begin.min(top - limit + 1).max(1)
}

/// What is published of a message: itself in its room, and a short notice for the lists of rooms.
fn publications(message: &Message, access: &Access, audience: Vec<String>) -> [Row; 2] {
    let notice = json!({
        "type": "notice",
        "room": message.room,
        "seq": message.seq,
        "user": message.user,
        "name": message.name,
        "text": rooms::preview(&message.text),
        "time": message.time,
        "mentions": message.mentions,
    });
    let [channel, _] = access.channels(&message.room);
    let row = |channels: Vec<String>, event: &str, data: String| Row {
        position: 0,
        room: message.room.clone(),
        key: message.id.clone(),
        channels,
        event: event.to_owned(),
        data,
    };
    [
        row(
            vec![channel],
            "message",
            json!({ "type": "message", "message": message }).to_string(),
        ),
        row(audience, "notice", notice.to_string()),
    ]
}

/// The message at a place in a room.
pub(super) fn at(
    connection: &Connection,
    room: &str,
    seq: i64,
) -> rusqlite::Result<Option<Message>> {
    let mut found = select(connection, room, "messages.seq = ?2", params![room, seq])?;
    Ok(found.pop())
}

fn by_id(connection: &Connection, id: &str) -> rusqlite::Result<Option<Message>> {
    let place: Option<(String, i64)> = connection
        .prepare_cached("SELECT room_id, seq FROM messages WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match place {
        Some((room, seq)) => at(connection, &room, seq),
        None => Ok(None),
    }
}

/// Messages of a room with all that belongs to them. The condition may name `messages` and `quoted`, the
/// message that is answered; its first parameter, `?1`, is the room.
pub(super) fn select(
    connection: &Connection,
    room: &str,
    condition: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<Message>> {
    let mut messages = connection
        .prepare_cached(&format!(
            "SELECT messages.id, messages.room_id, messages.seq, messages.rev, messages.user_id,
                    messages.name, messages.text, messages.time_ms, messages.edited_ms,
                    messages.deleted_ms, quoted.seq, quoted.user_id, quoted.name, quoted.text,
                    quoted.deleted_ms
             FROM messages
             LEFT JOIN messages AS quoted
                ON quoted.room_id = messages.room_id AND quoted.seq = messages.reply_to
             WHERE messages.room_id = ?1 AND {condition}"
        ))?
        .query_map(params, read)?
        .collect::<rusqlite::Result<Vec<Message>>>()?;
    let seqs = messages.iter().map(|message| message.seq);
    let (Some(from), Some(to)) = (seqs.clone().min(), seqs.max()) else {
        return Ok(messages);
    };
    for (seq, user) in mentions::between(connection, room, from, to)? {
        if let Some(message) = messages.iter_mut().find(|message| message.seq == seq) {
            message.mentions.push(user);
        }
    }
    for (seq, reaction) in reactions::between(connection, room, from, to)? {
        if let Some(message) = messages.iter_mut().find(|message| message.seq == seq) {
            message.reactions.push(reaction);
        }
    }
    Ok(messages)
}

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Message> {
    let quoted: Option<i64> = row.get(10)?;
    let reply = match quoted {
        Some(seq) => Some(Quote {
            seq,
            user: row.get(11)?,
            name: row.get(12)?,
            text: rooms::preview(&row.get::<_, String>(13)?),
            deleted: row.get::<_, Option<i64>>(14)?.is_some(),
        }),
        None => None,
    };
    Ok(Message {
        id: row.get(0)?,
        room: row.get(1)?,
        seq: row.get(2)?,
        rev: row.get(3)?,
        user: row.get(4)?,
        name: row.get(5)?,
        text: row.get(6)?,
        time: row.get(7)?,
        edited: row.get(8)?,
        deleted: row.get::<_, Option<i64>>(9)?.is_some(),
        reply,
        mentions: Vec::new(),
        reactions: Vec::new(),
    })
}
