//! The built page, carried in the binary: content types, tags, caching, compression.

use std::collections::HashMap;
use std::io::Write;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// A file of `apps/chat/assets`, as the build script lists it.
struct Asset {
    /// Its path below the folder, with slashes.
    name: &'static str,
    /// Its entity tag, quoted.
    tag: &'static str,
    bytes: &'static [u8],
}

const ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Text assets compressed once, at the first request for any.
static GZIPPED: LazyLock<HashMap<&'static str, Bytes>> = LazyLock::new(|| {
    let text = ASSETS.iter().filter(|asset| is_text(asset.name));
    text.filter_map(|asset| Some((asset.name, gzip(asset.bytes)?)))
        .collect()
});

/// The page at `/` and under the address of each room, its files below `/chat/assets/`.
///
/// What nobody else answers is a page too, with status 404: an address that leads nowhere is more
/// often a mistake of a person than of a program.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(page))
        .route("/room/{*place}", get(page))
        .route("/join/{token}", get(page))
        .route(
            "/chat-worker.js",
            // At the root, so that it may answer for the whole page.
            get(async |headers: HeaderMap| serve("worker.js", &headers)),
        )
        .route("/{*nowhere}", any(nowhere))
        .route(
            "/chat/assets/{*name}",
            get(async |Path(name): Path<String>, headers: HeaderMap| serve(&name, &headers)),
        )
}

async fn page(headers: HeaderMap) -> Response {
    serve("index.html", &headers)
}

async fn nowhere(method: Method, mut headers: HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_person = accepted.is_some_and(|accept| accept.contains("text/html"));
    if method != Method::GET || !is_person {
        return (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response();
    }
    headers.remove(IF_NONE_MATCH);
    let mut response = serve("index.html", &headers);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn serve(name: &str, request: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "no such file").into_response();
    };
    let known = request
        .get(IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok());
    let mut response = if known.is_some_and(|tags| matches(tags, asset.tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        body(asset, request)
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, HeaderValue::from_static(asset.tag));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching(name)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if name == "index.html" {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
    response
}

fn body(asset: &Asset, request: &HeaderMap) -> Response {
    let kind = (
        CONTENT_TYPE,
        HeaderValue::from_static(content_type(asset.name)),
    );
    match GZIPPED.get(asset.name) {
        Some(packed) if takes_gzip(request) => {
            let encoding = (CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            ([kind, encoding], packed.clone()).into_response()
        }
        _ => ([kind], asset.bytes).into_response(),
    }
}

/// Whether a list of entity tags names this one; weak tags compare equal, as RFC 9110 section
/// 13.1.2 wants.
fn matches(tags: &str, tag: &str) -> bool {
    tags.split(',')
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let said = request
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    said.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "gzip" && !matches!(quality.trim(), "q=0" | "q=0.0")
    })
}

/// Names below `static/` carry a hash of their content and never change; the rest is asked for again.
fn caching(name: &str) -> &'static str {
    if name.starts_with("static/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn is_text(name: &str) -> bool {
    matches!(
        name.rsplit_once('.').map_or("", |(_, ending)| ending),
        "html" | "js" | "css" | "svg" | "webmanifest" | "txt"
    )
}

fn gzip(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// The page runs its own scripts only, talks to its own origin and to WebSockets, and is framed by nobody.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
    manifest-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn asked(header: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_page_is_there_and_every_file_it_names() {
        let page = ASSETS
            .iter()
            .find(|asset| asset.name == "index.html")
            .expect("the page is built");
        let page = std::str::from_utf8(page.bytes).expect("UTF-8");
        let named: Vec<_> = page
            .split('"')
            .filter_map(|part| part.strip_prefix("/chat/assets/"))
            .collect();
        assert!(named.iter().any(|name| name.ends_with(".js")), "{page}");
        for name in named {
            assert_eq!(
                serve(name, &HeaderMap::new()).status(),
                StatusCode::OK,
                "{name}"
            );
        }
    }

    #[test]
    fn every_file_has_a_content_type_of_its_own() {
        for asset in ASSETS {
            assert_ne!(
                content_type(asset.name),
                "application/octet-stream",
                "{}",
                asset.name
            );
        }
    }

    #[test]
    fn hashed_files_are_kept_forever_and_the_page_is_asked_for_again() {
        assert!(caching("static/index-abc.js").contains("immutable"));
        assert_eq!(caching("index.html"), "no-cache");
    }

    #[test]
    fn a_known_tag_is_answered_without_a_body() {
        let tag = ASSETS
            .iter()
            .find(|asset| asset.name == "index.html")
            .expect("built")
            .tag;
        let response = serve("index.html", &asked(IF_NONE_MATCH, tag));
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[ETAG], tag);
        assert_eq!(
            serve("index.html", &asked(IF_NONE_MATCH, "\"other\"")).status(),
            StatusCode::OK
        );
    }

    #[test]
    fn text_is_compressed_for_those_who_take_it() {
        let packed = serve("index.html", &asked(ACCEPT_ENCODING, "br, gzip;q=0.8"));
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        for other in ["br", "gzip;q=0", ""] {
            let plain = serve("index.html", &asked(ACCEPT_ENCODING, other));
            assert!(!plain.headers().contains_key(CONTENT_ENCODING), "{other}");
        }
    }

    #[test]
    fn a_path_out_of_the_folder_is_no_file() {
        assert_eq!(
            serve("../Cargo.toml", &HeaderMap::new()).status(),
            StatusCode::NOT_FOUND
        );
    }
}
