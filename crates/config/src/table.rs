//! The key table: path, type, default and meaning of every key, flat and in order.

use std::sync::OnceLock;

use serde_json::Value;

use crate::schema::Config;
use crate::setting::{Field, Kind, Section, Setting, join};

/// One row of the table.
#[derive(Debug, Clone)]
pub struct Key {
    /// Dotted path; `[]` is an item of a list.
    pub path: String,
    /// The kind of its value.
    pub kind: Kind,
    /// The default, as it would stand in a file; null inside a list of sections that is empty.
    pub default: Value,
    /// Its effect, in a sentence.
    pub doc: &'static str,
}

impl Key {
    /// The end of the variable's name: `CLIENT_PING_INTERVAL`, behind `VECHE_` or `CENTRIFUGO_`.
    /// `None` for keys inside a list, which are named with their item.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        (!self.path.contains('[')).then(|| variable_part(&self.path))
    }

    /// Whether the key may be given as a flag: `--client.ping_interval`.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        !self.path.contains('[')
            && !matches!(self.kind, Kind::List(_) | Kind::TextMap | Kind::Section(_))
    }
}

/// All keys that hold a value, and all lists of sections followed by the keys of their items.
#[must_use]
pub fn keys() -> &'static [Key] {
    static KEYS: OnceLock<Vec<Key>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut keys = Vec::new();
        walk("", &Config::fields(), &Config::default().show(), &mut keys);
        keys
    })
}

/// The key at `path`.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    keys().iter().find(|key| key.path == path)
}

/// Whether `path` is a section: the beginning of some key's path.
pub(crate) fn is_section(path: &str) -> bool {
    keys().iter().any(|key| {
        key.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// A path in the form in which it appears in the name of a variable.
pub(crate) fn variable_part(path: &str) -> String {
    path.replace(['.', '-'], "_").to_ascii_uppercase()
}

/// `channel.namespaces[chat].presence` as the table spells it: `channel.namespaces[].presence`.
pub(crate) fn without_labels(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        out.push_str("[]");
        rest = after.split_once(']').map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out
}

/// The known key most like `path`, if one is like it at all.
pub(crate) fn nearest(path: &str) -> Option<&'static str> {
    /// Below this the likeness is chance.
    const ENOUGH: f64 = 0.72;
    let path = without_labels(path).to_ascii_lowercase();
    let flat = path.replace('.', "_");
    best(keys().iter().map(|key| {
        let mut score = strsim::normalized_damerau_levenshtein(&path, &key.path);
        let known = key.path.replace('.', "_");
        // Older configurations had all keys at the root: `token_hmac_secret_key`.
        if known.ends_with(&format!("_{flat}")) {
            score = score.max(0.95);
        }
        // The right key in the wrong section.
        if leaf(&path) == leaf(&key.path) {
            score = score.max(0.75 + score / 10.0);
        }
        (key.path.as_str(), score)
    }))
    .filter(|(_, score)| *score >= ENOUGH)
    .map(|(path, _)| path)
}

/// The candidate with the highest score; of equals the first.
pub(crate) fn best<'a>(candidates: impl Iterator<Item = (&'a str, f64)>) -> Option<(&'a str, f64)> {
    candidates.fold(None, |best, candidate| match best {
        Some((_, score)) if score >= candidate.1 => best,
        _ => Some(candidate),
    })
}

fn leaf(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn walk(at: &str, fields: &[Field], defaults: &Value, keys: &mut Vec<Key>) {
    for field in fields {
        let path = join(at, field.name);
        let default = defaults.get(field.name).unwrap_or(&Value::Null);
        if let Kind::Section(fields) = &field.kind {
            walk(&path, fields, default, keys);
            continue;
        }
        keys.push(Key {
            path: path.clone(),
            kind: field.kind.clone(),
            default: default.clone(),
            doc: field.doc,
        });
        if let Kind::List(fields) = &field.kind {
            walk(&format!("{path}[]"), fields, &Value::Null, keys);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{find, keys, nearest, without_labels};

    #[test]
    fn every_key_has_one_path_and_one_variable() {
        let paths: BTreeSet<_> = keys().iter().map(|key| &key.path).collect();
        assert_eq!(paths.len(), keys().len());
        let named: Vec<_> = keys().iter().filter_map(super::Key::variable).collect();
        let variables: BTreeSet<_> = named.iter().collect();
        assert_eq!(variables.len(), named.len());
    }

    #[test]
    fn every_key_is_documented_by_a_sentence() {
        for key in keys() {
            assert!(key.doc.ends_with('.'), "{}: {}", key.path, key.doc);
        }
    }

    #[test]
    fn the_table_knows_type_and_default_of_a_key() {
        let key = find("client.ping_interval").unwrap();
        assert_eq!(key.kind.to_string(), "duration");
        assert_eq!(key.default, "25s");
        assert_eq!(key.variable().unwrap(), "CLIENT_PING_INTERVAL");
        assert!(key.is_flag());
        assert!(find("channel.namespaces[].presence").is_some());
        assert!(find("engine.type").is_some());
    }

    #[test]
    fn an_unknown_key_has_a_nearest_known_one() {
        for (unknown, known) in [
            ("client.ping_intervall", "client.ping_interval"),
            ("token_hmac_secret_key", "client.token.hmac_secret_key"),
            ("http_server.prot", "http_server.port"),
            (
                "channel.namespaces[chat].presense",
                "channel.namespaces[].presence",
            ),
        ] {
            assert_eq!(nearest(unknown), Some(known), "{unknown}");
        }
        assert_eq!(nearest("zzz"), None);
    }

    #[test]
    fn labels_of_items_are_dropped() {
        assert_eq!(without_labels("a[b.c].d[0].e"), "a[].d[].e");
    }
}
