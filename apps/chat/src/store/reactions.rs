//! Reactions to messages: an emoji, once from each user.

use rusqlite::{Connection, params};
use serde::Serialize;

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
