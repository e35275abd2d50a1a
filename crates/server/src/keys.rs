//! From the configuration to the keys that tokens are checked by.

use veche_auth::endpoint::Endpoint;
use veche_auth::expected::Expected;
use veche_auth::key::{Family, PublicKey};
use veche_auth::token::{self, Keys, PreviousKey};
use veche_config::schema::client::{Client, Token};

mod check;
mod pem;

pub(crate) use check::check;

/// The keys that connection tokens are checked by.
///
/// # Errors
/// What is wrong with a key, in words. A configuration that was loaded has none, unless a file has changed since.
pub(crate) fn connection(client: &Client) -> Result<Keys, String> {
    keys(client, "client.token", &client.token)
}

/// The keys that subscription tokens are checked by: keys of their own, or those of connection tokens.
///
/// # Errors
/// As [`connection`].
pub(crate) fn subscription(client: &Client) -> Result<Keys, String> {
    let own = &client.subscription_token;
    if own.enabled {
        keys(client, "client.subscription_token", &own.token)
    } else {
        connection(client)
    }
}

fn keys(client: &Client, at: &str, token: &Token) -> Result<Keys, String> {
    let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let secret = |text: &str| (!text.is_empty()).then(|| token::Secret::new(text));
    let until = token.hmac_previous_secret_key_valid_until;
    let mut public = Vec::new();
    for (name, value) in token.public_keys() {
        if !value.is_empty() {
            public.push(public_key(value).map_err(|why| format!("{at}.{name}: {why}"))?);
        }
    }
    let endpoint = set(&token.jwks_public_endpoint).map(|address| Endpoint::new(&address));
    Ok(Keys {
        hmac: secret(token.hmac_secret_key.expose()),
        previous: secret(token.hmac_previous_secret_key.expose()).map(|key| PreviousKey {
            key,
            valid_until: Some(until).filter(|until| *until > 0),
        }),
        public,
        endpoint: endpoint
            .transpose()
            .map_err(|why| format!("{at}.jwks_public_endpoint: {why}"))?,
        audience: expected(&token.audience, &token.audience_regex),
        issuer: expected(&token.issuer, &token.issuer_regex),
        user_id_claim: set(&token.user_id_claim),
        insecure_skip_signature_verify: client.insecure_skip_token_signature_verify,
    })
}

/// The algorithms for which a key of the configuration is meant.
fn family(name: &str) -> Family {
    match name {
        "rsa_public_key" => Family::Rsa,
        "ecdsa_public_key" => Family::Ecdsa,
        _ => Family::EdDsa,
    }
}

/// The public key that a value holds or names.
fn public_key(value: &str) -> Result<PublicKey, String> {
    if let Some(key) = PublicKey::from_raw_ed25519(value) {
        return Ok(key);
    }
    let text = pem::load(value)?;
    veche_auth::pem::public_key(&text).map_err(|error| error.to_string())
}

/// The expected value of a claim; at most one of the two is configured.
fn expected(text: &str, pattern: &str) -> Option<Expected> {
    if !pattern.is_empty() {
        return Some(Expected::pattern(pattern));
    }
    (!text.is_empty()).then(|| Expected::Text(text.to_owned()))
}
