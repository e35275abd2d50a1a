//! Who may call: those that know the key.

use std::fmt;

use axum::extract::Query;
use axum::http::Uri;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use subtle::ConstantTimeEq;

/// The key that calls must show (configuration keys `http_api.key` and `grpc_api.key`). Never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Takes `key` as it is. The empty key opens nothing over HTTP, and everything over gRPC.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Whether a request shows the key: in the header `X-API-Key`, else in `Authorization: apikey KEY`; or in the
    /// parameter `api_key` of the address.
    pub(crate) fn is_shown(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let own_header = header(headers, "x-api-key").filter(|key| !key.is_empty());
        let in_headers = match own_header {
            Some(key) => self.is(key),
            None => header(headers, AUTHORIZATION.as_str())
                .and_then(authorization)
                .is_some_and(|key| self.is(key)),
        };
        in_headers || self.is_in_query(uri)
    }

    /// Whether gRPC metadata show the key: the first `authorization` is `apikey KEY`, as it is spelled here.
    pub(crate) fn is_in_metadata(&self, metadata: &HeaderMap) -> bool {
        let shown = header(metadata, AUTHORIZATION.as_str());
        shown
            .and_then(|shown| shown.strip_prefix(b"apikey "))
            .is_some_and(|key| self.is(key))
    }

    /// Whether there is no key.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_in_query(&self, uri: &Uri) -> bool {
        let Ok(Query(parameters)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
            return false;
        };
        let key = parameters.iter().find(|(name, _)| name == "api_key");
        key.is_some_and(|(_, key)| self.is(key.as_bytes()))
    }

    /// Takes the same time wherever the keys differ.
    fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(...)")
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(|value| value.as_bytes())
}

/// The key in `apikey KEY`, whose first word may be in any case.
fn authorization(value: &[u8]) -> Option<&[u8]> {
    let mut words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let (scheme, key) = (words.next()?, words.next()?);
    let is_ours = scheme.eq_ignore_ascii_case(b"apikey") && words.next().is_none();
    is_ours.then_some(key)
}
