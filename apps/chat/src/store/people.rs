//! Users and their sessions.

use rusqlite::{Connection, OptionalExtension, params};

use crate::limits;
use crate::words::User;

/// How a login ended.
#[derive(Debug)]
pub(crate) enum Login {
    /// The session was stored.
    Done,
    /// There are [`limits::USERS`] users already.
    TooManyUsers,
}

/// Stores the user and a session under `token`; of more than [`limits::SESSIONS_PER_USER`] the
/// oldest end, and so does every session whose time is over.
pub(crate) fn log_in(
    connection: &mut Connection,
    user: &User,
    token: &str,
    now_ms: i64,
) -> rusqlite::Result<Login> {
    let transaction = connection.transaction()?;
    if !enter(&transaction, user)? {
        return Ok(Login::TooManyUsers);
    }
    let ttl = i64::try_from(limits::SESSION_TTL.as_millis()).unwrap_or(i64::MAX);
    transaction.execute("DELETE FROM sessions WHERE expires_ms <= ?1", [now_ms])?;
    transaction.execute(
        "DELETE FROM sessions WHERE token IN (
            SELECT token FROM sessions WHERE user_id = ?1 ORDER BY expires_ms DESC LIMIT -1 OFFSET ?2)",
        params![user.id, limits::SESSIONS_PER_USER - 1],
    )?;
    transaction.execute(
        "INSERT INTO sessions (token, user_id, expires_ms) VALUES (?1, ?2, ?3)",
        params![token, user.id, now_ms.saturating_add(ttl)],
    )?;
    transaction.commit()?;
    Ok(Login::Done)
}

/// Makes sure that the user exists, under the name typed last; `false` when there is no place.
pub(crate) fn enter(connection: &Connection, user: &User) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE users SET name = ?2 WHERE id = ?1",
        params![user.id, user.name],
    )?;
    if changed == 0 {
        let count: u32 =
            connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?;
        if count >= limits::USERS {
            return Ok(false);
        }
        connection.execute(
            "INSERT INTO users (id, name) VALUES (?1, ?2)",
            params![user.id, user.name],
        )?;
    }
    Ok(true)
}

/// Ends a session; one that does not exist is ended already.
pub(crate) fn log_out(connection: &mut Connection, token: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE token = ?1", [token])?;
    Ok(())
}

/// Whose session it is, if it is one and its time is not over.
pub(crate) fn session(
    connection: &mut Connection,
    token: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(
            "SELECT users.id, users.name FROM sessions JOIN users ON users.id = sessions.user_id
             WHERE token = ?1 AND expires_ms > ?2",
        )?
        .query_row(params![token, now_ms], |row| {
            Ok(User {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        })
        .optional()
}
