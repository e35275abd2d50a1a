//! Tokens in, claims out; and the other way round for tools and tests.

use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};

use crate::algorithm::{Algorithm, PublicAlgorithm, SharedAlgorithm};
use crate::claims::{self, Registered};
use crate::endpoint::{Endpoint, Variables};
use crate::expected::Expected;
use crate::jws::{Header, Unverified, brief};
use crate::key::PublicKey;
use crate::key_set::KeySet;
use crate::object::{self, Object};

mod issue;

pub use crate::key::Secret;
pub use issue::{issue_connection, issue_subscription};

/// What tokens are checked against (configuration sections `client.token` and `client.subscription_token`).
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Signs HS256, HS384 and HS512; without it no token with these is accepted.
    pub hmac: Option<Secret>,
    /// The key that `hmac` replaced.
    pub previous: Option<PreviousKey>,
    /// Check the signatures of all other algorithms, each those it is made for.
    pub public: Vec<PublicKey>,
    /// Where all keys come from. If it is set, none of those above counts.
    pub endpoint: Option<Endpoint>,
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

/// What it takes to check a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Some microseconds: a worker can do it.
    Nothing,
    /// Some hundred microseconds of computing.
    Time,
    /// That, and the keys of an endpoint.
    Keys(EndpointKey),
}

/// A key of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointKey {
    /// The address of the key set. It may hold a password: see [`crate::endpoint::without_password`].
    pub address: String,
    /// The key's id.
    pub key_id: String,
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

    /// What it takes to check `token`.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] if no key could make it valid.
    pub fn need(&self, token: &str) -> Result<Need, TokenError> {
        let Keys {
            public, endpoint, ..
        } = &self.keys;
        let has_own_keys_only = public.is_empty() && endpoint.is_none();
        if has_own_keys_only || self.keys.insecure_skip_signature_verify {
            return Ok(Need::Nothing);
        }
        let token = Unverified::parse(token)?;
        let header = token.header()?;
        match (endpoint, header.algorithm) {
            (_, Algorithm::Shared(_)) => Ok(Need::Nothing),
            (None, Algorithm::Public(_)) => Ok(Need::Time),
            (Some(endpoint), Algorithm::Public(_)) => {
                self.wanted(endpoint, &token, &header).map(Need::Keys)
            }
        }
    }

    /// What a connection token says. `now_unix` is the time in seconds; `fetched` are the keys of the endpoint that
    /// [`Self::need`] named.
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
        fetched: Option<&KeySet>,
    ) -> Result<ConnectionClaims, TokenError> {
        self.verify(token, now_unix, fetched, claims::connection)
    }

    /// What a subscription token says, by the arguments of [`Self::verify_connection`].
    ///
    /// # Errors
    /// [`TokenError::Expired`] before `nbf` and from `exp` on; else [`TokenError::Invalid`].
    /// # Source
    /// As [`Self::verify_connection`], with claims `channel`, `client`, `data`, `b64data` and `override`.
    pub fn verify_subscription(
        &self,
        token: &str,
        now_unix: i64,
        fetched: Option<&KeySet>,
    ) -> Result<SubscriptionClaims, TokenError> {
        let claims = self.verify(token, now_unix, fetched, claims::subscription)?;
        if claims.channel.is_empty() {
            return Err(object::invalid("it has no claim `channel`"));
        }
        Ok(claims)
    }

    fn verify<T>(
        &self,
        token: &str,
        now_unix: i64,
        fetched: Option<&KeySet>,
        read: impl FnOnce(&Object<'_>, &Registered) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let token = Unverified::parse(token)?;
        if !self.keys.insecure_skip_signature_verify {
            self.verify_signature(&token, now_unix, fetched)?;
        }
        let claims = self.claims(&token)?;
        let registered = Registered::read(&claims, self.keys.user_id_claim.as_deref())?;
        self.check_registered(&registered)?;
        let answer = read(&claims, &registered)?;
        registered.check_time(now_unix)?;
        Ok(answer)
    }

    fn claims<'a>(&self, token: &'a Unverified<'_>) -> Result<Object<'a>, TokenError> {
        Object::parse(&token.claims)
            .ok_or_else(|| object::invalid("the claims are not a JSON object"))
    }

    fn verify_signature(
        &self,
        token: &Unverified<'_>,
        now_unix: i64,
        fetched: Option<&KeySet>,
    ) -> Result<(), TokenError> {
        let header = token.header()?;
        let is_signed = match header.algorithm {
            Algorithm::Shared(algorithm) => self.is_signed_by_us(token, algorithm, now_unix)?,
            Algorithm::Public(algorithm) => {
                let key = self.public_key(&header, algorithm, fetched)?;
                let signed = key.has_signed(algorithm, token.signed, &token.signature);
                signed.unwrap_or(false)
            }
        };
        if is_signed {
            Ok(())
        } else {
            Err(object::invalid("the signature was not made with our key"))
        }
    }

    fn is_signed_by_us(
        &self,
        token: &Unverified<'_>,
        algorithm: SharedAlgorithm,
        now_unix: i64,
    ) -> Result<bool, TokenError> {
        if self.keys.endpoint.is_some() {
            return Err(object::invalid(
                "it is signed with a shared key, and none counts where keys come from an endpoint",
            ));
        }
        let Some(current) = &self.keys.hmac else {
            return Err(object::invalid("no key is configured for HMAC tokens"));
        };
        let previous = self.keys.previous.as_ref();
        let previous = previous.filter(|it| it.valid_until.is_none_or(|until| now_unix <= until));
        let mut keys = std::iter::once(current).chain(previous.map(|it| &it.key));
        Ok(keys.any(|key| key.has_signed(algorithm, token.signed, &token.signature)))
    }

    fn public_key<'a>(
        &'a self,
        header: &Header,
        algorithm: PublicAlgorithm,
        fetched: Option<&'a KeySet>,
    ) -> Result<&'a PublicKey, TokenError> {
        if self.keys.endpoint.is_some() {
            let set = fetched.ok_or_else(|| TokenError::Failed("the keys are not here".into()))?;
            return set
                .find(key_id(header)?, algorithm)
                .map_err(TokenError::Invalid);
        }
        let is_for = |key: &&PublicKey| key.algorithms().any(|its| its == algorithm);
        self.keys.public.iter().find(is_for).ok_or_else(|| {
            object::invalid(format!("no key is configured for tokens with {algorithm}"))
        })
    }

    /// Where the key is that a token names. Its claims are not believed, but a foreign issuer costs no fetch.
    fn wanted(
        &self,
        endpoint: &Endpoint,
        token: &Unverified<'_>,
        header: &Header,
    ) -> Result<EndpointKey, TokenError> {
        let key_id = key_id(header)?.to_owned();
        let claims = self.claims(token)?;
        let registered = Registered::read(&claims, self.keys.user_id_claim.as_deref())?;
        self.check_registered(&registered)?;
        let mut variables = Variables::new();
        if let Some(issuer) = &self.keys.issuer {
            issuer.variables(&registered.issuer, &mut variables);
        }
        if let Some(audience) = &self.keys.audience {
            let ours = registered.audience.iter().find(|it| audience.is_met_by(it));
            audience.variables(ours.map_or("", String::as_str), &mut variables);
        }
        let address = endpoint.fill(&variables).ok_or_else(|| {
            object::invalid("its claims lead out of the path of the endpoint for keys")
        })?;
        Ok(EndpointKey { address, key_id })
    }

    fn check_registered(&self, registered: &Registered) -> Result<(), TokenError> {
        if let Some(audience) = &self.keys.audience
            && !registered.audience.iter().any(|it| audience.is_met_by(it))
        {
            let its = told(registered.audience.iter());
            return Err(object::invalid(format!(
                "claim `aud` ({its}) does not name our audience"
            )));
        }
        if let Some(issuer) = &self.keys.issuer
            && !issuer.is_met_by(&registered.issuer)
        {
            let its = told(
                Some(&registered.issuer)
                    .into_iter()
                    .filter(|it| !it.is_empty()),
            );
            return Err(object::invalid(format!(
                "claim `iss` ({its}) does not name our issuer"
            )));
        }
        Ok(())
    }
}

/// Values of a claim, some of them.
fn told<'a>(values: impl Iterator<Item = &'a String>) -> String {
    let values: Vec<_> = values.take(3).map(|value| brief(value)).collect();
    if values.is_empty() {
        return "not there".to_owned();
    }
    values.join(", ")
}

fn key_id(header: &Header) -> Result<&str, TokenError> {
    let id = header.key_id.as_deref().filter(|id| !id.is_empty());
    id.ok_or_else(|| object::invalid("the header does not say which key signed (`kid`)"))
}

#[cfg(test)]
mod tests;
