//! An endpoint that answers, fails and is slow, in a time that tests set.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{advance, sleep};

use super::*;

/// How the endpoint behaves: what it answers, and after which time.
#[derive(Clone)]
struct Behaviour {
    answer: Arc<Mutex<Result<String, String>>>,
    delay: Arc<Mutex<Duration>>,
    asked: Arc<AtomicUsize>,
}

impl Behaviour {
    /// An endpoint with keys of these ids.
    fn with(ids: &[&str]) -> Self {
        let this = Self::failing("nothing is there");
        this.set(Ok(ids));
        this
    }

    fn failing(why: &str) -> Self {
        Self {
            answer: Arc::new(Mutex::new(Err(why.to_owned()))),
            delay: Arc::default(),
            asked: Arc::default(),
        }
    }

    fn set(&self, answer: Result<&[&str], &str>) {
        *lock(&self.answer) = answer.map_err(str::to_owned).map(|ids| {
            let keys: Vec<_> = ids
                .iter()
                .map(|id| format!(r#"{{"kid":"{id}"}}"#))
                .collect();
            format!(r#"{{"keys":[{}]}}"#, keys.join(","))
        });
    }

    fn jwks(&self) -> Arc<Jwks> {
        let this = self.clone();
        Arc::new(Jwks::fetching(move |_| {
            let this = this.clone();
            Box::pin(async move {
                this.asked.fetch_add(1, Ordering::Relaxed);
                let delay = *lock(&this.delay);
                sleep(delay).await;
                lock(&this.answer).clone().map(Bytes::from)
            })
        }))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn wanted(id: &str) -> EndpointKey {
    EndpointKey {
        address: "https://user:password@a.example/keys".to_owned(),
        key_id: id.to_owned(),
    }
}

/// Whether the set that is found has the key, or why there is no set.
async fn look(jwks: &Jwks, id: &str) -> Result<bool, String> {
    match jwks.keys(&wanted(id)).await {
        Ok(keys) => Ok(keys.has(id)),
        Err(TokenError::Failed(why)) => Err(why),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_once_an_hour() {
    let endpoint = Behaviour::with(&["a", "b"]);
    let jwks = endpoint.jwks();
    for id in ["a", "b", "a"] {
        assert_eq!(look(&jwks, id).await, Ok(true));
    }
    advance(FRESH - Duration::from_secs(1)).await;
    assert_eq!(look(&jwks, "a").await, Ok(true));
    assert_eq!(endpoint.asked(), 1);
    endpoint.set(Ok(&["b"]));
    advance(Duration::from_secs(1)).await;
    assert_eq!(look(&jwks, "a").await, Ok(false));
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_known_is_looked_for_anew() {
    let endpoint = Behaviour::with(&["old"]);
    let jwks = endpoint.jwks();
    assert_eq!(look(&jwks, "old").await, Ok(true));
    endpoint.set(Ok(&["old", "new"]));
    advance(PAUSE).await;
    assert_eq!(look(&jwks, "new").await, Ok(true));
    assert_eq!(look(&jwks, "old").await, Ok(true));
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_looked_for_once_in_a_pause_and_their_askers_wait() {
    let endpoint = Behaviour::with(&["a"]);
    let jwks = endpoint.jwks();
    assert_eq!(look(&jwks, "a").await, Ok(true));
    let began = Instant::now();
    let mut lookups = Vec::new();
    for number in 0..100 {
        let jwks = jwks.clone();
        lookups.push(tokio::spawn(async move {
            look(&jwks, &format!("made up {number}")).await
        }));
    }
    // Whoever names a key that is known is not held up by them.
    assert_eq!(look(&jwks, "a").await, Ok(true));
    assert_eq!(began.elapsed(), Duration::ZERO);
    for lookup in lookups {
        assert_eq!(lookup.await.unwrap(), Ok(false));
    }
    assert_eq!((endpoint.asked(), began.elapsed()), (2, PAUSE));
}

#[tokio::test(start_paused = true)]
async fn all_who_ask_while_a_fetch_is_under_way_share_it() {
    let endpoint = Behaviour::with(&["a"]);
    *lock(&endpoint.delay) = Duration::from_secs(1);
    let jwks = endpoint.jwks();
    let lookups: Vec<_> = (0..100)
        .map(|_| {
            let jwks = jwks.clone();
            tokio::spawn(async move { look(&jwks, "a").await })
        })
        .collect();
    for lookup in lookups {
        assert_eq!(lookup.await.unwrap(), Ok(true));
    }
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_fails_is_a_reason_to_come_again_and_is_not_hammered() {
    let endpoint = Behaviour::failing("connection refused");
    let jwks = endpoint.jwks();
    let why = look(&jwks, "a").await.unwrap_err();
    assert!(
        why.contains("connection refused") && why.contains("a.example"),
        "{why}"
    );
    assert!(!why.contains("password"), "{why}");
    assert_eq!(endpoint.asked(), TRIES);
    assert!(look(&jwks, "a").await.is_err());
    assert_eq!(endpoint.asked(), TRIES);
    endpoint.set(Ok(&["a"]));
    advance(PAUSE).await;
    assert_eq!(look(&jwks, "a").await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_key_set_is_a_failure_too() {
    let endpoint = Behaviour::failing("");
    *lock(&endpoint.answer) = Ok("<html>sorry</html>".to_owned());
    let why = look(&endpoint.jwks(), "a").await.unwrap_err();
    assert!(why.contains("not a key set"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn known_keys_hold_through_an_outage_but_not_longer_than_a_day() {
    let endpoint = Behaviour::with(&["a"]);
    let jwks = endpoint.jwks();
    assert_eq!(look(&jwks, "a").await, Ok(true));
    endpoint.set(Err("no answer"));
    advance(FRESH).await;
    assert_eq!(look(&jwks, "a").await, Ok(true));
    let why = look(&jwks, "b").await.unwrap_err();
    assert!(why.contains("no answer"), "{why}");
    advance(GRACE - FRESH - Duration::from_secs(1)).await;
    assert_eq!(look(&jwks, "a").await, Ok(true));
    advance(Duration::from_secs(1)).await;
    assert!(look(&jwks, "a").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn endpoints_have_keys_of_their_own_and_there_is_a_bound_to_them() {
    let endpoint = Behaviour::with(&["a"]);
    let jwks = endpoint.jwks();
    for number in 0..MAX_ENDPOINTS + 10 {
        let address = format!("https://a.example/{number}");
        let key_id = "a".to_owned();
        assert!(jwks.keys(&EndpointKey { address, key_id }).await.is_ok());
    }
    assert_eq!(endpoint.asked(), MAX_ENDPOINTS + 10);
    assert_eq!(lock(&jwks.endpoints).len(), MAX_ENDPOINTS);
}
