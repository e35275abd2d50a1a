//! Sessions: a login begins one, a logout or time ends it.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::digest::digest;
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

/// Who begins a session, and from where.
#[derive(Debug)]
pub(crate) struct Begin<'a> {
    pub(crate) user: &'a User,
    /// The session's token, just made.
    pub(crate) token: &'a str,
    /// What the browser says it is.
    pub(crate) agent: &'a str,
}

/// What shows that somebody may come in under a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Proof<'a> {
    /// The key of the browser, which owns the name from the first time on; or nothing.
    Key(Option<&'a str>),
    /// The password was right when this was its hash.
    Password(&'a str),
    /// The name shall have a password, of this hash; it must be free, or the browser's by this key.
    Registration { hash: &'a str, key: Option<&'a str> },
}

/// Stores the user and a session; of more than [`limits::SESSIONS_PER_USER`] the oldest end, and so does every session
/// whose time is over.
pub(crate) fn log_in(
    connection: &mut Connection,
    begin: &Begin<'_>,
    proof: Proof<'_>,
    now_ms: i64,
) -> rusqlite::Result<Login> {
    let transaction = connection.transaction()?;
    let user = begin.user;
    let entry = match proof {
        Proof::Key(key) => people::enter_with_key(&transaction, user, key)?,
        // It may have been changed while it was looked at.
        Proof::Password(hash) => {
            if people::password_of(&transaction, &user.id)?.as_deref() == Some(hash) {
                people::enter(&transaction, user)?
            } else {
                Entry::Registered
            }
        }
        Proof::Registration { hash, key } => {
            let entry = people::enter_with_key(&transaction, user, key)?;
            if entry == Entry::Done {
                people::set_password(&transaction, &user.id, hash)?;
            }
            entry
        }
    };
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
        "INSERT INTO sessions (token_hash, user_id, expires_ms, created_ms, seen_ms, agent)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
        params![
            digest(begin.token),
            user.id,
            now_ms.saturating_add(ttl),
            now_ms,
            begin.agent
        ],
    )?;
    transaction.commit()?;
    Ok(Login::Done(ended.iter().map(|hash| id_of(hash)).collect()))
}

/// A session, as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    /// What the browser said it is.
    pub(crate) agent: String,
    /// In milliseconds since 1970; 0 for sessions of older versions.
    pub(crate) created: i64,
    /// When it was used last, as exactly as [`limits::SEEN_EVERY`].
    pub(crate) seen: i64,
}

/// The sessions of a user, the one used last first.
pub(crate) fn list(
    connection: &mut Connection,
    user: &str,
    now_ms: i64,
) -> rusqlite::Result<Vec<Device>> {
    let mut statement = connection.prepare_cached(
        "SELECT token_hash, agent, created_ms, seen_ms FROM sessions
         WHERE user_id = ?1 AND expires_ms > ?2 ORDER BY seen_ms DESC, token_hash",
    )?;
    let devices = statement.query_map(params![user, now_ms], |row| {
        Ok(Device {
            id: id_of(&row.get::<_, String>(0)?),
            agent: row.get(1)?,
            created: row.get(2)?,
            seen: row.get(3)?,
        })
    })?;
    devices.collect()
}

/// Ends one session of a user, by its id, or, without one, all but `kept`; gives the ids of those that ended.
pub(crate) fn end(
    connection: &Connection,
    user: &str,
    session: Option<&str>,
    kept: Option<&str>,
) -> rusqlite::Result<Vec<String>> {
    let ended = connection
        .prepare_cached(
            "DELETE FROM sessions WHERE user_id = ?1
             AND (?2 IS NULL OR substr(token_hash, 1, 16) = ?2)
             AND (?3 IS NULL OR substr(token_hash, 1, 16) <> ?3)
             RETURNING token_hash",
        )?
        .query_map(params![user, session, kept], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(ended.iter().map(|hash| id_of(hash)).collect())
}

/// Changes the password of a user, whose hash was `before` when the old one was looked at, and ends all sessions but
/// `kept`; `None` if the hash is another by now.
pub(crate) fn change_password(
    connection: &mut Connection,
    user: &str,
    before: Option<&str>,
    hash: &str,
    kept: &str,
) -> rusqlite::Result<Option<Vec<String>>> {
    let transaction = connection.transaction()?;
    if people::password_of(&transaction, user)?.as_deref() != before {
        return Ok(None);
    }
    people::set_password(&transaction, user, hash)?;
    let ended = end(&transaction, user, None, Some(kept))?;
    transaction.commit()?;
    Ok(Some(ended))
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

/// Whose session it is, if it is one and its time is not over; and that it is in use.
pub(crate) fn find(
    connection: &mut Connection,
    token: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<User>> {
    let hash = digest(token);
    let every = i64::try_from(limits::SEEN_EVERY.as_millis()).unwrap_or(i64::MAX);
    connection
        .prepare_cached("UPDATE sessions SET seen_ms = ?2 WHERE token_hash = ?1 AND seen_ms <= ?3")?
        .execute(params![hash, now_ms, now_ms.saturating_sub(every)])?;
    connection
        .prepare_cached(
            "SELECT users.id, users.name FROM sessions JOIN users ON users.id = sessions.user_id
             WHERE token_hash = ?1 AND expires_ms > ?2",
        )?
        .query_row(params![hash, now_ms], |row| {
            Ok(User {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    fn begin(
        db: &mut Connection,
        user: &User,
        token: &str,
        now_ms: i64,
    ) -> rusqlite::Result<Login> {
        let agent = "a browser";
        log_in(db, &Begin { user, token, agent }, Proof::Key(None), now_ms)
    }

    #[test]
    fn a_session_lasts_as_long_as_the_limit_says_and_no_longer() {
        let mut db = Connection::open_in_memory().expect("a database");
        schema::migrations().to_latest(&mut db).expect("a schema");
        let anna = User::parse("Anna").expect("a name");
        begin(&mut db, &anna, "token", 1_000).expect("an answer");
        let end = 1_000 + i64::try_from(limits::SESSION_TTL.as_millis()).expect("small");
        let at = |db: &mut Connection, now| find(db, "token", now).expect("an answer");
        assert_eq!(at(&mut db, 1_000), Some(anna.clone()));
        assert_eq!(at(&mut db, end - 1), Some(anna.clone()));
        assert_eq!(at(&mut db, end), None);

        // The next login, of anybody, forgets it.
        let boris = User::parse("Boris").expect("a name");
        begin(&mut db, &boris, "other", end).expect("an answer");
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
        begin(&mut db, &anna, "token", 0).expect("an answer");
        assert_eq!(find(&mut db, &digest("token"), 1).expect("an answer"), None);
        log_out(&mut db, "token").expect("an answer");
        assert_eq!(find(&mut db, "token", 1).expect("an answer"), None);
    }
}
