//! What tokens are checked by: keys that are keys, an address that leads to keys, patterns that are patterns.

use veche_auth::endpoint::{Endpoint, EndpointError};
use veche_auth::key::Family;

use crate::config::keys;
use crate::config::schema::client::{Client, Token};
use crate::config::validate::regex_complaint;

/// All that is wrong, one line each.
pub(super) fn check(client: &Client, problems: &mut Vec<String>) {
    for (at, token, is_used) in sections(client) {
        user_id_claim(at, token, problems);
        previous_key(at, token, problems);
        claims(at, token, problems);
        if is_used {
            public_keys(at, token, problems);
            endpoint(at, token, problems);
        }
    }
}

/// What the operator should know of it, one line each.
pub(super) fn warnings(client: &Client) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, token, _) in sections(client)
        .into_iter()
        .filter(|(.., is_used)| *is_used)
    {
        let address = &token.jwks_public_endpoint;
        if address.is_empty() {
            continue;
        }
        let secrets = [
            ("hmac_secret_key", token.hmac_secret_key.expose()),
            (
                "hmac_previous_secret_key",
                token.hmac_previous_secret_key.expose(),
            ),
        ];
        let public = token.public_keys().map(|(name, value, _)| (name, value));
        let ignored = secrets.into_iter().chain(public);
        let ignored = ignored.filter(|(_, value)| !value.is_empty());
        warnings.extend(ignored.map(|(name, _)| {
            format!(
                "{at}.{name} has no effect: with {at}.jwks_public_endpoint all keys come from there"
            )
        }));
        let is_near = ["http://localhost", "http://127.", "http://[::1]"]
            .iter()
            .any(|near| address.starts_with(near));
        if address.starts_with("http://") && !is_near {
            warnings.push(format!(
                "{at}.jwks_public_endpoint: whoever is on the way can put keys of their own into an answer by http; use https"
            ));
        }
        if let Err(error @ EndpointError::Open { .. }) = checked(token) {
            warnings.push(format!("{at}.jwks_public_endpoint: insecure: {error}"));
        }
    }
    warnings
}

fn sections(client: &Client) -> [(&'static str, &Token, bool); 2] {
    let own = &client.subscription_token;
    [
        ("client.token", &client.token, true),
        ("client.subscription_token", &own.token, own.enabled),
    ]
}

fn user_id_claim(at: &str, token: &Token, problems: &mut Vec<String>) {
    let claim = &token.user_id_claim;
    if !claim.chars().all(|c| c.is_ascii_alphabetic() || c == '_') {
        problems.push(format!(
            "{at}.user_id_claim: \"{claim}\" is not the name of a claim; write letters and _ only"
        ));
    }
}

fn previous_key(at: &str, token: &Token, problems: &mut Vec<String>) {
    let until = token.hmac_previous_secret_key_valid_until;
    if until < 0 {
        problems.push(format!(
            "{at}.hmac_previous_secret_key_valid_until: {until} is not a time; write seconds of Unix time, or 0 for \
             without end"
        ));
    }
}

fn claims(at: &str, token: &Token, problems: &mut Vec<String>) {
    for (name, exact, pattern) in [
        ("audience", &token.audience, &token.audience_regex),
        ("issuer", &token.issuer, &token.issuer_regex),
    ] {
        if !exact.is_empty() && !pattern.is_empty() {
            problems.push(format!(
                "{at}.{name}: cannot be used together with {at}.{name}_regex; keep one of them"
            ));
        }
        if let Err(error) = regex::Regex::new(pattern) {
            problems.push(format!(
                "{at}.{name}_regex: {}",
                regex_complaint(pattern, &error)
            ));
        }
    }
}

fn public_keys(at: &str, token: &Token, problems: &mut Vec<String>) {
    for (name, value, family) in token.public_keys() {
        if value.is_empty() {
            continue;
        }
        let why = match keys::public_key(value) {
            Err(why) => why,
            Ok(key) if key.family() == family => continue,
            Ok(key) => match key.family() {
                Family::Rsa => format!("it is an RSA key; it belongs in {at}.rsa_public_key"),
                Family::Ecdsa => format!("it is an ECDSA key; it belongs in {at}.ecdsa_public_key"),
                Family::EdDsa => {
                    format!("it is an Ed25519 key; it belongs in {at}.ed25519_public_key")
                }
            },
        };
        problems.push(format!("{at}.{name}: {why}"));
    }
}

fn endpoint(at: &str, token: &Token, problems: &mut Vec<String>) {
    if token.jwks_public_endpoint.is_empty() {
        return;
    }
    match checked(token) {
        Ok(()) => {}
        Err(EndpointError::Open { .. }) if token.insecure_skip_jwks_endpoint_safety_check => {}
        Err(error) => problems.push(format!("{at}.jwks_public_endpoint: {error}")),
    }
}

fn checked(token: &Token) -> Result<(), EndpointError> {
    let endpoint = Endpoint::new(&token.jwks_public_endpoint)?;
    endpoint.check(&token.issuer_regex, &token.audience_regex)
}
