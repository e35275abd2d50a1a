//! What the configuration means for tokens: the keys they are checked by, and sample tokens for tools.

use veche_auth::expected::Expected;
use veche_auth::token::{self, Keys, PreviousKey, Verifier};
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};

use crate::config::schema::client::{Client, Token};

impl Client {
    /// What connection tokens are checked by.
    #[must_use]
    pub fn connection_keys(&self) -> Keys {
        keys(&self.token, self.insecure_skip_token_signature_verify)
    }

    /// What subscription tokens are checked by: keys of their own, or those of connection tokens.
    #[must_use]
    pub fn subscription_keys(&self) -> Keys {
        let own = &self.subscription_token;
        let token = if own.enabled { &own.token } else { &self.token };
        keys(token, self.insecure_skip_token_signature_verify)
    }
}

fn keys(token: &Token, insecure_skip_signature_verify: bool) -> Keys {
    let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let secret = |text: &str| (!text.is_empty()).then(|| token::Secret::new(text));
    let until = token.hmac_previous_secret_key_valid_until;
    Keys {
        hmac: secret(token.hmac_secret_key.expose()),
        previous: secret(token.hmac_previous_secret_key.expose()).map(|key| PreviousKey {
            key,
            valid_until: Some(until).filter(|until| *until > 0),
        }),
        audience: expected(&token.audience, &token.audience_regex),
        issuer: expected(&token.issuer, &token.issuer_regex),
        user_id_claim: set(&token.user_id_claim),
        insecure_skip_signature_verify,
    }
}

/// What a claim must say; at most one of the two is configured.
fn expected(text: &str, pattern: &str) -> Option<Expected> {
    if !pattern.is_empty() {
        return Some(Expected::pattern(pattern));
    }
    (!text.is_empty()).then(|| Expected::Text(text.to_owned()))
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether it is only its time that has run out: clients get a new one.
    pub is_expired: bool,
    /// Which claim or rule failed, in words.
    pub why: String,
}

/// What a connection token says at the Unix time `now`, in seconds.
///
/// # Errors
/// Why it is refused.
pub fn connection_claims(
    client: &Client,
    token: &str,
    now: i64,
) -> Result<ConnectionClaims, Refused> {
    let verifier = Verifier::new(client.connection_keys());
    verifier.verify_connection(token, now).map_err(refused)
}

/// What a subscription token says at the Unix time `now`, in seconds.
///
/// # Errors
/// Why it is refused.
pub fn subscription_claims(
    client: &Client,
    token: &str,
    now: i64,
) -> Result<SubscriptionClaims, Refused> {
    let verifier = Verifier::new(client.subscription_keys());
    verifier.verify_subscription(token, now).map_err(refused)
}

fn refused(error: TokenError) -> Refused {
    Refused {
        is_expired: matches!(error, TokenError::Expired),
        why: words(&error),
    }
}

/// A token to make: for whom, and until when.
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
/// A line for people: there is no HMAC key, or the configuration wants claims that are not made here.
pub fn issue(client: &Client, sample: &Sample<'_>) -> Result<String, String> {
    let (keys, section) = match sample.channel {
        Some(_) if client.subscription_token.enabled => {
            (client.subscription_keys(), "client.subscription_token")
        }
        Some(_) => (client.subscription_keys(), "client.token"),
        None => (client.connection_keys(), "client.token"),
    };
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
    let accepted = match sample.channel {
        None => check_connection(client, &token, sample.now),
        Some(_) => check_subscription(client, &token, sample.now),
    };
    match accepted {
        Ok(found) if found.user == sample.user => Ok(token),
        Ok(_) => Err(format!(
            "{section}.user_id_claim is set, and only the claim sub is made here"
        )),
        Err(why) => Err(format!("{section} wants more than is made here: {why}")),
    }
}

/// What a token that is accepted says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// User id; empty is an anonymous user.
    pub user: String,
    /// The channel of a subscription token.
    pub channel: Option<String>,
    /// Unix time in seconds at which what it allows ends.
    pub expires: Option<i64>,
}

/// Checks a connection token at the Unix time `now`, in seconds.
///
/// # Errors
/// Why it is refused, in words.
pub fn check_connection(client: &Client, token: &str, now: i64) -> Result<Checked, String> {
    let claims = Verifier::new(client.connection_keys())
        .verify_connection(token, now)
        .map_err(|error| words(&error))?;
    Ok(Checked {
        user: claims.user.as_str().to_owned(),
        channel: None,
        expires: claims.expire_at,
    })
}

/// Checks a subscription token at the Unix time `now`, in seconds.
///
/// # Errors
/// Why it is refused, in words.
pub fn check_subscription(client: &Client, token: &str, now: i64) -> Result<Checked, String> {
    let claims = Verifier::new(client.subscription_keys())
        .verify_subscription(token, now)
        .map_err(|error| words(&error))?;
    Ok(Checked {
        user: claims.user.as_str().to_owned(),
        channel: Some(claims.channel),
        expires: claims.expire_at,
    })
}

fn words(error: &TokenError) -> String {
    match error {
        TokenError::Expired => "it has expired, or its time has not come".to_owned(),
        TokenError::Invalid(why) | TokenError::Failed(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Checked, Sample, check_connection, check_subscription, issue};
    use crate::config::schema::client::Client;
    use crate::config::value::Secret;

    fn client() -> Client {
        let mut client = Client::default();
        client.token.hmac_secret_key = Secret::from("key".to_owned());
        client
    }

    const ANNA: Sample<'static> = Sample {
        user: "anna",
        channel: None,
        now: 1000,
        expires: Some(2000),
    };
    const NEWS: Sample<'static> = Sample {
        channel: Some("news"),
        ..ANNA
    };

    #[test]
    fn a_token_that_is_made_is_accepted_until_it_expires() {
        let token = issue(&client(), &ANNA).unwrap();
        let checked = Checked {
            user: "anna".to_owned(),
            channel: None,
            expires: Some(2000),
        };
        assert_eq!(check_connection(&client(), &token, 1999), Ok(checked));
        assert!(check_connection(&client(), &token, 2000).is_err());
        assert!(check_subscription(&client(), &token, 1000).is_err());
    }

    #[test]
    fn subscription_tokens_have_keys_of_their_own_once_they_are_enabled() {
        let mut client = client();
        let shared = issue(&client, &NEWS).unwrap();
        assert_eq!(
            check_subscription(&client, &shared, 1000)
                .unwrap()
                .channel
                .unwrap(),
            "news"
        );
        client.subscription_token.enabled = true;
        assert!(
            issue(&client, &NEWS)
                .unwrap_err()
                .starts_with("client.subscription_token.hmac_secret_key")
        );
        client.subscription_token.token.hmac_secret_key = Secret::from("other".to_owned());
        assert!(check_subscription(&client, &shared, 1000).is_err());
        let own = issue(&client, &NEWS).unwrap();
        assert!(check_subscription(&client, &own, 1000).is_ok());
    }

    #[test]
    fn the_previous_key_holds_until_its_time() {
        let token = issue(&client(), &ANNA).unwrap();
        let mut client = client();
        client.token.hmac_secret_key = Secret::from("new".to_owned());
        assert!(check_connection(&client, &token, 1000).is_err());
        client.token.hmac_previous_secret_key = Secret::from("key".to_owned());
        assert!(check_connection(&client, &token, 1900).is_ok());
        client.token.hmac_previous_secret_key_valid_until = 1500;
        assert!(check_connection(&client, &token, 1500).is_ok());
        assert!(check_connection(&client, &token, 1501).is_err());
    }

    #[test]
    fn the_audience_may_be_given_as_a_pattern() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIiwiYXVkIjoid2ViIn0.";
        let mut client = client();
        client.insecure_skip_token_signature_verify = true;
        client.token.audience_regex = "^(web|app)$".to_owned();
        assert!(check_connection(&client, token, 1000).is_ok());
        client.token.audience_regex = "^app$".to_owned();
        let why = check_connection(&client, token, 1000).unwrap_err();
        assert!(why.contains("aud"), "{why}");
    }

    #[test]
    fn no_token_is_made_that_would_be_refused() {
        let unset = Client::default();
        assert!(
            issue(&unset, &ANNA)
                .unwrap_err()
                .starts_with("client.token.hmac_secret_key is not set")
        );
        let mut strict = client();
        strict.token.audience = "app".to_owned();
        assert!(
            issue(&strict, &ANNA)
                .unwrap_err()
                .starts_with("client.token wants more")
        );
        let mut strict = client();
        strict.token.user_id_claim = "uid".to_owned();
        assert!(issue(&strict, &ANNA).unwrap_err().contains("user_id_claim"));
    }
}
