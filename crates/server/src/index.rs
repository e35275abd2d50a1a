//! The page at `/` where nothing else is mounted: it says what the server offers.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;

use veche_config::Config;

/// A route for `/`, unless the configuration serves something else there.
///
/// It tells what is switched on of the pages for people, but no address of clients: strangers look here, too.
pub(crate) fn router(config: &Config) -> Router {
    if is_taken(config) {
        return Router::new();
    }
    let page = bytes::Bytes::from(page(config));
    Router::new().route("/", get(|| async move { answer(page) }))
}

fn answer(page: bytes::Bytes) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, page)
}

/// The page is one file, and loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Whether the configuration serves something at `/`.
fn is_taken(config: &Config) -> bool {
    let api = (!config.http_api.disabled).then_some(&config.http_api.handler_prefix);
    let pages = pages(config).map(|page| page.address);
    let mut addresses = api.into_iter().chain(pages.into_iter().flatten());
    addresses.any(|address| address.trim_end_matches('/').is_empty())
}

/// A page for people, and the key that switches it on.
struct Page<'a> {
    /// `None` where it is switched off.
    address: Option<&'a String>,
    key: &'static str,
    about: &'static str,
}

fn pages(config: &Config) -> [Page<'_>; 3] {
    let swagger = config.swagger.enabled && !config.http_api.disabled;
    [
        Page {
            address: swagger.then_some(&config.swagger.handler_prefix),
            key: "swagger.enabled",
            about: "the server API: every method, to read about and to try",
        },
        Page {
            address: (config.health.enabled).then_some(&config.health.handler_prefix),
            key: "health.enabled",
            about: "whether the server is well",
        },
        Page {
            address: (config.prometheus.enabled).then_some(&config.prometheus.handler_prefix),
            key: "prometheus.enabled",
            about: "metrics for Prometheus",
        },
    ]
}

fn page(config: &Config) -> String {
    let row = |page: &Page<'_>| match page.address {
        Some(address) => {
            let (address, about) = (escaped(address), page.about);
            // Relative, so that it holds behind a proxy that adds a prefix to paths.
            let link = address.trim_start_matches('/');
            format!("<li><a href=\"{link}\">{address}</a> {about}</li>\n")
        }
        None => {
            let Page { key, about, .. } = page;
            format!("<li class=\"off\"><code>{key}</code> is off: {about}</li>\n")
        }
    };
    let rows: String = pages(config).iter().map(row).collect();
    include_str!("index.html").replace("{rows}", &rows)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        change(&mut config);
        config
    }

    #[test]
    fn it_leads_to_what_is_switched_on_and_names_the_keys_of_the_rest() {
        let page = page(&config(|config| {
            config.swagger.enabled = true;
            config.health.enabled = true;
            config.health.handler_prefix = "/well<&>".into();
        }));
        assert!(page.contains("<a href=\"swagger\">/swagger</a>"), "{page}");
        let health = "<a href=\"well&lt;&amp;&gt;\">/well&lt;&amp;&gt;</a>";
        assert!(page.contains(health), "{page}");
        assert!(page.contains("<code>prometheus.enabled</code> is off"));
        assert!(!page.contains("/metrics") && !page.contains("/connection"));
    }

    #[test]
    fn what_is_served_at_the_root_stays_there() {
        assert!(!is_taken(&Config::default()));
        for prefix in ["/", ""] {
            let api = config(|config| config.http_api.handler_prefix = prefix.into());
            assert!(is_taken(&api));
            let health = config(|config| config.health.handler_prefix = prefix.into());
            assert!(!is_taken(&health), "it is off");
        }
        let health = config(|config| {
            config.health.enabled = true;
            config.health.handler_prefix = "/".into();
        });
        assert!(is_taken(&health));
    }
}
