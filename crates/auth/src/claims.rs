//! Turns the claims of a token into its meaning.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use veche_protocol::claims::{
    ConnectionClaims, Overrides, SubscriptionClaims, SubscriptionOptions, TokenError,
};
use veche_protocol::identity::UserId;
use veche_protocol::json::raw::RawJson;
use veche_protocol::payload::Payload;

use crate::moment::{span, utc};
use crate::object::invalid;
use crate::object::{self, Object};

/// Claims that every token may have (RFC 7519, section 4.1).
pub(crate) struct Registered {
    user: UserId,
    expires: Option<f64>,
    not_before: Option<f64>,
    /// The audience of the token.
    pub(crate) audience: Vec<String>,
    /// The issuer; empty if the token names none.
    pub(crate) issuer: String,
}

impl Registered {
    /// Reads the registered claims. The user is in `user_claim`, if that is given, else in `sub`.
    pub(crate) fn read(claims: &Object<'_>, user_claim: Option<&str>) -> Result<Self, TokenError> {
        let subject = claims.string("sub")?.unwrap_or_default();
        let user = match user_claim {
            Some(name) => claims.get_exact(name).map_or_else(String::new, as_text),
            None => subject,
        };
        claims.moment("iat")?;
        Ok(Self {
            user: UserId::new(&user),
            expires: claims.moment("exp")?,
            not_before: claims.moment("nbf")?,
            audience: audience(claims)?,
            issuer: claims.string("iss")?.unwrap_or_default(),
        })
    }

    /// Checks that the token is valid at this time. The error says by how much it is not, to detect clocks that differ.
    pub(crate) fn check_time(&self, now_unix: i64) -> Result<(), TokenError> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds of this age of the world are exact in 53 bits"
        )]
        let now = now_unix as f64;
        if let Some(expires) = self.expires.filter(|expires| *expires <= now) {
            return Err(TokenError::Expired(format!(
                "it expired {} ago (exp {}; this clock says {})",
                span(now - expires),
                utc(whole_seconds(expires)),
                utc(now_unix)
            )));
        }
        if let Some(begins) = self.not_before.filter(|begins| now < *begins) {
            return Err(TokenError::Expired(format!(
                "it is not valid yet, but in {} (nbf {}; this clock says {})",
                span(begins - now),
                utc(whole_seconds(begins)),
                utc(now_unix)
            )));
        }
        Ok(())
    }

    /// The end of what the token allows: `expire_at` if it is set (0 and less mean never), else `exp`.
    fn end(&self, claims: &Object<'_>) -> Result<Option<i64>, TokenError> {
        Ok(match claims.seconds("expire_at")? {
            Some(end) => Some(end).filter(|end| *end > 0),
            None => self.expires.map(whole_seconds),
        })
    }
}

/// The claims of a connection token.
pub(crate) fn connection(
    claims: &Object<'_>,
    registered: &Registered,
) -> Result<ConnectionClaims, TokenError> {
    if claims.string("channel")?.is_some_and(|it| !it.is_empty()) {
        return Err(invalid(
            "it is a subscription token: it has the claim `channel`",
        ));
    }
    Ok(ConnectionClaims {
        user: registered.user.clone(),
        expire_at: registered.end(claims)?,
        info: connection_info(claims)?,
        meta: claims.raw("meta")?,
        subs: subscriptions(claims)?,
    })
}

/// Here alone bytes that are no base64 are an internal error, as in Centrifugo; elsewhere the token is invalid.
fn connection_info(claims: &Object<'_>) -> Result<Option<Payload>, TokenError> {
    let encoded = claims.string("b64info")?.unwrap_or_default();
    if BASE64_STANDARD.decode(encoded).is_err() {
        return Err(TokenError::Failed("`b64info` is not base64".into()));
    }
    claims.payload("info", "b64info")
}

/// The claims of a subscription token.
pub(crate) fn subscription(
    claims: &Object<'_>,
    registered: &Registered,
) -> Result<SubscriptionClaims, TokenError> {
    let channel = claims.string("channel")?.unwrap_or_default();
    let expire_at = registered.end(claims)?;
    Ok(SubscriptionClaims {
        user: registered.user.clone(),
        channel,
        client: claims.string("client")?.unwrap_or_default(),
        expire_at,
        options: SubscriptionOptions {
            expire_at,
            ..options(claims)?
        },
    })
}

/// Server-side subscriptions: `subs`, or `channels` if there are none.
fn subscriptions(claims: &Object<'_>) -> Result<Vec<(String, SubscriptionOptions)>, TokenError> {
    let channels = claims.strings("channels", "a list of strings")?;
    let channels = channels.unwrap_or_default();
    let mut seen = HashSet::new();
    let mut subs = Vec::new();
    if let Some(values) = claims.object("subs")? {
        // Of duplicates the last counts.
        for (channel, value) in values.fields().rev() {
            if seen.insert(channel.to_owned()) {
                subs.push((channel.to_owned(), sub_options(value)?));
            }
        }
    }
    subs.reverse();
    if subs.is_empty() {
        let distinct = channels.into_iter().filter(|it| seen.insert(it.clone()));
        subs.extend(distinct.map(|channel| (channel, SubscriptionOptions::default())));
    }
    Ok(subs)
}

fn sub_options(value: RawJson<'_>) -> Result<SubscriptionOptions, TokenError> {
    if value.is_null() {
        return Ok(SubscriptionOptions::default());
    }
    let value = Object::of(value).ok_or_else(|| invalid("a value in `subs` is not an object"))?;
    options(&value)
}

/// How to subscribe: in a subscription token itself, and in each value of `subs`.
fn options(claims: &Object<'_>) -> Result<SubscriptionOptions, TokenError> {
    Ok(SubscriptionOptions {
        info: claims.payload("info", "b64info")?,
        data: claims.payload("data", "b64data")?,
        expire_at: None,
        cache_recover: false,
        overrides: match claims.object("override")? {
            Some(overrides) => Overrides {
                presence: switch(&overrides, "presence")?,
                join_leave: switch(&overrides, "join_leave")?,
                force_push_join_leave: switch(&overrides, "force_push_join_leave")?,
                force_recovery: switch(&overrides, "force_recovery")?,
                force_positioning: switch(&overrides, "force_positioning")?,
            },
            None => Overrides::default(),
        },
    })
}

/// `{"value": true}`; an object without value means false.
fn switch(overrides: &Object<'_>, name: &str) -> Result<Option<bool>, TokenError> {
    let Some(switch) = overrides.object(name)? else {
        return Ok(None);
    };
    Ok(Some(switch.flag("value")?.unwrap_or(false)))
}

/// `aud` is a string or a list of strings.
fn audience(claims: &Object<'_>) -> Result<Vec<String>, TokenError> {
    match claims.get("aud") {
        Some(value) if value.as_str().starts_with('"') => {
            Ok(claims.string("aud")?.into_iter().collect())
        }
        _ => {
            let expected = "a string or a list of strings";
            Ok(claims.strings("aud", expected)?.unwrap_or_default())
        }
    }
}

/// A string as it is, anything else as it is written.
fn as_text(value: RawJson<'_>) -> String {
    object::string(value).unwrap_or_else(|| value.as_str().to_owned())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast rounds towards zero and stops at the bounds, which is what is meant"
)]
fn whole_seconds(moment: f64) -> i64 {
    moment as i64
}
