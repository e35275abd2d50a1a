//! Who may do what in a room, and where it is published.

use rusqlite::{Connection, OptionalExtension, Row as SqlRow, types::FromSql};
use serde::{Deserialize, Serialize};

use crate::channels;

/// Who can come into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Everybody.
    Public,
    /// Its members.
    Private,
    /// Two people.
    Direct,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Everything.
    Owner,
    /// Deletes messages, removes members, renames, invites by link.
    Moderator,
    /// Writes, and invites by name.
    Member,
}

impl Kind {
    /// As it stands in the database.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }
}

impl Role {
    /// As it stands in the database.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Moderator => "moderator",
            Self::Member => "member",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Owner, Self::Moderator, Self::Member]
            .into_iter()
            .find(|role| role.word() == word)
    }
}

impl FromSql for Kind {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        Ok(match value.as_str()? {
            "public" => Self::Public,
            "direct" => Self::Direct,
            // What is not known is open to nobody but members.
            _ => Self::Private,
        })
    }
}

/// What one user may do in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) kind: Kind,
    /// A part of the channel of a room for members only.
    pub(crate) generation: i64,
    pub(crate) archived: bool,
    /// `None` for a visitor of a public room.
    pub(crate) role: Option<Role>,
}

impl Access {
    /// Whether the user keeps order in the room.
    pub(crate) fn moderates(&self) -> bool {
        matches!(self.role, Some(Role::Owner | Role::Moderator))
    }

    /// Whether the room is the user's.
    pub(crate) fn owns(&self) -> bool {
        self.role == Some(Role::Owner)
    }

    /// The channels of the room's messages and of who is typing.
    pub(crate) fn channels(&self, room: &str) -> [String; 2] {
        channels_of(self.kind, room, self.generation)
    }

    /// The channels in which news of the room reach every list that shows it.
    pub(crate) fn audience(
        &self,
        connection: &Connection,
        room: &str,
    ) -> rusqlite::Result<Vec<String>> {
        if self.kind == Kind::Public {
            return Ok(vec![channels::LOBBY.to_owned()]);
        }
        connection
            .prepare_cached("SELECT user_id FROM members WHERE room_id = ?1")?
            .query_map([room], |row| {
                Ok(channels::personal(&row.get::<_, String>(0)?))
            })?
            .collect()
    }
}

/// The channels of a room's messages and of who is typing in it.
pub(crate) fn channels_of(kind: Kind, room: &str, generation: i64) -> [String; 2] {
    match kind {
        Kind::Public => channels::public(room),
        Kind::Private | Kind::Direct => channels::private(room, generation),
    }
}

/// What a user may do in a room; `None` if there is no such room, or none that the user may know of.
pub(crate) fn of(
    connection: &Connection,
    room: &str,
    user: &str,
) -> rusqlite::Result<Option<Access>> {
    let access = connection
        .prepare_cached(
            "SELECT kind, generation, archived_ms IS NOT NULL, role FROM rooms
             LEFT JOIN members ON members.room_id = rooms.id AND members.user_id = ?2
             WHERE rooms.id = ?1",
        )?
        .query_row([room, user], |row| {
            Ok(Access {
                kind: row.get(0)?,
                generation: row.get(1)?,
                archived: row.get(2)?,
                role: role(row, 3)?,
            })
        })
        .optional()?;
    Ok(access.filter(|access| access.kind == Kind::Public || access.role.is_some()))
}

/// The role in a column; what is there for somebody who has left a public room is none.
pub(super) fn role(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Option<Role>> {
    let word: Option<String> = row.get(column)?;
    Ok(word.as_deref().and_then(Role::of_word))
}
