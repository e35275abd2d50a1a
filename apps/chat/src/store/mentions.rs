//! Who is mentioned in a message: users whose names stand behind an `@` in its text.

use rusqlite::{Connection, OptionalExtension, params};

use crate::limits;
use crate::words;

/// The users that a text mentions; `None` if they are more than [`limits::MENTIONS`].
pub(super) fn find(connection: &Connection, text: &str) -> rusqlite::Result<Option<Vec<String>>> {
    let mut exists = connection.prepare_cached("SELECT id FROM users WHERE id = ?1")?;
    let mut found: Vec<String> = Vec::new();
    for names in words::mention_candidates(text) {
        for name in names {
            let user: Option<String> = exists.query_row([&name], |row| row.get(0)).optional()?;
            let Some(user) = user else { continue };
            if !found.contains(&user) {
                found.push(user);
            }
            break;
        }
        if found.len() > limits::MENTIONS {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

/// Replaces what is stored of the mentions in a message.
pub(super) fn store(
    connection: &Connection,
    room: &str,
    seq: i64,
    users: &[String],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM mentions WHERE room_id = ?1 AND seq = ?2")?
        .execute(params![room, seq])?;
    for user in users {
        connection
            .prepare_cached("INSERT INTO mentions (room_id, seq, user_id) VALUES (?1, ?2, ?3)")?
            .execute(params![room, seq, user])?;
    }
    Ok(())
}

/// The mentions in the messages of a room from one `seq` to another: pairs of `seq` and user.
pub(super) fn between(
    connection: &Connection,
    room: &str,
    from: i64,
    to: i64,
) -> rusqlite::Result<Vec<(i64, String)>> {
    connection
        .prepare_cached(
            "SELECT seq, user_id FROM mentions WHERE room_id = ?1 AND seq BETWEEN ?2 AND ?3",
        )?
        .query_map(params![room, from, to], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

/// How often a user is mentioned in unread messages. It stands in a query over `rooms` and `reads`,
/// where `?1` is the user.
pub(super) const UNREAD: &str = "(
    SELECT count(*) FROM mentions WHERE mentions.user_id = ?1 AND mentions.room_id = rooms.id
    AND mentions.seq > COALESCE(reads.seq, 0))";
