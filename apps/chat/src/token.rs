//! Connection tokens: what a logged-in user shows to the server.

use bytes::Bytes;
use serde_json::json;
use veche_auth::token::{Secret, issue_connection, issue_subscription};
use veche_auth::{ConnectionClaims, Payload, SubscriptionClaims};

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

/// A token with which `user` may subscribe to a private channel, valid from `now_ms` for
/// [`limits::SUBSCRIPTION_TOKEN_TTL`].
pub(crate) fn subscription_token(
    secret: &Secret,
    user: &User,
    channel: &str,
    now_ms: i64,
) -> String {
    let ttl = i64::try_from(limits::SUBSCRIPTION_TOKEN_TTL.as_secs()).unwrap_or(i64::MAX);
    let now = now_ms / 1000;
    let claims = SubscriptionClaims {
        user: user.id.as_str().into(),
        channel: channel.to_owned(),
        expire_at: Some(now.saturating_add(ttl)),
        ..SubscriptionClaims::default()
    };
    issue_subscription(secret, &claims, now)
}
