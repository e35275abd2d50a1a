//! Names of variables that stand in values where nothing replaces them.

use serde_json::Value;

use crate::schema::Config;
use crate::setting::{Kind, Setting, join};
use crate::table;

/// Finds values that name a variable, one line each.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    placeholders("", &config.show(), &mut warnings);
    warnings
}

/// Finds names of variables that look as if they should be replaced.
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
