//! Users: their names, and who a name belongs to.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::digest::digest;
use super::reads;
use crate::limits;
use crate::words::User;

/// How it ended when somebody came in under a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The user exists, under the name typed last.
    Done,
    /// There are [`limits::USERS`] users already.
    NoPlace,
    /// The name belongs to the browser that chose it, and this is another one.
    Taken,
    /// The name has a password.
    Registered,
    /// The name is not another's but looks like this one's.
    LooksLike(String),
}

/// Makes sure that the user exists, under the name typed last.
pub(crate) fn enter(connection: &Connection, user: &User) -> rusqlite::Result<Entry> {
    let known: Option<String> = connection
        .prepare_cached("SELECT name FROM users WHERE id = ?1")?
        .query_row([&user.id], |row| row.get(0))
        .optional()?;
    if known.as_ref() == Some(&user.name) {
        return Ok(Entry::Done);
    }
    if let Some(other) = look_alike(connection, user)? {
        return Ok(Entry::LooksLike(other));
    }
    if known.is_some() {
        connection.execute(
            "UPDATE users SET name = ?2 WHERE id = ?1",
            params![user.id, user.name],
        )?;
    } else {
        let count: u32 =
            connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0))?;
        if count >= limits::USERS {
            return Ok(Entry::NoPlace);
        }
        connection.execute(
            "INSERT INTO users (id, name) VALUES (?1, ?2)",
            params![user.id, user.name],
        )?;
        reads::begin(connection, &user.id)?;
    }
    remember_looks(connection, user)?;
    Ok(Entry::Done)
}

/// The same for whoever logs in with the key of a browser, which from then on owns the name.
pub(crate) fn enter_with_key(
    connection: &Connection,
    user: &User,
    key: Option<&str>,
) -> rusqlite::Result<Entry> {
    if password_of(connection, &user.id)?.is_some() {
        return Ok(Entry::Registered);
    }
    let owner = owner(connection, &user.id)?;
    let key = key.map(digest);
    if owner.is_some() && owner != key {
        return Ok(Entry::Taken);
    }
    let entry = enter(connection, user)?;
    if entry == Entry::Done && owner.is_none() && key.is_some() {
        connection.execute(
            "UPDATE users SET key_hash = ?2 WHERE id = ?1",
            params![user.id, key],
        )?;
    }
    Ok(entry)
}

/// Whether the name belongs to somebody, by a browser's key or by a password, so that saying it is not enough.
pub(crate) fn is_owned(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    Ok(owner(connection, id)?.is_some() || password_of(connection, id)?.is_some())
}

/// The hash of the user's password, if there is one.
pub(crate) fn password_of(connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    let hash: Option<Option<String>> = connection
        .prepare_cached("SELECT password_hash FROM users WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(hash.flatten())
}

/// Gives the name a password; the key of the browser that had chosen it opens nothing any more.
pub(crate) fn set_password(connection: &Connection, id: &str, hash: &str) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE users SET password_hash = ?2, key_hash = NULL WHERE id = ?1",
        params![id, hash],
    )?;
    Ok(())
}

fn owner(connection: &Connection, id: &str) -> rusqlite::Result<Option<String>> {
    let owner: Option<Option<String>> = connection
        .prepare_cached("SELECT key_hash FROM users WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(owner.flatten())
}

/// Somebody whom others can find.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Users whose names begin with these letters, or have a word that does; at most [`limits::PEOPLE_FOUND`].
pub(crate) fn find(connection: &mut Connection, letters: &str) -> rusqlite::Result<Vec<Person>> {
    let letters = letters.to_lowercase();
    let escaped: String = letters
        .chars()
        .flat_map(|c| {
            let sign = matches!(c, '%' | '_' | '!').then_some('!');
            sign.into_iter().chain([c])
        })
        .collect();
    let mut statement = connection.prepare_cached(
        "SELECT id, name FROM users WHERE id LIKE ?1 ESCAPE '!' OR id LIKE ?2 ESCAPE '!'
         ORDER BY id LIKE ?1 ESCAPE '!' DESC, id LIMIT ?3",
    )?;
    let found = statement.query_map(
        params![
            format!("{escaped}%"),
            format!("% {escaped}%"),
            limits::PEOPLE_FOUND
        ],
        |row| {
            Ok(Person {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        },
    )?;
    found.collect()
}

/// The name of another user that this one could be taken for.
fn look_alike(connection: &Connection, user: &User) -> rusqlite::Result<Option<String>> {
    let [lower, shown] = user.looks();
    connection
        .query_row(
            "SELECT users.name FROM looks JOIN users ON users.id = looks.user_id
             WHERE looks.look IN (?1, ?2) AND looks.user_id <> ?3 LIMIT 1",
            params![lower, shown, user.id],
            |row| row.get(0),
        )
        .optional()
}

/// Stores how the user's name looks.
pub(super) fn remember_looks(connection: &Connection, user: &User) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM looks WHERE user_id = ?1", [&user.id])?;
    for look in user.looks() {
        connection.execute(
            "INSERT OR IGNORE INTO looks (look, user_id) VALUES (?1, ?2)",
            params![look, user.id],
        )?;
    }
    Ok(())
}
