//! Connection tokens: what a logged-in user shows to the server.

use crate::limits;
use crate::words::User;
use serde_json::json;

/// A token for `user`, valid from `now_ms` for [`limits::CONNECTION_TOKEN_TTL`]: `sub` is the
/// user's id, `info` carries the name to everybody who sees the user in a channel.
pub(crate) fn connection_token(secret: &str, user: &User, now_ms: i64) -> Option<String> {
    let ttl = i64::try_from(limits::CONNECTION_TOKEN_TTL.as_secs()).unwrap_or(i64::MAX);
    let claims = json!({
        "sub": user.id,
        "exp": (now_ms / 1000).saturating_add(ttl),
        "info": { "name": user.name },
    });
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).ok()
}
