//! Rooms: their list, their making, what they are called, and their end.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};

use super::access::{self, Access, Kind, Role};
use super::mentions;
use super::outbox::{self, Row};
use super::people;
use super::reads::UNREAD;
use crate::channels;
use crate::limits;
use crate::words::{RoomId, User};

/// The room that every chat begins with, and that is never deleted.
pub(crate) const GENERAL: &str = "general";

/// A room as everybody in it sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Room {
    pub(crate) id: String,
    /// Empty for a conversation of two.
    pub(crate) title: String,
    pub(crate) topic: String,
    pub(crate) kind: Kind,
    pub(crate) archived: bool,
    /// The channels of its messages and of who is typing.
    pub(crate) channel: String,
    pub(crate) typing: String,
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
    /// What the user may do there; nothing for a visitor of a public room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
    /// With whom a conversation of two is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<people::Person>,
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

/// A public room as who looks around sees it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) topic: String,
    pub(crate) top: i64,
    pub(crate) archived: bool,
    /// It is in the user's list.
    pub(crate) joined: bool,
}

/// How the making of a room ended.
#[derive(Debug)]
pub(crate) enum Created {
    /// It is new.
    New(Room),
    /// There is a public room of this title (in any case of letters).
    Known(Room),
    /// There are [`limits::ROOMS`] rooms already, or [`limits::PRIVATE_ROOMS`] private ones.
    TooMany,
    /// The user has made [`limits::ROOMS_PER_USER`] of them.
    TooManyOfOne,
    /// A private room is for names that belong to somebody.
    Unowned,
}

/// How a change, or the deletion, of a room ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// There is no such room for the user.
    NoRoom,
    /// It is the first room, or the user's role does not allow it.
    NotAllowed,
    /// Another public room has the title.
    TitleTaken,
}

/// What shall be different in a room.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) title: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) archived: Option<bool>,
}

/// The rooms of a user's list, the most recently used first: public ones that were not left, and those that the user is a
/// member of. A conversation that somebody else has begun is there with its first message.
pub(crate) fn list(connection: &mut Connection, user: &str) -> rusqlite::Result<Vec<Listed>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT rooms.id, title, top, creator, messages.user_id, messages.name, text, time_ms,
                COALESCE(reads.seq, 0), {UNREAD}, {}, messages.deleted_ms IS NOT NULL,
                topic, kind, generation, archived_ms IS NOT NULL, own.role, peer.id, peer.name
         FROM rooms
         LEFT JOIN members AS own ON own.room_id = rooms.id AND own.user_id = ?1
         LEFT JOIN messages ON messages.room_id = rooms.id AND messages.seq = rooms.top
         LEFT JOIN reads ON reads.user_id = ?1 AND reads.room_id = rooms.id
         LEFT JOIN members AS other
            ON kind = 'direct' AND other.room_id = rooms.id AND other.user_id <> ?1
         LEFT JOIN users AS peer ON peer.id = other.user_id
         WHERE CASE kind WHEN 'public' THEN own.role IS NOT 'left'
                         WHEN 'direct' THEN own.role IS NOT NULL AND (top > 0 OR creator = ?1)
                         ELSE own.role IS NOT NULL END
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
        let id: String = row.get(0)?;
        let kind: Kind = row.get(13)?;
        let [channel, typing] = access::channels_of(kind, &id, row.get(14)?);
        let peer: Option<String> = row.get(17)?;
        let with = match peer {
            Some(id) => Some(people::Person {
                id,
                name: row.get(18)?,
            }),
            None => None,
        };
        Ok(Listed {
            room: Room {
                id,
                title: row.get(1)?,
                topic: row.get(12)?,
                kind,
                archived: row.get(15)?,
                channel,
                typing,
                top: row.get(2)?,
                creator: row.get(3)?,
                last,
            },
            role: access::role(row, 16)?,
            with,
            read: row.get(8)?,
            unread: row.get(9)?,
            mentions: row.get(10)?,
        })
    })?;
    rows.collect()
}

/// All public rooms, also those that the user has left: those in use first.
pub(crate) fn discover(connection: &mut Connection, user: &str) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, title, topic, top, archived_ms IS NOT NULL, role IS NOT 'left' FROM rooms
         LEFT JOIN members ON room_id = id AND user_id = ?1
         WHERE kind = 'public' ORDER BY archived_ms IS NOT NULL, top DESC, id",
    )?;
    let rooms = statement.query_map([user], |row| {
        Ok(Found {
            id: row.get(0)?,
            title: row.get(1)?,
            topic: row.get(2)?,
            top: row.get(3)?,
            archived: row.get(4)?,
            joined: row.get(5)?,
        })
    })?;
    rooms.collect()
}

/// Makes a public room and its notice for the lobby in the same transaction, or finds the one of this title; or makes a
/// private room, of which there may be several with one title.
pub(crate) fn create(
    connection: &mut Connection,
    title: &str,
    kind: Kind,
    creator: &User,
    now_ms: i64,
) -> rusqlite::Result<Created> {
    let transaction = connection.transaction()?;
    let id = if kind == Kind::Public {
        match free_id(&transaction, title)? {
            Ok(id) => id,
            Err(known) => return Ok(Created::Known(known)),
        }
    } else {
        if !people::is_owned(&transaction, &creator.id)? {
            return Ok(Created::Unowned);
        }
        RoomId::random()
    };
    let (all, own): (u32, u32) = transaction.query_row(
        "SELECT count(*) FILTER (WHERE kind = ?2),
                count(*) FILTER (WHERE creator = ?1 AND kind <> 'direct') FROM rooms",
        [&creator.id, kind.word()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let most = match kind {
        Kind::Public => limits::ROOMS,
        Kind::Private | Kind::Direct => limits::PRIVATE_ROOMS,
    };
    if all >= most {
        return Ok(Created::TooMany);
    }
    if own >= limits::ROOMS_PER_USER {
        return Ok(Created::TooManyOfOne);
    }
    transaction.execute(
        "INSERT INTO rooms (id, title, creator, kind) VALUES (?1, ?2, ?3, ?4)",
        params![id.as_str(), title, creator.id, kind.word()],
    )?;
    transaction.execute(
        "INSERT INTO members (room_id, user_id, role, joined_ms) VALUES (?1, ?2, 'owner', ?3)",
        params![id.as_str(), creator.id, now_ms],
    )?;
    let [channel, typing] = access::channels_of(kind, id.as_str(), 1);
    let room = Room {
        id: id.as_str().to_owned(),
        title: title.to_owned(),
        topic: String::new(),
        kind,
        archived: false,
        channel,
        typing,
        top: 0,
        creator: Some(creator.id.clone()),
        last: None,
    };
    let (event, news, audience) = match kind {
        Kind::Public => (
            "room",
            json!({ "type": "room", "room": room }),
            channels::LOBBY.to_owned(),
        ),
        Kind::Private | Kind::Direct => (
            "membership",
            json!({ "type": "membership", "room": room.id }),
            channels::personal(&creator.id),
        ),
    };
    tell(&transaction, &room.id, event, vec![audience], &news)?;
    transaction.commit()?;
    Ok(Created::New(room))
}

/// Changes what a room is called and what it is about, as its owners and moderators may; archives it, or opens it again,
/// as an owner may.
pub(crate) fn change(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
    change: &Change,
    now_ms: i64,
) -> rusqlite::Result<Outcome> {
    let transaction = connection.transaction()?;
    let id = room.as_str();
    let Some(access) = access::of(&transaction, id, &user.id)? else {
        return Ok(Outcome::NoRoom);
    };
    let may = access.kind != Kind::Direct
        && access.moderates()
        && (change.archived.is_none() || access.owns());
    if !may {
        return Ok(Outcome::NotAllowed);
    }
    if let (Kind::Public, Some(title)) = (access.kind, &change.title)
        && is_taken(&transaction, id, title)?
    {
        return Ok(Outcome::TitleTaken);
    }
    transaction.execute(
        "UPDATE rooms SET title = COALESCE(?2, title), topic = COALESCE(?3, topic),
                archived_ms = CASE ?4 WHEN TRUE THEN ?5 WHEN FALSE THEN NULL ELSE archived_ms END
         WHERE id = ?1",
        params![id, change.title, change.topic, change.archived, now_ms],
    )?;
    let news = transaction.query_row(
        "SELECT title, topic, archived_ms IS NOT NULL FROM rooms WHERE id = ?1",
        [id],
        |row| {
            let (title, topic): (String, String) = (row.get(0)?, row.get(1)?);
            let archived: bool = row.get(2)?;
            Ok(json!({
                "type": "room-changed",
                "room": { "id": id, "title": title, "topic": topic, "archived": archived },
            }))
        },
    )?;
    let audience = access.audience(&transaction, id)?;
    tell(&transaction, id, "room-changed", audience, &news)?;
    transaction.commit()?;
    Ok(Outcome::Done)
}

/// Deletes a room with its messages, and tells who had it in the list. Its owner may, and anybody if it is public and empty.
///
/// Its id is never given to another room: an address keeps its meaning, and the channel's history is
/// not taken for that of the new room.
pub(crate) fn delete(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
) -> rusqlite::Result<Outcome> {
    let transaction = connection.transaction()?;
    let id = room.as_str();
    let Some(access) = access::of(&transaction, id, &user.id)? else {
        return Ok(Outcome::NoRoom);
    };
    let top: i64 = transaction.query_row("SELECT top FROM rooms WHERE id = ?1", [id], |row| {
        row.get(0)
    })?;
    if id == GENERAL || !may_delete(&access, top) {
        return Ok(Outcome::NotAllowed);
    }
    let audience = access.audience(&transaction, id)?;
    erase(&transaction, id)?;
    let news = json!({ "type": "room-deleted", "room": id });
    tell(&transaction, id, "room-deleted", audience, &news)?;
    transaction.commit()?;
    Ok(Outcome::Done)
}

fn may_delete(access: &Access, top: i64) -> bool {
    access.owns() || access.kind == Kind::Public && top == 0
}

/// Removes a room and all that is in it.
pub(super) fn erase(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    for table in [
        "outbox",
        "reads",
        "mentions",
        "reactions",
        "members",
        "invites",
        "messages",
    ] {
        connection.execute(&format!("DELETE FROM {table} WHERE room_id = ?1"), [id])?;
    }
    connection.execute("DELETE FROM rooms WHERE id = ?1", [id])?;
    connection.execute("INSERT INTO deleted_rooms (id) VALUES (?1)", [id])?;
    Ok(())
}

/// An id for a public room of this title, or the room that has the title.
fn free_id(transaction: &Transaction<'_>, title: &str) -> rusqlite::Result<Result<RoomId, Room>> {
    let base = RoomId::of_title(title);
    let mut id = base.clone();
    let mut number = 1;
    while let Some(known) = holder(transaction, &id)? {
        match known {
            Some(room) if room.title.to_lowercase() == title.to_lowercase() => {
                return Ok(Err(room));
            }
            _ => {
                number += 1;
                id = base.numbered(number);
            }
        }
    }
    Ok(Ok(id))
}

/// Whether a public room other than this one has the title, in any case of letters.
fn is_taken(transaction: &Transaction<'_>, id: &str, title: &str) -> rusqlite::Result<bool> {
    let titles = transaction
        .prepare("SELECT title FROM rooms WHERE kind = 'public' AND id <> ?1")?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let title = title.to_lowercase();
    Ok(titles.iter().any(|other| other.to_lowercase() == title))
}

/// Who has this id: nobody, a public room, or (`Some(None)`) a room that was deleted, or that not everybody may know of.
fn holder(transaction: &Transaction<'_>, id: &RoomId) -> rusqlite::Result<Option<Option<Room>>> {
    let room = transaction
        .query_row(
            "SELECT title, top, creator, topic, archived_ms IS NOT NULL, kind FROM rooms WHERE id = ?1",
            [id.as_str()],
            |row| {
                let kind: Kind = row.get(5)?;
                let [channel, typing] = access::channels_of(kind, id.as_str(), 1);
                Ok(Room {
                    id: id.as_str().to_owned(),
                    title: row.get(0)?,
                    topic: row.get(3)?,
                    kind,
                    archived: row.get(4)?,
                    channel,
                    typing,
                    top: row.get(1)?,
                    creator: row.get(2)?,
                    last: None,
                })
            },
        )
        .optional()?;
    if let Some(room) = room {
        return Ok(Some((room.kind == Kind::Public).then_some(room)));
    }
    transaction
        .query_row(
            "SELECT 1 FROM deleted_rooms WHERE id = ?1",
            [id.as_str()],
            |_| Ok(None),
        )
        .optional()
}

/// Puts news about a room into the room's queue.
fn tell(
    transaction: &Transaction<'_>,
    room: &str,
    event: &str,
    audience: Vec<String>,
    news: &Value,
) -> rusqlite::Result<()> {
    outbox::add(
        transaction,
        &Row {
            position: 0,
            room: room.to_owned(),
            key: uuid::Uuid::new_v4().to_string(),
            channels: audience,
            event: event.to_owned(),
            data: news.to_string(),
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
