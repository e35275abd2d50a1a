//! The channels the chat uses, and the namespaces it needs of the server.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The channel where it is said that a room exists or has a new message: everybody listens here.
pub(crate) const LOBBY: &str = "lobby:all";

/// The channels of a room that everybody may listen to: its messages, with history, recovery, presence, joins and
/// leaves; and who is typing.
pub(crate) fn public(id: &str) -> [String; 2] {
    [format!("room:{id}"), format!("typing:{id}")]
}

/// The same of a room for members only: a client needs a token for each. The generation changes when a member goes.
pub(crate) fn private(id: &str, generation: i64) -> [String; 2] {
    [
        format!("private:{id}.{generation}"),
        format!("private-typing:{id}.{generation}"),
    ]
}

/// The channel that one user's connections are subscribed to by their tokens, and nobody else.
///
/// A digest stands for the user: an id may hold letters that have a meaning in channel names.
pub(crate) fn personal(user: &str) -> String {
    let digest = format!("{:x}", Sha256::digest(user));
    format!("me:{}", digest.get(..32).unwrap_or(&digest))
}

/// The namespaces of the chat, as an array of objects for the configuration key
/// `channel.namespaces` (Centrifugo's spelling).
///
/// - `room:<id>`: publications come from the chat alone, by the HTTP API; a logged-in client
///   subscribes, reads history and presence, and recovers what it missed. History holds 1000
///   publications for 24 hours: enough for a lost connection; the rest is in the chat's database.
/// - `private:<id>.<generation>`: the same for members only, whom the chat gives subscription tokens.
/// - `private-typing:<id>.<generation>`: who types there; with tokens, too.
/// - `typing:<id>`: clients publish here themselves; nothing is kept.
/// - `lobby:all`: notices about rooms, for lists and unread counters; nothing is kept.
/// - `me:<digest>`: what a user's other devices should know at once; connection tokens subscribe to
///   it, clients cannot.
#[must_use]
pub fn namespaces() -> Value {
    json!([
        {
            "name": "room",
            "presence": true,
            "join_leave": true,
            "history_size": 1000,
            "history_ttl": "24h",
            "force_recovery": true,
            "allow_subscribe_for_client": true,
            "allow_presence_for_subscriber": true,
            "allow_history_for_subscriber": true
        },
        {
            "name": "private",
            "presence": true,
            "join_leave": true,
            "history_size": 1000,
            "history_ttl": "24h",
            "force_recovery": true,
            "allow_presence_for_subscriber": true,
            "allow_history_for_subscriber": true
        },
        { "name": "private-typing", "allow_publish_for_subscriber": true },
        {
            "name": "typing",
            "allow_subscribe_for_client": true,
            "allow_publish_for_subscriber": true
        },
        { "name": "lobby", "allow_subscribe_for_client": true },
        { "name": "me" }
    ])
}
