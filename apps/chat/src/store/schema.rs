//! The schema of the database, step by step.

use rusqlite::{Transaction, params};
use rusqlite_migration::{HookResult, M, Migrations};

use super::digest::digest;
use super::people;
use crate::words::User;

/// All steps, oldest first. Steps are only ever added: databases of earlier versions stand at each of them.
pub(super) fn migrations() -> Migrations<'static> {
    Migrations::new(vec![
        M::up(FIRST),
        // The column now holds a digest, and the sessions that exist go on.
        M::up_with_hook(
            "ALTER TABLE sessions RENAME COLUMN token TO token_hash",
            hash_tokens,
        ),
        M::up(READING),
        M::up(ROOMS_THAT_END),
        M::up_with_hook(NAMES_WITH_OWNERS, remember_all_looks),
        M::up(MESSAGES_THAT_CHANGE),
        M::up(ROOMS_WITH_MEMBERS),
        M::up(PASSWORDS),
    ])
}

/// Replaces the tokens that were stored as they are by their digests.
fn hash_tokens(transaction: &Transaction<'_>) -> HookResult {
    let tokens = transaction
        .prepare("SELECT token_hash FROM sessions")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let mut update =
        transaction.prepare("UPDATE sessions SET token_hash = ?2 WHERE token_hash = ?1")?;
    for token in tokens {
        update.execute(params![token, digest(&token)])?;
    }
    Ok(())
}

/// Stores how the names look that are there already.
fn remember_all_looks(transaction: &Transaction<'_>) -> HookResult {
    let users = transaction
        .prepare("SELECT id, name FROM users")?
        .query_map([], |row| {
            Ok(User {
                id: row.get(0)?,
                name: row.get(1)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<User>>>()?;
    for user in &users {
        people::remember_looks(transaction, user)?;
    }
    Ok(())
}

const FIRST: &str = "
    CREATE TABLE users (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE sessions (
        token TEXT PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id),
        expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_user ON sessions (user_id, expires_ms);

    CREATE TABLE rooms (
        id TEXT PRIMARY KEY,
        title TEXT NOT NULL,
        -- The seq of the room's latest message; 0 in an empty room.
        top INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    INSERT INTO rooms (id, title) VALUES ('general', 'General');

    CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        room_id TEXT NOT NULL REFERENCES rooms (id),
        seq INTEGER NOT NULL,
        user_id TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        time_ms INTEGER NOT NULL,
        UNIQUE (room_id, seq)
    ) STRICT;

    -- What is stored and not yet published. Rows of a room leave in the order of their position.
    CREATE TABLE outbox (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id TEXT NOT NULL,
        key TEXT NOT NULL,
        channel TEXT NOT NULL,
        event TEXT NOT NULL,
        data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX outbox_by_room ON outbox (room_id, position);";

const READING: &str = "
    -- Names this database: a page that knew another one forgets what it kept of it.
    CREATE TABLE house (id TEXT NOT NULL) STRICT;
    INSERT INTO house (id) VALUES (lower(hex(randomblob(16))));

    CREATE TABLE reads (
        user_id TEXT NOT NULL,
        room_id TEXT NOT NULL,
        -- Everything up to this seq was read.
        seq INTEGER NOT NULL,
        PRIMARY KEY (user_id, room_id)
    ) STRICT, WITHOUT ROWID;
    -- Until now each browser kept its own marks: for those who are here nothing becomes unread.
    INSERT INTO reads (user_id, room_id, seq)
        SELECT DISTINCT sessions.user_id, rooms.id, rooms.top FROM sessions, rooms;
    CREATE INDEX messages_by_author ON messages (room_id, user_id, seq);";

const ROOMS_THAT_END: &str = "
    ALTER TABLE rooms ADD COLUMN creator TEXT;
    -- Ids that no new room gets.
    CREATE TABLE deleted_rooms (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;";

const NAMES_WITH_OWNERS: &str = "
    -- The digest of the key of the browser that chose the name; nobody's, until one did.
    ALTER TABLE users ADD COLUMN key_hash TEXT;
    -- How a name looks: two names with a common look can be taken for each other.
    CREATE TABLE looks (
        look TEXT NOT NULL,
        user_id TEXT NOT NULL,
        PRIMARY KEY (look, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX looks_by_user ON looks (user_id);";

const MESSAGES_THAT_CHANGE: &str = "
    -- Grows with every message and every change of one; a message carries the value of its last change.
    ALTER TABLE rooms ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN edited_ms INTEGER;
    -- A deleted message keeps its seq and its author, and nothing else.
    ALTER TABLE messages ADD COLUMN deleted_ms INTEGER;
    ALTER TABLE messages ADD COLUMN reply_to INTEGER;
    CREATE INDEX messages_by_reply ON messages (room_id, reply_to) WHERE reply_to IS NOT NULL;
    CREATE INDEX messages_deleted ON messages (room_id, seq) WHERE deleted_ms IS NOT NULL;

    CREATE TABLE reactions (
        -- The order in which they were given.
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        room_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        emoji TEXT NOT NULL,
        user_id TEXT NOT NULL,
        UNIQUE (room_id, seq, emoji, user_id)
    ) STRICT;

    CREATE TABLE mentions (
        room_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        user_id TEXT NOT NULL,
        PRIMARY KEY (room_id, seq, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX mentions_by_user ON mentions (user_id, room_id, seq);";

const ROOMS_WITH_MEMBERS: &str = "
    -- 'public', 'private' or 'direct'.
    ALTER TABLE rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'public';
    ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT '';
    ALTER TABLE rooms ADD COLUMN archived_ms INTEGER;
    -- A part of a private room's channel: who is removed knows none that is still used.
    ALTER TABLE rooms ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;

    CREATE TABLE members (
        room_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        -- 'owner', 'moderator', 'member'; in public rooms, where nobody has to be a member, also 'left'.
        role TEXT NOT NULL,
        joined_ms INTEGER NOT NULL,
        PRIMARY KEY (room_id, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_by_user ON members (user_id);
    INSERT INTO members (room_id, user_id, role, joined_ms)
        SELECT id, creator, 'owner', 0 FROM rooms WHERE creator IS NOT NULL;

    CREATE TABLE invites (
        token TEXT PRIMARY KEY,
        room_id TEXT NOT NULL UNIQUE,
        user_id TEXT NOT NULL,
        expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;";

const PASSWORDS: &str = "
    -- In the form of the PHC string format; a name with a password needs no key of a browser.
    ALTER TABLE users ADD COLUMN password_hash TEXT;
    ALTER TABLE sessions ADD COLUMN created_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN seen_ms INTEGER NOT NULL DEFAULT 0;
    -- What the browser said it is.
    ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';";

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::sessions;

    #[test]
    fn the_migrations_are_valid() {
        assert!(migrations().validate().is_ok());
    }

    #[test]
    fn a_session_of_an_older_database_goes_on_and_its_token_is_kept_no_more() {
        let mut db = Connection::open_in_memory().expect("a database");
        migrations().to_version(&mut db, 1).expect("version 1");
        db.execute_batch(
            "INSERT INTO users VALUES ('anna', 'Anna');
             INSERT INTO sessions VALUES ('the token', 'anna', 1000);",
        )
        .expect("inserted");
        migrations().to_latest(&mut db).expect("the latest version");
        let anna = User::parse("Anna").expect("a name");
        let found = sessions::find(&mut db, "the token", 999).expect("an answer");
        assert_eq!(found, Some(anna));
        let kept: String = db
            .query_row("SELECT token_hash FROM sessions", [], |row| row.get(0))
            .expect("one row");
        assert_ne!(kept, "the token");
    }
}
