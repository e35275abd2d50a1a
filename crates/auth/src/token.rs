//! Tokens in, claims out; and the other way round for tools and tests.

use std::fmt;

use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};

use crate::claims::{self, Registered};
use crate::expected::Expected;
use crate::jws::{self, Unverified};
use crate::object::Object;

mod issue;

pub use issue::{issue_connection, issue_subscription};

/// A key that is shared with the application. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes the bytes of `key` as they are.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.as_bytes().into())
    }

    /// The key.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// What tokens are checked against (configuration sections `client.token` and `client.subscription_token`).
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Signs HS256, HS384 and HS512; without it no token with these is accepted.
    pub hmac: Option<Secret>,
    /// The key that `hmac` replaced.
    pub previous: Option<PreviousKey>,
    /// What `aud` must be or contain.
    pub audience: Option<Expected>,
    /// What `iss` must be.
    pub issuer: Option<Expected>,
    /// The claim that names the user, instead of `sub`; any value but null becomes text.
    pub user_id_claim: Option<String>,
    /// Takes every token at its word. For development alone.
    pub insecure_skip_signature_verify: bool,
}

/// A key whose tokens are still in use.
#[derive(Clone, Debug)]
pub struct PreviousKey {
    /// The key.
    pub key: Secret,
    /// The last second of Unix time at which it is accepted, by the server's clock; `None` for always.
    pub valid_until: Option<i64>,
}

/// Turns tokens into claims.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
}

impl Verifier {
    /// A verifier with these keys.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { keys }
    }

    /// What a connection token says. `now_unix` is the time in seconds.
    ///
    /// # Errors
    /// [`TokenError::Expired`] before `nbf` and from `exp` on; [`TokenError::Failed`] if `b64info` is not base64;
    /// else [`TokenError::Invalid`].
    /// # Source
    /// RFC 7519; claims `info`, `b64info`, `meta`, `channels`, `subs` and `expire_at` as backends of Centrifugo set
    /// them. As there, `subs` replaces `channels`, keys are read in any case, and times may be fractions or numbers
    /// in quotes.
    pub fn verify_connection(
        &self,
        token: &str,
        now_unix: i64,
    ) -> Result<ConnectionClaims, TokenError> {
        self.verify(token, now_unix, claims::connection)
    }

    /// What a subscription token says. `now_unix` is the time in seconds.
    ///
    /// # Errors
    /// [`TokenError::Expired`] before `nbf` and from `exp` on; else [`TokenError::Invalid`].
    /// # Source
    /// As [`Self::verify_connection`], with claims `channel`, `client`, `data`, `b64data` and `override`.
    pub fn verify_subscription(
        &self,
        token: &str,
        now_unix: i64,
    ) -> Result<SubscriptionClaims, TokenError> {
        let claims = self.verify(token, now_unix, claims::subscription)?;
        if claims.channel.is_empty() {
            return Err(jws::invalid("it has no claim `channel`"));
        }
        Ok(claims)
    }

    fn verify<T>(
        &self,
        token: &str,
        now_unix: i64,
        read: impl FnOnce(&Object<'_>, &Registered) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let token = Unverified::parse(token)?;
        if !self.keys.insecure_skip_signature_verify {
            self.verify_signature(&token, now_unix)?;
        }
        let claims = Object::parse(&token.claims)
            .ok_or_else(|| jws::invalid("the claims are not a JSON object"))?;
        let registered = Registered::read(&claims, self.keys.user_id_claim.as_deref())?;
        self.check_registered(&registered)?;
        let answer = read(&claims, &registered)?;
        registered.check_time(now_unix)?;
        Ok(answer)
    }

    fn verify_signature(&self, token: &Unverified<'_>, now_unix: i64) -> Result<(), TokenError> {
        let algorithm = token.algorithm()?;
        let current = self.keys.hmac.as_ref();
        let previous = self.keys.previous.as_ref();
        let previous = previous.filter(|it| it.valid_until.is_none_or(|until| now_unix <= until));
        let mut keys = current.into_iter().chain(previous.map(|it| &it.key));
        if current.is_none() {
            return Err(jws::invalid("no key is configured for HMAC tokens"));
        }
        if keys.any(|key| token.is_signed_with(algorithm, key)) {
            return Ok(());
        }
        Err(jws::invalid("the signature was not made with our key"))
    }

    fn check_registered(&self, registered: &Registered) -> Result<(), TokenError> {
        if let Some(audience) = &self.keys.audience
            && !registered.audience.iter().any(|it| audience.is_met_by(it))
        {
            return Err(jws::invalid("claim `aud` does not name our audience"));
        }
        if let Some(issuer) = &self.keys.issuer
            && !issuer.is_met_by(&registered.issuer)
        {
            return Err(jws::invalid("claim `iss` does not name our issuer"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
