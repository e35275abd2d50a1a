//! What the configuration means for tokens: the keys they are checked by, and sample tokens for tools.

use tokio::runtime::Builder;
use veche_auth::endpoint::Endpoint;
use veche_auth::expected::Expected;
use veche_auth::key::{Family, PublicKey};
use veche_auth::token::{self, Keys, PreviousKey, Verifier};
use veche_engine::pending::Pending;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};

use crate::config::pem;
use crate::config::schema::client::{Client, Token};
use crate::tokens::{Checker, Surroundings};

impl Client {
    /// What connection tokens are checked by.
    ///
    /// # Errors
    /// What is wrong with a key, in words. A configuration that was loaded has none, unless a file has changed since.
    pub fn connection_keys(&self) -> Result<Keys, String> {
        self.keys("client.token", &self.token)
    }

    /// What subscription tokens are checked by: keys of their own, or those of connection tokens.
    ///
    /// # Errors
    /// As [`Self::connection_keys`].
    pub fn subscription_keys(&self) -> Result<Keys, String> {
        let own = &self.subscription_token;
        if own.enabled {
            self.keys("client.subscription_token", &own.token)
        } else {
            self.connection_keys()
        }
    }

    fn keys(&self, at: &str, token: &Token) -> Result<Keys, String> {
        let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let secret = |text: &str| (!text.is_empty()).then(|| token::Secret::new(text));
        let until = token.hmac_previous_secret_key_valid_until;
        let mut public = Vec::new();
        for (name, value, _) in token.public_keys() {
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
            insecure_skip_signature_verify: self.insecure_skip_token_signature_verify,
        })
    }
}

impl Token {
    /// The keys that hold a public key: name, value, and for which algorithms it is.
    pub(crate) fn public_keys(&self) -> [(&'static str, &str, Family); 3] {
        [
            ("rsa_public_key", &self.rsa_public_key, Family::Rsa),
            ("ecdsa_public_key", &self.ecdsa_public_key, Family::Ecdsa),
            (
                "ed25519_public_key",
                &self.ed25519_public_key,
                Family::EdDsa,
            ),
        ]
    }
}

/// The public key that a value holds or names.
pub(crate) fn public_key(value: &str) -> Result<PublicKey, String> {
    if let Some(key) = PublicKey::from_raw_ed25519(value) {
        return Ok(key);
    }
    let text = pem::load(value)?;
    veche_auth::pem::public_key(&text).map_err(|error| error.to_string())
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
    /// What a client can do about it.
    pub kind: RefusedKind,
    /// Which claim or rule failed, in words.
    pub why: String,
}

/// What a client can do about a token that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedKind {
    /// Get another one: its time has run out, or has not come.
    Expired,
    /// Nothing: it is not one of ours.
    Invalid,
    /// Try again: it could not be checked, for example because the key set can't be reached.
    Unchecked,
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
    let keys = client.connection_keys().map_err(unusable)?;
    let checker = Checker::new(keys, Surroundings::default());
    waited(checker.check(token, now, Verifier::verify_connection))
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
    let keys = client.subscription_keys().map_err(unusable)?;
    let checker = Checker::new(keys, Surroundings::default());
    waited(checker.check(token, now, Verifier::verify_subscription))
}

fn refused(error: TokenError) -> Refused {
    let kind = match &error {
        TokenError::Expired(_) => RefusedKind::Expired,
        TokenError::Invalid(_) => RefusedKind::Invalid,
        TokenError::Failed(_) => RefusedKind::Unchecked,
    };
    let why = words(&error);
    Refused { kind, why }
}

fn unusable(why: String) -> Refused {
    Refused {
        kind: RefusedKind::Unchecked,
        why,
    }
}

/// Waits, for those who are on no runtime.
fn waited<T>(claims: Pending<Result<Box<T>, TokenError>>) -> Result<T, Refused> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| unusable(error.to_string()))?;
    let claims = runtime.block_on(claims.wait());
    claims.map(|claims| *claims).map_err(refused)
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
/// A line for people: there is no HMAC key, or none counts, or the configuration wants claims that are not made here.
pub fn issue(client: &Client, sample: &Sample<'_>) -> Result<String, String> {
    let (keys, section) = match sample.channel {
        Some(_) if client.subscription_token.enabled => {
            (client.subscription_keys()?, "client.subscription_token")
        }
        Some(_) => (client.subscription_keys()?, "client.token"),
        None => (client.connection_keys()?, "client.token"),
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
            words(&error)
        )),
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

/// Checks a connection token at the Unix time `now`, in seconds. Keys of an endpoint are fetched.
///
/// # Errors
/// Why it is refused, in words.
/// # Cancel safety
/// May be dropped.
pub async fn check_connection(client: &Client, token: &str, now: i64) -> Result<Checked, String> {
    let checker = Checker::new(client.connection_keys()?, Surroundings::default());
    let claims = checker.check(token, now, Verifier::verify_connection);
    let claims = claims.wait().await.map_err(|error| words(&error))?;
    Ok(Checked {
        user: claims.user.as_str().to_owned(),
        channel: None,
        expires: claims.expire_at,
    })
}

/// Checks a subscription token at the Unix time `now`, in seconds. Keys of an endpoint are fetched.
///
/// # Errors
/// Why it is refused, in words.
/// # Cancel safety
/// May be dropped.
pub async fn check_subscription(client: &Client, token: &str, now: i64) -> Result<Checked, String> {
    let checker = Checker::new(client.subscription_keys()?, Surroundings::default());
    let claims = checker.check(token, now, Verifier::verify_subscription);
    let claims = claims.wait().await.map_err(|error| words(&error))?;
    Ok(Checked {
        user: claims.user.as_str().to_owned(),
        channel: Some(claims.channel),
        expires: claims.expire_at,
    })
}

/// An error as people hear it.
pub(crate) fn words(error: &TokenError) -> String {
    match error {
        TokenError::Expired(why) | TokenError::Invalid(why) | TokenError::Failed(why) => {
            why.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Checked, Sample, issue};
    use crate::config::schema::client::Client;
    use crate::config::value::Secret;

    #[tokio::main(flavor = "current_thread")]
    async fn check_connection(client: &Client, token: &str, now: i64) -> Result<Checked, String> {
        super::check_connection(client, token, now).await
    }

    #[tokio::main(flavor = "current_thread")]
    async fn check_subscription(client: &Client, token: &str, now: i64) -> Result<Checked, String> {
        super::check_subscription(client, token, now).await
    }

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
