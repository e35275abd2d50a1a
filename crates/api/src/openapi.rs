//! The API described to machines and people: an OpenAPI document, and a page that shows it and tries it.
//!
//! What requests and answers hold is said in `openapi/methods.rs`, `requests.rs` and `results.rs`. Its tests read a
//! request of each method with the method's own decoder and note every field that is asked for, and compare what the
//! methods answer; so neither the document nor the code can have a field that the other has not.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;

use crate::http::ApiOptions;

mod document;
mod methods;
mod requests;
mod results;
mod schemas;
mod shape;

#[cfg(test)]
mod tests;

/// Where the description is served, and what it tells beside the API (configuration section `swagger`).
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// The address of the page.
    pub prefix: String,
    /// The address of the health check, if there is one.
    pub health: Option<String>,
    /// The server's version.
    pub version: String,
}

/// Routes for the page, at the prefix with a slash, and for the document, `openapi.json` beside it.
///
/// Both are open to everybody: they tell nothing that this source doesn't. Calls from the page need the key.
pub fn router(description: &Description, api: &ApiOptions) -> Router {
    let prefix = description.prefix.trim_end_matches('/').to_owned();
    let settings = document::Settings {
        prefix: api.prefix.trim_end_matches('/').to_owned(),
        root: root(&prefix),
        health: description.health.clone(),
        insecure: api.insecure,
        version: description.version.clone(),
    };
    let document = bytes::Bytes::from(document::document(&settings));
    let page = format!("{prefix}/");
    let mut router = Router::new().route(&page, get(show_page)).route(
        &format!("{prefix}/openapi.json"),
        get(|| async move { ([(CONTENT_TYPE, "application/json"), NEVER_STALE], document) }),
    );
    if let Some((_, name)) = prefix.rsplit_once('/') {
        let page = format!("{name}/");
        router = router.route(&prefix, get(|| async move { Redirect::temporary(&page) }));
    }
    router
}

/// The way from the document to the root of the server: `..` for `/swagger/openapi.json`.
fn root(prefix: &str) -> String {
    match prefix.matches('/').count() {
        0 => ".".to_owned(),
        depth => vec![".."; depth].join("/"),
    }
}

async fn show_page() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        NEVER_STALE,
    ];
    (headers, include_str!("openapi/page.html"))
}

/// Another server may be here tomorrow.
const NEVER_STALE: (axum::http::HeaderName, &str) = (CACHE_CONTROL, "no-cache");
/// The page is one file, and speaks with nobody but this server.
const POLICY: &str = "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; \
    script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
