//! Values that are well formed and surely not what somebody meant.

use serde_json::Value;
use veche_transport::origin::Origins;

use crate::config::schema::Config;
use crate::config::setting::{Kind, Setting, join};
use crate::config::table;

/// What the operator should look at, one line each.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = origins(&config.client.allowed_origins);
    placeholders("", &config.show(), &mut warnings);
    warnings
}

fn origins(patterns: &[String]) -> Vec<String> {
    let key = "client.allowed_origins";
    let mut warnings = Vec::new();
    for pattern in patterns {
        if admits_all(pattern) {
            warnings.push(format!(
                "{key}: \"{pattern}\" lets the pages of every site connect; name the origins of your own pages"
            ));
        } else if let Some(why) = never_matches(pattern) {
            warnings.push(format!("{key}: \"{pattern}\" matches no page: {why}"));
        }
    }
    warnings
}

/// Whether a page of a site that nobody has thought of may connect.
fn admits_all(pattern: &String) -> bool {
    let Ok(origins) = Origins::new(std::slice::from_ref(pattern), false) else {
        return false;
    };
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

/// Names of variables that somebody expected to be replaced.
fn placeholders(at: &str, value: &Value, warnings: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                placeholders(&join(at, key), value, warnings);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                let label = name.map_or_else(|| index.to_string(), str::to_owned);
                placeholders(&format!("{at}[{label}]"), item, warnings);
            }
        }
        Value::String(text) => {
            let key = table::find(&table::without_labels(at));
            let is_secret = key.is_some_and(|key| matches!(key.kind, Kind::Secret));
            let Some(found) = placeholder(text, is_secret) else {
                return;
            };
            let instead = key.and_then(table::Key::variable).map_or_else(
                || "write the value itself".to_owned(),
                |name| format!("write the value itself, or set VECHE_{name}"),
            );
            warnings.push(format!(
                "{at}: \"{found}\" is taken as it is written, and nothing is put in its place; {instead}"
            ));
        }
        _ => {}
    }
}

/// The part of a value that names a variable. In what is no secret only the form `${NAME}` counts: a pattern may have
/// the others.
fn placeholder(text: &str, is_secret: bool) -> Option<&str> {
    if let Some(found) = enclosed(text, "${", "}") {
        return Some(found);
    }
    if !is_secret {
        return None;
    }
    let is_capital = |name: &&str| !name.contains(|c: char| c.is_ascii_lowercase());
    let bare = text.strip_prefix('$').filter(is_capital);
    bare.filter(|name| is_name(name))
        .map(|_| text)
        .or_else(|| enclosed(text, "$(", ")"))
        .or_else(|| enclosed(text, "{{", "}}"))
}

/// The first name of a variable between these, with them.
fn enclosed<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)?;
    let rest = text.get(start..)?;
    let (inner, _) = rest.get(before.len()..)?.split_once(after)?;
    let name = inner.split(":-").next().unwrap_or_default().trim();
    let name = name.trim_start_matches('.');
    is_name(name).then(|| rest.get(..before.len() + inner.len() + after.len()))?
}

fn is_name(name: &str) -> bool {
    let is_begun = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_begun
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_origins(pattern: &str) -> String {
        origins(&[pattern.to_owned()]).join("\n")
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

    #[test]
    fn a_variable_that_nobody_replaces_is_named_with_the_key() {
        let mut config = Config::default();
        config.client.token.hmac_secret_key = "${JWT_SECRET}".to_owned().into();
        config.http_api.key = "$API_KEY".to_owned().into();
        config.client.token.rsa_public_key = "${HOME:-/root}/key.pem".to_owned();
        config.node.name = "$NOT_A_SECRET {{x}}".to_owned();
        let warnings = warnings(&config);
        let begins = [
            "client.token.hmac_secret_key: \"${JWT_SECRET}\" is taken",
            "client.token.rsa_public_key: \"${HOME:-/root}\" is taken",
            "http_api.key: \"$API_KEY\" is taken",
        ];
        for begin in begins {
            let found = warnings.iter().find(|line| line.starts_with(begin));
            let line = found.unwrap_or_else(|| panic!("{begin}: {warnings:?}"));
            assert!(line.contains("set VECHE_"), "{line}");
        }
        assert_eq!(warnings.len(), begins.len(), "{warnings:?}");
    }

    #[test]
    fn a_secret_with_such_characters_is_not_told() {
        for secret in [
            "pa$$word",
            "$ecret",
            "$2b$12$abc/",
            "a{b}c",
            "${",
            "$()",
            "{{1}}",
        ] {
            assert_eq!(placeholder(secret, true), None, "{secret}");
        }
    }
}
