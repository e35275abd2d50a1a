//! Connection tokens: what a logged-in user shows to the server.

use bytes::Bytes;
use serde_json::json;
use veche_auth::token::{Secret, issue_connection};
use veche_auth::{ConnectionClaims, Payload};

use crate::channels;
use crate::limits;
use crate::words::User;

/// A token for `user`, valid from `now_ms` for [`limits::CONNECTION_TOKEN_TTL`]: `sub` is the
/// user's id, `channels` the personal channel, `info` carries the name to everybody who sees the user in a channel.
pub(crate) fn connection_token(secret: &Secret, user: &User, now_ms: i64) -> String {
    let ttl = i64::try_from(limits::CONNECTION_TOKEN_TTL.as_secs()).unwrap_or(i64::MAX);
    let now = now_ms / 1000;
    let info = json!({ "name": user.name }).to_string();
    let claims = ConnectionClaims {
        user: user.id.as_str().into(),
        expire_at: Some(now.saturating_add(ttl)),
        info: Some(Payload::json(Bytes::from(info))),
        subs: vec![(channels::personal(&user.id), Default::default())],
        ..ConnectionClaims::default()
    };
    issue_connection(secret, &claims, now)
}
