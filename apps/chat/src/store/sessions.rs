//! Sessions: a login begins one, a logout or time ends it.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::people::{self, Entry};
use crate::limits;
use crate::words::User;

/// How a login ended.
#[derive(Debug)]
pub(crate) enum Login {
    /// The session was stored. Others of the user's ended to make place for it: their ids.
    Done(Vec<String>),
    /// It was not: why.
    Refused(Entry),
}

/// Stores the user, whose name belongs to the browser with this key, and a session under `token`; of more than [`limits::SESSIONS_PER_USER`] the
/// oldest end, and so does every session whose time is over.
pub(crate) fn log_in(
    connection: &mut Connection,
    user: &User,
    key: Option<&str>,
    token: &str,
    now_ms: i64,
) -> rusqlite::Result<Login> {
    let transaction = connection.transaction()?;
    let entry = people::enter_with_key(&transaction, user, key)?;
    if entry != Entry::Done {
        return Ok(Login::Refused(entry));
    }
    let ttl = i64::try_from(limits::SESSION_TTL.as_millis()).unwrap_or(i64::MAX);
    transaction.execute("DELETE FROM sessions WHERE expires_ms <= ?1", [now_ms])?;
    let ended = transaction
        .prepare(
            "DELETE FROM sessions WHERE token_hash IN (
                SELECT token_hash FROM sessions WHERE user_id = ?1
                ORDER BY expires_ms DESC LIMIT -1 OFFSET ?2)
             RETURNING token_hash",
        )?
        .query_map(params![user.id, limits::SESSIONS_PER_USER - 1], |row| {
            row.get(0)
        })?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    transaction.execute(
        "INSERT INTO sessions (token_hash, user_id, expires_ms) VALUES (?1, ?2, ?3)",
        params![digest(token), user.id, now_ms.saturating_add(ttl)],
    )?;
    transaction.commit()?;
    Ok(Login::Done(ended.iter().map(|hash| id_of(hash)).collect()))
}

/// Ends a session, and gives the id of its user; one that does not exist is ended already.
pub(crate) fn log_out(
    connection: &mut Connection,
    token: &str,
) -> rusqlite::Result<Option<String>> {
    connection
        .query_row(
            "DELETE FROM sessions WHERE token_hash = ?1 RETURNING user_id",
            [digest(token)],
            |row| row.get(0),
        )
        .optional()
}

/// The name of a session, which its user's devices may know: it gives no access.
pub(crate) fn id(token: &str) -> String {
    id_of(&digest(token))
}

fn id_of(hash: &str) -> String {
    hash.get(..16).unwrap_or(hash).to_owned()
}

/// Whose session it is, if it is one and its time is not over.
pub(crate) fn find(
    connection: &mut Connection,
    token: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(
            "SELECT users.id, users.name FROM sessions JOIN users ON users.id = sessions.user_id
             WHERE token_hash = ?1 AND expires_ms > ?2",
        )?
        .query_row(params![digest(token), now_ms], |row| {
            Ok(User {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        })
        .optional()
}

/// What is stored of a token: its SHA-256 in hexadecimal digits.
///
/// Whoever reads the database cannot log in with it. Tokens have 244 random bits, so that a slow
/// hash, as passwords need it, would protect nothing more.
pub(crate) fn digest(token: &str) -> String {
    format!("{:x}", Sha256::digest(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    #[test]
    fn a_session_lasts_as_long_as_the_limit_says_and_no_longer() {
        let mut db = Connection::open_in_memory().expect("a database");
        schema::migrations().to_latest(&mut db).expect("a schema");
        let anna = User::parse("Anna").expect("a name");
        log_in(&mut db, &anna, None, "token", 1_000).expect("an answer");
        let end = 1_000 + i64::try_from(limits::SESSION_TTL.as_millis()).expect("small");
        let at = |db: &mut Connection, now| find(db, "token", now).expect("an answer");
        assert_eq!(at(&mut db, 1_000), Some(anna.clone()));
        assert_eq!(at(&mut db, end - 1), Some(anna.clone()));
        assert_eq!(at(&mut db, end), None);

        // The next login, of anybody, forgets it.
        let boris = User::parse("Boris").expect("a name");
        log_in(&mut db, &boris, None, "other", end).expect("an answer");
        let count: u32 = db
            .query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))
            .expect("a count");
        assert_eq!(count, 1);
    }

    #[test]
    fn a_token_is_known_by_itself_only_and_not_by_what_is_stored() {
        let mut db = Connection::open_in_memory().expect("a database");
        schema::migrations().to_latest(&mut db).expect("a schema");
        let anna = User::parse("Anna").expect("a name");
        log_in(&mut db, &anna, None, "token", 0).expect("an answer");
        assert_eq!(find(&mut db, &digest("token"), 1).expect("an answer"), None);
        log_out(&mut db, "token").expect("an answer");
        assert_eq!(find(&mut db, "token", 1).expect("an answer"), None);
    }
}
