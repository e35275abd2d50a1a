//! Makes tokens: for command-line tools, tests, and applications written beside the server.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use veche_protocol::claims::{
    ConnectionClaims, Overrides, SubscriptionClaims, SubscriptionOptions,
};
use veche_protocol::payload::Payload;

use crate::jws;
use crate::token::Secret;

/// A connection token with these claims, signed with HS256. `expire_at` becomes `exp`.
///
/// ```
/// use veche_auth::token::{Keys, Secret, Verifier, issue_connection};
/// use veche_protocol::claims::ConnectionClaims;
///
/// let key = Secret::new("a key");
/// let claims = ConnectionClaims { user: "anna".into(), expire_at: Some(2000), ..Default::default() };
/// let token = issue_connection(&key, &claims, 1000);
/// let verifier = Verifier::new(Keys { hmac: Some(key), ..Default::default() });
/// assert_eq!(verifier.verify_connection(&token, 1500, None), Ok(claims));
/// ```
#[must_use]
pub fn issue_connection(key: &Secret, claims: &ConnectionClaims, issued_at: i64) -> String {
    let mut object = registered(claims.user.as_str(), claims.expire_at, issued_at);
    put_payload(&mut object, "info", claims.info.as_ref());
    put_payload(&mut object, "meta", claims.meta.as_ref());
    let is_plain =
        |(_, options): &(String, SubscriptionOptions)| *options == SubscriptionOptions::default();
    if !claims.subs.iter().all(is_plain) {
        let subs = claims.subs.iter().map(|(channel, options)| {
            let mut value = Object::new();
            put_options(&mut value, options);
            (channel, value)
        });
        let subs: BTreeMap<_, _> = subs.collect();
        object.insert("subs".into(), raw(&subs));
    } else if !claims.subs.is_empty() {
        let channels: Vec<_> = claims.subs.iter().map(|(channel, _)| channel).collect();
        object.insert("channels".into(), raw(&channels));
    }
    sign(key, &object)
}

/// A subscription token with these claims, signed with HS256. `expire_at` becomes `exp`.
#[must_use]
pub fn issue_subscription(key: &Secret, claims: &SubscriptionClaims, issued_at: i64) -> String {
    let mut object = registered(claims.user.as_str(), claims.expire_at, issued_at);
    object.insert("channel".into(), raw(&claims.channel));
    if !claims.client.is_empty() {
        object.insert("client".into(), raw(&claims.client));
    }
    put_options(&mut object, &claims.options);
    sign(key, &object)
}

/// Claims and their values as they will be written.
type Object = BTreeMap<String, Box<RawValue>>;

fn registered(user: &str, expires: Option<i64>, issued_at: i64) -> Object {
    let mut object = Object::new();
    object.insert("sub".into(), raw(user));
    if let Some(expires) = expires {
        object.insert("exp".into(), raw(&expires));
    }
    object.insert("iat".into(), raw(&issued_at));
    object
}

fn put_options(object: &mut Object, options: &SubscriptionOptions) {
    put_payload(object, "info", options.info.as_ref());
    put_payload(object, "data", options.data.as_ref());
    let Overrides {
        presence,
        join_leave,
        force_push_join_leave,
        force_recovery,
        force_positioning,
    } = options.overrides;
    let overrides: BTreeMap<_, _> = [
        ("presence", presence),
        ("join_leave", join_leave),
        ("force_push_join_leave", force_push_join_leave),
        ("force_recovery", force_recovery),
        ("force_positioning", force_positioning),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, BTreeMap::from([("value", value?)]))))
    .collect();
    if !overrides.is_empty() {
        object.insert("override".into(), raw(&overrides));
    }
}

/// JSON under `name` as it is, bytes in base64 under `b64name`.
fn put_payload(object: &mut Object, name: &str, payload: Option<&Payload>) {
    let Some(payload) = payload else { return };
    let json = serde_json::from_slice(payload.bytes());
    match json.ok().filter(|_| payload.is_json()) {
        Some(json) => object.insert(name.into(), json),
        None => object.insert(
            format!("b64{name}"),
            raw(&BASE64_STANDARD.encode(payload.bytes())),
        ),
    };
}

fn sign(key: &Secret, object: &Object) -> String {
    jws::sign(key, raw(object).get())
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("strings, numbers and maps of them have a JSON form")
}
