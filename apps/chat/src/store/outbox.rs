//! What is stored and not yet published: rows that leave when the server has taken them.

use rusqlite::{Connection, params};

/// One publication that waits for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its place in the queue; given by the database, any value in a row to be added.
    pub(crate) position: i64,
    /// Whose queue it stands in.
    pub(crate) room: String,
    /// The idempotency key: the message id.
    pub(crate) key: String,
    /// Where it is published; names of the chat's channels have no spaces.
    pub(crate) channels: Vec<String>,
    /// The event name that clients of the plain dialect see, a tag elsewhere.
    pub(crate) event: String,
    /// The payload, as JSON.
    pub(crate) data: String,
}

/// Adds a row; meant for the transaction that stores what the row tells of.
pub(crate) fn add(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (room_id, key, channel, event, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            row.room,
            row.key,
            row.channels.join(" "),
            row.event,
            row.data
        ])?;
    Ok(())
}

/// How many rows of a room wait.
pub(crate) fn count(connection: &Connection, room: &str) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM outbox WHERE room_id = ?1")?
        .query_row([room], |row| row.get(0))
}

/// The rooms that have rows waiting.
pub(crate) fn rooms(connection: &mut Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT DISTINCT room_id FROM outbox")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// The first `limit` rows of a room, in their order.
pub(crate) fn first(
    connection: &mut Connection,
    room: &str,
    limit: u32,
) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(
        "SELECT position, room_id, key, channel, event, data FROM outbox
         WHERE room_id = ?1 ORDER BY position LIMIT ?2",
    )?;
    let rows = statement.query_map(params![room, limit], |row| {
        let channels: String = row.get(3)?;
        Ok(Row {
            position: row.get(0)?,
            room: row.get(1)?,
            key: row.get(2)?,
            channels: channels.split(' ').map(str::to_owned).collect(),
            event: row.get(4)?,
            data: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// Deletes the rows of a room up to and including `position`: the server has taken them.
pub(crate) fn remove(
    connection: &mut Connection,
    room: &str,
    position: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE room_id = ?1 AND position <= ?2")?
        .execute(params![room, position])?;
    Ok(())
}
