//! What the application decides, by the keys it has configured.

use veche_auth::token::Verifier;
use veche_engine::pending::Pending;
use veche_node::authority::Authority;
use veche_protocol::claims::{ConnectionClaims, SubscriptionClaims, TokenError};
use veche_protocol::error_code::{CommandError, ErrorCode};
use veche_protocol::payload::Payload;

use crate::config::Config;
use crate::tokens::{Checker, Surroundings};

/// Checks tokens by the configured keys.
#[derive(Debug)]
pub(crate) struct TokenAuthority {
    connection: Checker,
    subscription: Checker,
    /// The method that is answered here, with nothing.
    ping: Option<String>,
}

impl TokenAuthority {
    /// The keys of a configuration.
    ///
    /// # Errors
    /// What is wrong with a key, in words.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let (client, ping) = (&config.client, &config.rpc.ping);
        let surroundings = Surroundings::default();
        Ok(Self {
            connection: Checker::new(client.connection_keys()?, surroundings.clone()),
            subscription: Checker::new(client.subscription_keys()?, surroundings),
            ping: ping.enabled.then(|| ping.method.clone()),
        })
    }
}

impl Authority for TokenAuthority {
    fn connection_token(
        &self,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<ConnectionClaims>, TokenError>> {
        self.connection
            .check(token, now, Verifier::verify_connection)
    }

    fn subscription_token(
        &self,
        token: &str,
        now: i64,
    ) -> Pending<Result<Box<SubscriptionClaims>, TokenError>> {
        self.subscription
            .check(token, now, Verifier::verify_subscription)
    }

    fn rpc(
        &self,
        method: &str,
        _: Option<Payload>,
    ) -> Pending<Result<Option<Payload>, CommandError>> {
        let code = match &self.ping {
            Some(ping) if ping == method => return Pending::Ready(Ok(None)),
            // Who knows one method knows that there is no other.
            Some(_) => ErrorCode::METHOD_NOT_FOUND,
            None => ErrorCode::NOT_AVAILABLE,
        };
        let why = format!(
            "nothing answers the method {method:?}: no backend is configured for calls (rpc.proxy)"
        );
        Pending::Ready(Err(CommandError::because(code, why)))
    }
}
