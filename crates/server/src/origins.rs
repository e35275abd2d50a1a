//! Checks `client.allowed_origins`: patterns that are wrong, or surely not intended.

use veche_config::Config;
use veche_config::findings::Findings;
use veche_transport::origin::Origins;

const KEY: &str = "client.allowed_origins";

/// Checks the patterns of `client.allowed_origins`.
pub(crate) fn check(config: &Config) -> Findings {
    let mut found = Findings::default();
    for pattern in &config.client.allowed_origins {
        match Origins::new(std::slice::from_ref(pattern), false) {
            Err(error) => found.problems.push(error.to_string()),
            Ok(origins) => found.warnings.extend(warning(pattern, &origins)),
        }
    }
    found
}

/// The warning about a pattern.
fn warning(pattern: &str, origins: &Origins) -> Option<String> {
    if admits_all(origins) {
        return Some(format!(
            "{KEY}: \"{pattern}\" lets the pages of every site connect; name the origins of your own pages"
        ));
    }
    let why = never_matches(pattern)?;
    Some(format!("{KEY}: \"{pattern}\" matches no page: {why}"))
}

/// Whether the pages of any site may connect.
fn admits_all(origins: &Origins) -> bool {
    ["https://any.invalid", "http://any.invalid"]
        .iter()
        .any(|origin| origins.admit(Some(origin), None))
}

/// Why no browser sends an origin that matches the pattern.
///
/// # Source
/// RFC 6454, sections 6.2 and 7.1: scheme, `://`, host, and the port unless it is the scheme's own.
fn never_matches(pattern: &str) -> Option<String> {
    let has_wildcard = pattern.contains(['*', '?', '[', '{']);
    let (scheme, authority) = pattern.split_once("://").unwrap_or_default();
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    if pattern.trim() != pattern || pattern.is_empty() {
        return Some("an origin has no space in it, and is not empty".to_owned());
    }
    if !pattern.is_ascii() {
        return Some("browsers spell such a name in ASCII, as xn--…".to_owned());
    }
    if let Some((address, after)) = bracketed(authority) {
        return Some(format!(
            "brackets stand for one of the characters in them; write \"{scheme}://\\\\[{address}\\\\]{after}\" in JSON"
        ));
    }
    if pattern.matches('/').count() > 2 {
        let (host, _) = authority.split_once('/').unwrap_or_default();
        return Some(format!(
            "an origin has no path, not even a slash; write \"{scheme}://{host}\""
        ));
    }
    match scheme.to_ascii_lowercase().as_str() {
        "" if pattern != "null" && !has_wildcard => Some(format!(
            "an origin begins with its scheme; write \"https://{pattern}\""
        )),
        "ws" | "wss" => {
            Some("an origin has the scheme of the page, which is http or https".to_owned())
        }
        "http" if port == "80" => Some(format!(
            "browsers leave 80 away with http; write \"{scheme}://{host}\""
        )),
        "https" if port == "443" => Some(format!(
            "browsers leave 443 away with https; write \"{scheme}://{host}\""
        )),
        _ => None,
    }
}

/// An address of IPv6 in brackets, and what follows it.
fn bracketed(authority: &str) -> Option<(&str, &str)> {
    let (address, after) = authority.strip_prefix('[')?.split_once(']')?;
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    (address.contains(':') && address.bytes().all(is_address)).then_some((address, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_origins(pattern: &str) -> String {
        let mut config = Config::default();
        config.client.allowed_origins = vec![pattern.to_owned()];
        let found = check(&config);
        assert!(found.problems.is_empty(), "{found:?}");
        found.warnings.join("\n")
    }

    #[test]
    fn what_is_no_pattern_stops_the_start() {
        let mut config = Config::default();
        config.client.allowed_origins = vec!["https://[".to_owned()];
        let found = check(&config);
        assert!(
            found.problems[0].starts_with("client.allowed_origins: \"https://[\""),
            "{found:?}"
        );
    }

    #[test]
    fn a_pattern_for_every_site_is_named() {
        for pattern in ["*", "**", "*://*", "https://*", "http*"] {
            let warning = of_origins(pattern);
            assert!(warning.contains("every site"), "{pattern}: {warning}");
        }
    }

    #[test]
    fn a_pattern_that_matches_no_page_says_what_to_write() {
        for (pattern, words) in [
            ("http://x/", "write \"http://x\""),
            (
                "https://*.example.com/app",
                "write \"https://*.example.com\"",
            ),
            ("http://[::1]:3000", r#"write "http://\\[::1\\]:3000""#),
            ("example.com", "write \"https://example.com\""),
            ("localhost:3000", "begins with its scheme"),
            ("wss://example.com", "http or https"),
            ("https://example.com:443", "write \"https://example.com\""),
            ("http://example.com:80", "write \"http://example.com\""),
            ("https://вече.example", "xn--"),
            ("", "not empty"),
            (" https://example.com", "no space"),
        ] {
            let warning = of_origins(pattern);
            assert!(warning.contains(words), "{pattern}: {warning}");
            let origins = Origins::new(&[pattern.to_owned()], false).unwrap();
            for sent in ["http://x", "http://[::1]:3000", "https://example.com"] {
                assert!(!origins.admit(Some(sent), None), "{pattern} matches {sent}");
            }
        }
    }

    #[test]
    fn a_pattern_that_matches_some_pages_is_not_named() {
        for pattern in [
            "https://example.com",
            "HTTPS://App.Example.com:8443",
            "https://*.example.com",
            "*.example.com",
            r"http://\[::1\]:3000",
            "http://localhost:[0-9]*",
            "capacitor://localhost",
            "null",
        ] {
            assert_eq!(of_origins(pattern), "", "{pattern}");
        }
        let escaped = Origins::new(&[r"http://\[::1\]:3000".to_owned()], false).unwrap();
        assert!(escaped.admit(Some("http://[::1]:3000"), None));
    }
}
