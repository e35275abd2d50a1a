//! Whether the keys of the configuration can be used: public keys that are keys, and an address that leads to keys.

use veche_auth::endpoint::{Endpoint, EndpointError};
use veche_auth::key::Family;
use veche_config::Config;
use veche_config::findings::Findings;
use veche_config::schema::client::{Client, Token};

use super::{family, public_key};

/// Checks all keys that are in use.
pub(crate) fn check(config: &Config) -> Findings {
    let mut problems = Vec::new();
    for (at, token) in sections(&config.client) {
        public_keys(at, token, &mut problems);
        endpoint(at, token, &mut problems);
    }
    Findings {
        problems,
        warnings: warnings(&config.client),
    }
}

fn warnings(client: &Client) -> Vec<String> {
    let mut warnings = Vec::new();
    for (at, token) in sections(client) {
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
        let ignored = secrets.into_iter().chain(token.public_keys());
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

/// The sections whose keys are in use.
fn sections(client: &Client) -> impl Iterator<Item = (&'static str, &Token)> {
    let own = &client.subscription_token;
    let own = own
        .enabled
        .then_some(("client.subscription_token", &own.token));
    std::iter::once(("client.token", &client.token)).chain(own)
}

fn public_keys(at: &str, token: &Token, problems: &mut Vec<String>) {
    for (name, value) in token.public_keys() {
        if value.is_empty() {
            continue;
        }
        let why = match public_key(value) {
            Err(why) => why,
            Ok(key) if key.family() == family(name) => continue,
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

#[cfg(test)]
mod tests {
    use veche_config::{File, Sources};

    use crate::configuration::load;
    use crate::keys;

    fn token(section: &str) -> Sources {
        let file = File {
            name: "config.json".to_owned(),
            text: format!(
                r#"{{"client": {{"token": {section}, "subscription_token": {section}}}}}"#
            ),
        };
        Sources {
            file: Some(file),
            ..Sources::default()
        }
    }

    fn refused(section: &str) -> Vec<String> {
        load(&token(section)).unwrap_err().problems
    }

    #[test]
    fn an_ed25519_key_is_pem_or_its_bytes_and_no_key_of_another_kind() {
        const RAW: &str = "76LWijJYGeU0AVRHLxHegXyCLkg0hxYelhncvRAC8Yo";
        for key in [RAW, &format!("{RAW}=")] {
            let loaded = load(&token(&format!(r#"{{"ed25519_public_key": "{key}"}}"#))).unwrap();
            let keys = keys::connection(&loaded.config.client).unwrap();
            assert_eq!(keys.public.len(), 1);
        }
        for key in [&RAW[1..], "no.pem"] {
            let lines = refused(&format!(r#"{{"ed25519_public_key": "{key}"}}"#));
            assert!(lines[0].contains("is neither PEM nor base64"), "{lines:?}");
        }
        let lines = refused(&format!(r#"{{"rsa_public_key": "{RAW}"}}"#));
        assert!(
            lines[0].ends_with("it belongs in client.token.ed25519_public_key"),
            "{lines:?}"
        );
    }

    #[test]
    fn an_address_of_keys_by_http_is_named_unless_it_is_near() {
        for (host, is_named) in [
            ("keys.example", true),
            ("localhost:1", false),
            ("127.0.0.1", false),
        ] {
            let section = format!(r#"{{"jwks_public_endpoint": "http://{host}/keys"}}"#);
            let warnings = load(&token(&section)).unwrap().warnings;
            let found = warnings.iter().any(|line| line.contains("use https"));
            assert_eq!(found, is_named, "{host}: {warnings:?}");
        }
    }

    #[test]
    fn an_address_that_no_keys_can_come_from_stops_the_start() {
        let lines = refused(r#"{"jwks_public_endpoint": "ftp://keys.example"}"#);
        assert!(
            lines[0].starts_with("client.token.jwks_public_endpoint: "),
            "{lines:?}"
        );
    }
}
