//! The database's own name.

use rusqlite::Connection;

/// What names this database: another one, or this one begun anew, has another id.
pub(crate) fn id(connection: &mut Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT id FROM house", [], |row| row.get(0))
}
