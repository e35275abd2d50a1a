//! The keys of endpoints: fetched when they are wanted, kept for an hour, and through an outage for a day.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync;
use tokio::time::Instant;
use veche_auth::endpoint::without_password;
use veche_auth::key_set::KeySet;
use veche_auth::token::EndpointKey;
use veche_protocol::claims::TokenError;

use crate::fetch::Fetcher;

/// As long keys are taken as they are.
const FRESH: Duration = Duration::from_secs(3600);
/// As long they are taken while the endpoint fails. A key that was withdrawn meanwhile is accepted until then.
const GRACE: Duration = Duration::from_secs(24 * 3600);
/// From the end of one fetch to the beginning of the next at the same endpoint, whatever tokens name.
const PAUSE: Duration = Duration::from_secs(2);
/// Tries of one fetch.
const TRIES: usize = 2;
/// Most endpoints; there are many only where a part of the address is filled in from tokens.
const MAX_ENDPOINTS: usize = 1000;

type Fetched = Pin<Box<dyn Future<Output = Result<Bytes, String>> + Send>>;

/// The key sets of all endpoints.
pub(crate) struct Jwks {
    fetch: Box<dyn Fn(String) -> Fetched + Send + Sync>,
    endpoints: Mutex<HashMap<String, Arc<Endpoint>>>,
}

/// One address.
#[derive(Default)]
struct Endpoint {
    kept: Mutex<Option<Kept>>,
    /// The holder of the lock fetches; the others wait for the result.
    attempt: sync::Mutex<Option<Attempt>>,
}

/// A key set, and the time of the fetch.
#[derive(Clone)]
struct Kept {
    keys: Arc<KeySet>,
    at: Instant,
}

/// How the last fetch ended.
struct Attempt {
    ended: Instant,
    error: Option<String>,
}

impl Jwks {
    /// Fetches over the network.
    pub(crate) fn new() -> Self {
        let fetcher = Arc::new(Fetcher::default());
        Self::fetching(move |address| {
            let fetcher = fetcher.clone();
            Box::pin(async move { fetcher.get(&address).await })
        })
    }

    fn fetching(fetch: impl Fn(String) -> Fetched + Send + Sync + 'static) -> Self {
        Self {
            fetch: Box::new(fetch),
            endpoints: Mutex::default(),
        }
    }

    /// The key set of an endpoint, which has the key that is wanted if any can be had.
    ///
    /// For a key that is not known yet, the set is fetched again, at most once in [`PAUSE`]. All callers wait for that
    /// fetch.
    ///
    /// # Errors
    /// [`TokenError::Failed`] if the endpoint fails and no keys are kept: the client should try again.
    /// # Cancel safety
    /// May be dropped; a fetch without callers is cancelled.
    pub(crate) async fn keys(&self, wanted: &EndpointKey) -> Result<Arc<KeySet>, TokenError> {
        let endpoint = self.endpoint(&wanted.address);
        let asked = Instant::now();
        if let Some(keys) = endpoint.keys(FRESH).filter(|keys| keys.has(&wanted.key_id)) {
            return Ok(keys);
        }
        let mut attempt = endpoint.attempt.lock().await;
        let has_news = attempt.as_ref().is_some_and(|it| it.ended > asked);
        if !has_news {
            *attempt = Some(
                self.attempt(&endpoint, &wanted.address, attempt.take())
                    .await,
            );
        }
        let error = attempt.as_ref().and_then(|it| it.error.as_ref());
        let kept = endpoint.keys(GRACE);
        match (kept, error) {
            (Some(keys), None) => Ok(keys),
            (Some(keys), Some(_)) if keys.has(&wanted.key_id) => Ok(keys),
            (_, error) => Err(TokenError::Failed(format!(
                "the keys of {} can't be had: {}",
                without_password(&wanted.address),
                error.map_or("there are none", String::as_str)
            ))),
        }
    }

    /// Fetches, unless that failed a moment ago.
    async fn attempt(&self, endpoint: &Endpoint, address: &str, last: Option<Attempt>) -> Attempt {
        if let Some(last) = last {
            let next = last.ended + PAUSE;
            if last.error.is_some() && Instant::now() < next {
                return last;
            }
            tokio::time::sleep_until(next).await;
        }
        let shown = without_password(address);
        let mut result = Err(String::new());
        for _ in 0..TRIES {
            result = self.fetch(address).await;
            if result.is_ok() {
                break;
            }
        }
        let error = match result {
            Ok(keys) => {
                let ids: Vec<_> = keys.ids().take(20).collect();
                tracing::info!(endpoint = %shown, keys = ?ids, "fetched the keys for tokens");
                endpoint.keep(keys);
                None
            }
            Err(error) => {
                tracing::warn!(endpoint = %shown, %error, "could not fetch the keys for tokens");
                Some(error)
            }
        };
        Attempt {
            ended: Instant::now(),
            error,
        }
    }

    async fn fetch(&self, address: &str) -> Result<KeySet, String> {
        let body = (self.fetch)(address.to_owned()).await?;
        KeySet::parse(&body).map_err(|why| format!("what it answers is not a key set: {why}"))
    }

    fn endpoint(&self, address: &str) -> Arc<Endpoint> {
        let mut endpoints = lock(&self.endpoints);
        if let Some(endpoint) = endpoints.get(address) {
            return endpoint.clone();
        }
        if endpoints.len() >= MAX_ENDPOINTS {
            // Which one goes does not matter: its keys are fetched again when they are wanted.
            let any = endpoints.keys().next().cloned();
            any.map(|any| endpoints.remove(&any));
        }
        endpoints.entry(address.to_owned()).or_default().clone()
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jwks")
    }
}

impl Endpoint {
    /// The key set, if it is younger than `age`.
    fn keys(&self, age: Duration) -> Option<Arc<KeySet>> {
        let kept = lock(&self.kept).clone()?;
        (kept.at.elapsed() < age).then_some(kept.keys)
    }

    fn keep(&self, keys: KeySet) {
        *lock(&self.kept) = Some(Kept {
            keys: Arc::new(keys),
            at: Instant::now(),
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
