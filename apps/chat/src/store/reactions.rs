//! Reactions to messages: an emoji, once from each user.

use rusqlite::{Connection, TransactionBehavior, params};
use serde::Serialize;

use super::changes::{self, Changed};
use super::people::{self, Entry};
use crate::limits;
use crate::words::{RoomId, User};

/// An emoji and who gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reaction {
    pub(crate) emoji: String,
    /// In the order in which they reacted.
    pub(crate) users: Vec<Reactor>,
}

/// Somebody who reacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Reactor {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Gives a reaction, or takes it back. Doing it twice is doing it once.
pub(crate) fn set(
    connection: &mut Connection,
    room: &RoomId,
    seq: i64,
    user: &User,
    emoji: &str,
    given: bool,
) -> rusqlite::Result<Changed> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let room = room.as_str();
    let (message, access) = match changes::changeable(&transaction, room, seq, user)? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    match people::enter(&transaction, user)? {
        Entry::Done => {}
        entry => return Ok(Changed::NoEntry(entry)),
    }
    let changed = if given {
        let all: usize = message.reactions.iter().map(|one| one.users.len()).sum();
        let is_new = !message.reactions.iter().any(|one| one.emoji == emoji);
        let kinds = message.reactions.len() + usize::from(is_new);
        let has = message
            .reactions
            .iter()
            .any(|one| one.emoji == emoji && one.users.iter().any(|reactor| reactor.id == user.id));
        if !has && (all >= limits::REACTIONS as usize || kinds > limits::REACTION_KINDS as usize) {
            return Ok(Changed::TooManyReactions);
        }
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO reactions (room_id, seq, emoji, user_id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![room, seq, emoji, user.id])?
    } else {
        transaction
            .prepare_cached(
                "DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2 AND emoji = ?3 AND user_id = ?4",
            )?
            .execute(params![room, seq, emoji, user.id])?
    };
    if changed == 0 {
        return Ok(Changed::Same(message));
    }
    let message = changes::publish(&transaction, &access, room, seq)?;
    transaction.commit()?;
    Ok(message.map_or(Changed::NoMessage, Changed::Done))
}

/// Forgets all reactions to a message.
pub(super) fn forget(connection: &Connection, room: &str, seq: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2")?
        .execute(params![room, seq])?;
    Ok(())
}

/// The reactions to the messages of a room from one `seq` to another, each with its `seq`.
pub(super) fn between(
    connection: &Connection,
    room: &str,
    from: i64,
    to: i64,
) -> rusqlite::Result<Vec<(i64, Reaction)>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, emoji, user_id, users.name FROM reactions
         JOIN users ON users.id = reactions.user_id
         WHERE room_id = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY position",
    )?;
    let mut rows = statement.query(params![room, from, to])?;
    let mut all: Vec<(i64, Reaction)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (seq, emoji): (i64, String) = (row.get(0)?, row.get(1)?);
        let reactor = Reactor {
            id: row.get(2)?,
            name: row.get(3)?,
        };
        let known = all
            .iter_mut()
            .find(|(known, one)| *known == seq && one.emoji == emoji);
        match known {
            Some((_, reaction)) => reaction.users.push(reactor),
            None => all.push((
                seq,
                Reaction {
                    emoji,
                    users: vec![reactor],
                },
            )),
        }
    }
    Ok(all)
}
