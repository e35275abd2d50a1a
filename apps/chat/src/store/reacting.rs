//! Giving a reaction, and taking it back.

use rusqlite::{Connection, TransactionBehavior, params};

use super::changes::{self, Changed};
use super::people::{self, Entry};
use crate::limits;
use crate::words::{RoomId, User};

/// Gives a reaction, or takes it back. Doing it twice is doing it once.
pub(crate) fn set(
    connection: &mut Connection,
    room: &RoomId,
    seq: i64,
    user: &User,
    emoji: &str,
    given: bool,
) -> rusqlite::Result<Changed> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let room = room.as_str();
    let (message, access) = match changes::changeable(&transaction, room, seq, user)? {
        Ok(found) => found,
        Err(refused) => return Ok(refused),
    };
    match people::enter(&transaction, user)? {
        Entry::Done => {}
        entry => return Ok(Changed::NoEntry(entry)),
    }
    let changed = if given {
        let all: usize = message.reactions.iter().map(|one| one.users.len()).sum();
        let is_new = !message.reactions.iter().any(|one| one.emoji == emoji);
        let kinds = message.reactions.len() + usize::from(is_new);
        let has = message
            .reactions
            .iter()
            .any(|one| one.emoji == emoji && one.users.iter().any(|reactor| reactor.id == user.id));
        if !has && (all >= limits::REACTIONS as usize || kinds > limits::REACTION_KINDS as usize) {
            return Ok(Changed::TooManyReactions);
        }
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO reactions (room_id, seq, emoji, user_id) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![room, seq, emoji, user.id])?
    } else {
        transaction
            .prepare_cached(
                "DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2 AND emoji = ?3 AND user_id = ?4",
            )?
            .execute(params![room, seq, emoji, user.id])?
    };
    if changed == 0 {
        return Ok(Changed::Same(message));
    }
    let message = changes::publish(&transaction, &access, room, seq)?;
    transaction.commit()?;
    Ok(message.map_or(Changed::NoMessage, Changed::Done))
}
