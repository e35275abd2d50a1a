//! The members of rooms: who they are, who comes in, who goes, and what they may do.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::json;

use super::access::{self, Access, Kind, Role};
use super::outbox::{self, Row};
use super::{people, reads, rooms};
use crate::channels;
use crate::limits;
use crate::words::{RoomId, User};

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: Option<Role>,
}

/// How a change of the members ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is so now.
    Done,
    /// There is no such room for the caller.
    NoRoom,
    /// The caller's role does not allow it.
    NotAllowed,
    /// Nobody has this name, or only a name that nobody owns.
    NoSuchPerson,
    /// The room has [`limits::MEMBERS`] members.
    Full,
    /// A conversation of two has always both.
    OnlyTwo,
}

/// The members of a room, owners first; of a public room those with a role. `None` if there is no such room for the user.
pub(crate) fn list(
    connection: &mut Connection,
    user: &str,
    room: &RoomId,
) -> rusqlite::Result<Option<Vec<Member>>> {
    let room = room.as_str();
    if access::of(connection, room, user)?.is_none() {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT users.id, users.name, role FROM members JOIN users ON users.id = members.user_id
         WHERE room_id = ?1 AND role <> 'left'
         ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'moderator' THEN 1 ELSE 2 END, users.id",
    )?;
    let members = statement.query_map([room], |row| {
        Ok(Member {
            id: row.get(0)?,
            name: row.get(1)?,
            role: access::role(row, 2)?,
        })
    })?;
    members.collect::<rusqlite::Result<_>>().map(Some)
}

/// Brings somebody in by name, as any member may, or gives a member another role, as an owner may.
pub(crate) fn set(
    connection: &mut Connection,
    room: &RoomId,
    caller: &User,
    user: &str,
    wanted: Option<Role>,
    now_ms: i64,
) -> rusqlite::Result<Outcome> {
    let transaction = connection.transaction()?;
    let room = room.as_str();
    let Some(access) = access::of(&transaction, room, &caller.id)? else {
        return Ok(Outcome::NoRoom);
    };
    if access.kind == Kind::Direct {
        return Ok(Outcome::OnlyTwo);
    }
    let present = access::of(&transaction, room, user)?.and_then(|access| access.role);
    let role = wanted.or(present).unwrap_or(Role::Member);
    let invites = present.is_none() && role == Role::Member && access.role.is_some();
    if !access.owns() && !invites {
        return Ok(Outcome::NotAllowed);
    }
    // A name that belongs to no browser could be anybody's in a moment.
    if !people::is_owned(&transaction, user)? {
        return Ok(Outcome::NoSuchPerson);
    }
    if present == Some(Role::Owner) && role != Role::Owner && is_last_owner(&transaction, room)? {
        return Ok(Outcome::NotAllowed);
    }
    match enter(&transaction, room, user, role, now_ms)? {
        Outcome::Done => {}
        refused => return Ok(refused),
    }
    tell(&transaction, &access, room, user)?;
    transaction.commit()?;
    Ok(Outcome::Done)
}

/// Makes somebody a member, or changes the role; nobody is asked and nobody is told.
pub(super) fn enter(
    connection: &Connection,
    room: &str,
    user: &str,
    role: Role,
    now_ms: i64,
) -> rusqlite::Result<Outcome> {
    let is_new = !connection
        .prepare_cached("SELECT 1 FROM members WHERE room_id = ?1 AND user_id = ?2")?
        .exists([room, user])?;
    if is_new && count(connection, room)? >= limits::MEMBERS {
        return Ok(Outcome::Full);
    }
    connection
        .prepare_cached(
            "INSERT INTO members (room_id, user_id, role, joined_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET role = excluded.role",
        )?
        .execute(params![room, user, role.word(), now_ms])?;
    if is_new {
        reads::begin_in(connection, user, room)?;
    }
    Ok(Outcome::Done)
}

/// Comes back into a public room that one has left.
pub(crate) fn join(
    connection: &mut Connection,
    room: &RoomId,
    user: &User,
) -> rusqlite::Result<Outcome> {
    let transaction = connection.transaction()?;
    let room = room.as_str();
    if access::of(&transaction, room, &user.id)?.is_none() {
        return Ok(Outcome::NoRoom);
    }
    let back = transaction.execute(
        "DELETE FROM members WHERE room_id = ?1 AND user_id = ?2 AND role = 'left'",
        [room, &user.id],
    )?;
    if back > 0 {
        publish(&transaction, room, vec![channels::personal(&user.id)])?;
        transaction.commit()?;
    }
    Ok(Outcome::Done)
}

/// Removes a member, or leaves: from then on nothing of a private room reaches who is gone.
///
/// When the last owner goes the room passes to a moderator, else to the member who has been there longest; a private
/// room without members is gone.
pub(crate) fn remove(
    connection: &mut Connection,
    room: &RoomId,
    caller: &User,
    user: &str,
    now_ms: i64,
) -> rusqlite::Result<Outcome> {
    let transaction = connection.transaction()?;
    let room = room.as_str();
    let Some(access) = access::of(&transaction, room, &caller.id)? else {
        return Ok(Outcome::NoRoom);
    };
    if access.kind == Kind::Direct {
        return Ok(Outcome::OnlyTwo);
    }
    let target = access::of(&transaction, room, user)?.and_then(|access| access.role);
    let leaves = user == caller.id;
    let may = leaves || access.owns() || access.moderates() && matches!(target, Some(Role::Member));
    if !may {
        return Ok(Outcome::NotAllowed);
    }
    if target.is_none() && !(leaves && access.kind == Kind::Public) {
        return Ok(Outcome::NoSuchPerson);
    }
    transaction.execute(
        "DELETE FROM members WHERE room_id = ?1 AND user_id = ?2",
        [room, user],
    )?;
    if access.kind == Kind::Public && leaves {
        transaction.execute(
            "INSERT INTO members (room_id, user_id, role, joined_ms) VALUES (?1, ?2, 'left', ?3)",
            params![room, user, now_ms],
        )?;
    }
    if target == Some(Role::Owner) {
        pass_on(&transaction, room)?;
    }
    if access.kind == Kind::Private {
        // Who is gone may hold a token for the channel: from now on it is another one.
        transaction.execute(
            "UPDATE rooms SET generation = generation + 1 WHERE id = ?1",
            [room],
        )?;
        transaction.execute(
            "DELETE FROM reads WHERE room_id = ?1 AND user_id = ?2",
            [room, user],
        )?;
        if count(&transaction, room)? == 0 {
            rooms::erase(&transaction, room)?;
        }
    }
    tell(&transaction, &access, room, user)?;
    transaction.commit()?;
    Ok(Outcome::Done)
}

/// How many members a room has.
pub(super) fn count(connection: &Connection, room: &str) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM members WHERE room_id = ?1 AND role <> 'left'")?
        .query_row([room], |row| row.get(0))
}

fn is_last_owner(connection: &Connection, room: &str) -> rusqlite::Result<bool> {
    let owners: u32 = connection.query_row(
        "SELECT count(*) FROM members WHERE room_id = ?1 AND role = 'owner'",
        [room],
        |row| row.get(0),
    )?;
    Ok(owners <= 1)
}

/// Makes somebody the owner of a room that has none any more.
fn pass_on(connection: &Connection, room: &str) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE members SET role = 'owner' WHERE room_id = ?1
         AND NOT EXISTS (SELECT 1 FROM members WHERE room_id = ?1 AND role = 'owner')
         AND user_id = (SELECT user_id FROM members WHERE room_id = ?1 AND role <> 'left'
                        ORDER BY role = 'moderator' DESC, joined_ms, user_id LIMIT 1)",
        [room],
    )?;
    Ok(())
}

/// Tells who is concerned that the members of a room have changed: the members of a private room, and the one who came or went.
pub(super) fn tell(
    connection: &Connection,
    access: &Access,
    room: &str,
    user: &str,
) -> rusqlite::Result<()> {
    let mut channels = match access.kind {
        Kind::Public => Vec::new(),
        Kind::Private | Kind::Direct => access.audience(connection, room)?,
    };
    let own = channels::personal(user);
    if !channels.contains(&own) {
        channels.push(own);
    }
    publish(connection, room, channels)
}

fn publish(connection: &Connection, room: &str, channels: Vec<String>) -> rusqlite::Result<()> {
    outbox::add(
        connection,
        &Row {
            position: 0,
            room: room.to_owned(),
            key: uuid::Uuid::new_v4().to_string(),
            channels,
            event: "membership".to_owned(),
            data: json!({ "type": "membership", "room": room }).to_string(),
        },
    )
}
