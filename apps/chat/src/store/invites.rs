//! Links that lead into a private room: one for a room at a time, until it is renewed, taken back, or its time is over.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::access::{self, Kind, Role};
use super::members::{self, Outcome};
use super::people;
use crate::limits;
use crate::words::{RoomId, User};

/// A link, as those who may pass it on see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Invite {
    pub(crate) token: String,
    /// In milliseconds since 1970.
    pub(crate) expires: i64,
}

/// What a link leads to, as who follows it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Preview {
    pub(crate) room: String,
    pub(crate) title: String,
    pub(crate) members: u32,
    /// The name of who made the link.
    pub(crate) by: String,
}

/// The link of a room, for its owners and moderators.
pub(crate) fn find(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
    now_ms: i64,
) -> rusqlite::Result<Result<Option<Invite>, Outcome>> {
    if let Some(refused) = refused(connection, room.as_str(), user)? {
        return Ok(Err(refused));
    }
    let invite = connection
        .prepare_cached(
            "SELECT token, expires_ms FROM invites WHERE room_id = ?1 AND expires_ms > ?2",
        )?
        .query_row(params![room.as_str(), now_ms], |row| {
            Ok(Invite {
                token: row.get(0)?,
                expires: row.get(1)?,
            })
        })
        .optional()?;
    Ok(Ok(invite))
}

/// Makes a link; the one before leads nowhere from then on.
pub(crate) fn renew(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
    token: String,
    now_ms: i64,
) -> rusqlite::Result<Result<Invite, Outcome>> {
    if let Some(refused) = refused(connection, room.as_str(), user)? {
        return Ok(Err(refused));
    }
    let ttl = i64::try_from(limits::INVITE_TTL.as_millis()).unwrap_or(i64::MAX);
    let expires = now_ms.saturating_add(ttl);
    connection.execute(
        "INSERT OR REPLACE INTO invites (token, room_id, user_id, expires_ms) VALUES (?1, ?2, ?3, ?4)",
        params![token, room.as_str(), user.id, expires],
    )?;
    Ok(Ok(Invite { token, expires }))
}

/// Takes the link of a room back.
pub(crate) fn revoke(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
) -> rusqlite::Result<Outcome> {
    if let Some(refused) = refused(connection, room.as_str(), user)? {
        return Ok(refused);
    }
    connection.execute("DELETE FROM invites WHERE room_id = ?1", [room.as_str()])?;
    Ok(Outcome::Done)
}

/// Where a link leads; `None` if it leads nowhere (any more).
pub(crate) fn look(
    connection: &mut Connection,
    token: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<Preview>> {
    connection
        .prepare_cached(
            "SELECT rooms.id, title, users.name,
                    (SELECT count(*) FROM members WHERE room_id = rooms.id AND role <> 'left')
             FROM invites JOIN rooms ON rooms.id = invites.room_id
             JOIN users ON users.id = invites.user_id
             WHERE token = ?1 AND expires_ms > ?2 AND archived_ms IS NULL",
        )?
        .query_row(params![token, now_ms], |row| {
            Ok(Preview {
                room: row.get(0)?,
                title: row.get(1)?,
                by: row.get(2)?,
                members: row.get(3)?,
            })
        })
        .optional()
}

/// Follows a link into its room; gives the room.
pub(crate) fn follow(
    connection: &mut Connection,
    token: &str,
    user: &User,
    now_ms: i64,
) -> rusqlite::Result<Result<String, Outcome>> {
    let Some(Preview { room, .. }) = look(connection, token, now_ms)? else {
        return Ok(Err(Outcome::NoRoom));
    };
    let transaction = connection.transaction()?;
    if !people::is_owned(&transaction, &user.id)? {
        return Ok(Err(Outcome::NoSuchPerson));
    }
    if access::of(&transaction, &room, &user.id)?.is_some() {
        return Ok(Ok(room));
    }
    match members::enter(&transaction, &room, &user.id, Role::Member, now_ms)? {
        Outcome::Done => {}
        refused => return Ok(Err(refused)),
    }
    if let Some(access) = access::of(&transaction, &room, &user.id)? {
        members::tell(&transaction, &access, &room, &user.id)?;
    }
    transaction.commit()?;
    Ok(Ok(room))
}

/// Why the user may not deal with the link of a room.
fn refused(connection: &Connection, room: &str, user: &User) -> rusqlite::Result<Option<Outcome>> {
    Ok(match access::of(connection, room, &user.id)? {
        None => Some(Outcome::NoRoom),
        Some(access) if access.kind == Kind::Direct => Some(Outcome::OnlyTwo),
        Some(access) if access.kind == Kind::Public || !access.moderates() => {
            Some(Outcome::NotAllowed)
        }
        Some(_) => None,
    })
}
