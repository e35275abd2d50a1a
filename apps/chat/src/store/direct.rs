//! Conversations of two.

use rusqlite::{Connection, params};

use super::access::{self, Role};
use super::{members, people};
use crate::limits;
use crate::words::{RoomId, User};

/// How a conversation came about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is there, under this id.
    Done(String),
    /// It would be one with oneself.
    Oneself,
    /// Nobody has this name, or only a name that nobody owns.
    NoSuchPerson,
    /// The caller's own name belongs to nobody.
    Unowned,
    /// The caller has begun [`limits::DIRECT_PER_USER`] of them.
    TooMany,
}

/// Finds the conversation of two users, or begins it. The other one sees it when there is a message.
pub(crate) fn open(
    connection: &mut Connection,
    caller: &User,
    other: &str,
    now_ms: i64,
) -> rusqlite::Result<Opened> {
    if caller.id == other {
        return Ok(Opened::Oneself);
    }
    let transaction = connection.transaction()?;
    let id = RoomId::of_pair(&caller.id, other);
    let id = id.as_str();
    if access::of(&transaction, id, &caller.id)?.is_some() {
        return Ok(Opened::Done(id.to_owned()));
    }
    // What is said between two must not be read by whoever says a name.
    if !people::is_owned(&transaction, &caller.id)? {
        return Ok(Opened::Unowned);
    }
    if !people::is_owned(&transaction, other)? {
        return Ok(Opened::NoSuchPerson);
    }
    let begun: u32 = transaction.query_row(
        "SELECT count(*) FROM rooms WHERE kind = 'direct' AND creator = ?1",
        [&caller.id],
        |row| row.get(0),
    )?;
    if begun >= limits::DIRECT_PER_USER {
        return Ok(Opened::TooMany);
    }
    transaction.execute(
        "INSERT INTO rooms (id, title, creator, kind) VALUES (?1, '', ?2, 'direct')",
        params![id, caller.id],
    )?;
    for user in [&caller.id, other] {
        members::enter(&transaction, id, user, Role::Member, now_ms)?;
    }
    transaction.commit()?;
    Ok(Opened::Done(id.to_owned()))
}
