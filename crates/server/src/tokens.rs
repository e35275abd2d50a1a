//! Checks tokens: at once where that is cheap, else on the control runtime, so that no worker waits.

use std::sync::Arc;

use tokio::sync::Semaphore;
use veche_auth::key_set::KeySet;
use veche_auth::token::{Keys, Need, Verifier};
use veche_engine::pending::Pending;
use veche_protocol::claims::TokenError;

use crate::jwks::Jwks;

/// Signatures of public keys that are checked at once. The control runtime has two threads: while every client of a
/// node comes back with a token, one of them is left for the API, health and endpoints.
const AT_ONCE: usize = 1;

/// Shared by all checkers: the key sets of endpoints, and the limit on concurrent checks.
#[derive(Clone, Debug)]
pub(crate) struct CheckerContext {
    jwks: Arc<Jwks>,
    turns: Arc<Semaphore>,
}

impl Default for CheckerContext {
    fn default() -> Self {
        Self {
            jwks: Arc::new(Jwks::new()),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

/// Checks tokens by some keys.
#[derive(Clone, Debug)]
pub(crate) struct Checker {
    verifier: Arc<Verifier>,
    context: CheckerContext,
}

/// One of the verifier's ways to read a token.
pub(crate) type Verify<T> = fn(&Verifier, &str, i64, Option<&KeySet>) -> Result<T, TokenError>;

impl Checker {
    /// Checks by these keys.
    pub(crate) fn new(keys: Keys, context: CheckerContext) -> Self {
        Self {
            verifier: Arc::new(Verifier::new(keys)),
            context,
        }
    }

    /// The claims of a token at this Unix time, in seconds.
    pub(crate) fn check<T: Send + 'static>(
        &self,
        token: &str,
        now: i64,
        verify: Verify<T>,
    ) -> Pending<Result<Box<T>, TokenError>> {
        let wanted = match self.verifier.need(token) {
            Err(error) => return Pending::Ready(Err(error)),
            Ok(Need::Nothing) => {
                return Pending::Ready(verify(&self.verifier, token, now, None).map(Box::new));
            }
            Ok(Need::Time) => None,
            Ok(Need::Keys(wanted)) => Some(wanted),
        };
        let (this, token) = (self.clone(), token.to_owned());
        Pending::Later(Box::pin(async move {
            let CheckerContext { jwks, turns } = &this.context;
            let fetched = match wanted {
                Some(wanted) => Some(jwks.keys(&wanted).await?),
                None => None,
            };
            let _turn = turns.acquire().await;
            verify(&this.verifier, &token, now, fetched.as_deref()).map(Box::new)
        }))
    }
}
