//! The authority of the server: checks tokens by the configured keys.

use veche_auth::token::Verifier;
use veche_config::Config;
use veche_engine::pending::Pending;
use veche_node::authority::{Authority, Caller};
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};

use crate::keys;
use crate::tokens::{Checker, CheckerContext};

/// Checks tokens by the configured keys.
#[derive(Debug)]
pub(crate) struct TokenAuthority {
    connection: Checker,
    subscription: Checker,
}

impl TokenAuthority {
    /// The keys of a configuration.
    ///
    /// # Errors
    /// What is wrong with a key, in words.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let client = &config.client;
        let context = CheckerContext::default();
        Ok(Self {
            connection: Checker::new(keys::connection(client)?, context.clone()),
            subscription: Checker::new(keys::subscription(client)?, context),
        })
    }
}

impl TokenAuthority {
    /// What a connection token says, at this time (seconds of Unix time).
    pub(crate) fn check_connection(
        &self,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        self.connection
            .check(token, now, Verifier::verify_connection)
    }

    /// What a subscription token says, at this time (seconds of Unix time).
    pub(crate) fn check_subscription(
        &self,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        self.subscription
            .check(token, now, Verifier::verify_subscription)
    }
}

/// Keys are the same for all clients.
impl Authority for TokenAuthority {
    fn connection_token(
        &self,
        _caller: &Caller<'_>,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        self.check_connection(token, now)
    }

    fn subscription_token(
        &self,
        _caller: &Caller<'_>,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        self.check_subscription(token, now)
    }
}

/// The claims of a connection token at the Unix time `now`, in seconds, checked as by the running server. Keys of an
/// endpoint are fetched.
///
/// # Errors
/// Why the token is not accepted; [`TokenError::Failed`] also where the configured keys cannot be used.
/// # Cancel safety
/// May be dropped.
pub async fn connection_claims(
    config: &Config,
    token: &str,
    now: i64,
) -> Result<Box<ConnectionClaims>, TokenError> {
    let authority = TokenAuthority::new(config).map_err(TokenError::Failed)?;
    authority.check_connection(token, now).wait().await
}

/// The claims of a subscription token; else as [`connection_claims`].
///
/// # Errors
/// As [`connection_claims`].
/// # Cancel safety
/// May be dropped.
pub async fn subscription_claims(
    config: &Config,
    token: &str,
    now: i64,
) -> Result<Box<SubscriptionClaims>, TokenError> {
    let authority = TokenAuthority::new(config).map_err(TokenError::Failed)?;
    authority.check_subscription(token, now).wait().await
}

#[cfg(test)]
mod tests {
    use veche_config::Config;
    use veche_config::value::Secret;

    use super::{
        ConnectionClaims, SubscriptionClaims, TokenError, connection_claims, subscription_claims,
    };
    use crate::issue::{self, Sample};

    fn issue(config: &Config, sample: &Sample<'_>) -> Result<String, String> {
        issue::issue(&config.client, sample)
    }

    #[tokio::main(flavor = "current_thread")]
    async fn check_connection(
        config: &Config,
        token: &str,
        now: i64,
    ) -> Result<Box<ConnectionClaims>, TokenError> {
        connection_claims(config, token, now).await
    }

    #[tokio::main(flavor = "current_thread")]
    async fn check_subscription(
        config: &Config,
        token: &str,
        now: i64,
    ) -> Result<Box<SubscriptionClaims>, TokenError> {
        subscription_claims(config, token, now).await
    }

    fn config() -> Config {
        let mut config = Config::default();
        config.client.token.hmac_secret_key = Secret::from("key".to_owned());
        config
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
        let token = issue(&config(), &ANNA).unwrap();
        let claims = check_connection(&config(), &token, 1999).unwrap();
        assert_eq!(
            (claims.user.as_str(), claims.expire_at),
            ("anna", Some(2000))
        );
        assert!(check_connection(&config(), &token, 2000).is_err());
        assert!(check_subscription(&config(), &token, 1000).is_err());
    }

    #[test]
    fn subscription_tokens_have_keys_of_their_own_once_they_are_enabled() {
        let mut config = config();
        let shared = issue(&config, &NEWS).unwrap();
        assert_eq!(
            check_subscription(&config, &shared, 1000).unwrap().channel,
            "news"
        );
        config.client.subscription_token.enabled = true;
        assert!(
            issue(&config, &NEWS)
                .unwrap_err()
                .starts_with("client.subscription_token.hmac_secret_key")
        );
        config.client.subscription_token.token.hmac_secret_key = Secret::from("other".to_owned());
        assert!(check_subscription(&config, &shared, 1000).is_err());
        let own = issue(&config, &NEWS).unwrap();
        assert!(check_subscription(&config, &own, 1000).is_ok());
    }

    #[test]
    fn the_previous_key_holds_until_its_time() {
        let token = issue(&config(), &ANNA).unwrap();
        let mut config = config();
        config.client.token.hmac_secret_key = Secret::from("new".to_owned());
        assert!(check_connection(&config, &token, 1000).is_err());
        config.client.token.hmac_previous_secret_key = Secret::from("key".to_owned());
        assert!(check_connection(&config, &token, 1900).is_ok());
        config.client.token.hmac_previous_secret_key_valid_until = 1500;
        assert!(check_connection(&config, &token, 1500).is_ok());
        assert!(check_connection(&config, &token, 1501).is_err());
    }

    #[test]
    fn the_audience_may_be_given_as_a_pattern() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIiwiYXVkIjoid2ViIn0.";
        let mut config = config();
        config.client.insecure_skip_token_signature_verify = true;
        config.client.token.audience_regex = "^(web|app)$".to_owned();
        assert!(check_connection(&config, token, 1000).is_ok());
        config.client.token.audience_regex = "^app$".to_owned();
        let error = check_connection(&config, token, 1000).unwrap_err();
        assert!(error.why().contains("aud"), "{error:?}");
    }

    #[test]
    fn no_token_is_made_that_would_be_refused() {
        let unset = Config::default();
        assert!(
            issue(&unset, &ANNA)
                .unwrap_err()
                .starts_with("client.token.hmac_secret_key is not set")
        );
        let mut strict = config();
        strict.client.token.audience = "app".to_owned();
        assert!(
            issue(&strict, &ANNA)
                .unwrap_err()
                .starts_with("client.token wants more")
        );
        let mut strict = config();
        strict.client.token.user_id_claim = "uid".to_owned();
        assert!(issue(&strict, &ANNA).unwrap_err().contains("user_id_claim"));
    }
}
