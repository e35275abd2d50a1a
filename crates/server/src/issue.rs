//! Sample tokens for tools: tokens that a configuration accepts.

use veche_auth::token::{self, Verifier};
use veche_config::schema::client::Client;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims};

use crate::keys;

/// A token to make: its user, and its lifetime.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// User id; empty is an anonymous user.
    pub user: &'a str,
    /// The channel of a subscription token; `None` makes a connection token.
    pub channel: Option<&'a str>,
    /// Unix time in seconds at which it is made.
    pub now: i64,
    /// Unix time in seconds at which it expires.
    pub expires: Option<i64>,
}

/// Makes a token that this configuration accepts.
///
/// # Errors
/// A line for people: there is no HMAC key, or it is not used, or the configuration requires claims that are not made
/// here.
pub fn issue(client: &Client, sample: &Sample<'_>) -> Result<String, String> {
    let (keys, section) = match sample.channel {
        Some(_) if client.subscription_token.enabled => {
            (keys::subscription(client)?, "client.subscription_token")
        }
        Some(_) => (keys::subscription(client)?, "client.token"),
        None => (keys::connection(client)?, "client.token"),
    };
    if keys.endpoint.is_some() {
        return Err(format!(
            "with {section}.jwks_public_endpoint only tokens of a key there are accepted, and its private key is not here"
        ));
    }
    let Some(key) = &keys.hmac else {
        return Err(format!(
            "{section}.hmac_secret_key is not set, and only such a key can sign here"
        ));
    };
    let token = match sample.channel {
        None => {
            let claims = ConnectionClaims {
                user: sample.user.into(),
                expire_at: sample.expires,
                ..ConnectionClaims::default()
            };
            token::issue_connection(key, &claims, sample.now)
        }
        Some(channel) => {
            let claims = SubscriptionClaims {
                user: sample.user.into(),
                channel: channel.to_owned(),
                expire_at: sample.expires,
                ..SubscriptionClaims::default()
            };
            token::issue_subscription(key, &claims, sample.now)
        }
    };
    let verifier = Verifier::new(keys);
    let accepted = match sample.channel {
        None => verifier
            .verify_connection(&token, sample.now, None)
            .map(|claims| claims.user),
        Some(_) => verifier
            .verify_subscription(&token, sample.now, None)
            .map(|claims| claims.user),
    };
    match accepted {
        Ok(user) if user.as_str() == sample.user => Ok(token),
        Ok(_) => Err(format!(
            "{section}.user_id_claim is set, and only the claim sub is made here"
        )),
        Err(error) => Err(format!(
            "{section} wants more than is made here: {}",
            error.why()
        )),
    }
}
