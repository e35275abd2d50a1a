//! Users.

use rusqlite::{Connection, params};

use crate::limits;
use crate::words::User;

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
