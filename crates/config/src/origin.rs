//! The origin of each value: a file, a variable, a flag or a default.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Sources;
use crate::schema::Config;
use crate::setting::{Kind, Setting};
use crate::table;

/// Where the values of a configuration come from.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    file: String,
    demo: bool,
    touched: BTreeSet<String>,
    named: BTreeMap<String, String>,
}

/// A key, its value, and the origin of the value.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyValue {
    /// The dotted path; the name of a namespace is in brackets.
    pub key: String,
    /// The value as it would stand in a file; `null` where no such key is known. Secrets are hidden.
    pub value: Value,
    /// A file, a variable, a flag, `default`, `demo`, or `short keys`.
    pub origin: String,
}

impl Origins {
    pub(crate) fn new(
        sources: &Sources,
        touched: BTreeSet<String>,
        named: BTreeMap<String, String>,
    ) -> Self {
        Self {
            file: sources
                .file
                .as_ref()
                .map(|file| file.name.clone())
                .unwrap_or_default(),
            demo: sources.demo,
            touched,
            named,
        }
    }

    /// The value of `config` at `key`, and its origin.
    #[must_use]
    pub fn lookup(&self, config: &Config, key: &str) -> KeyValue {
        let value = find(&config.show(), key);
        let origin = match self.named.get(key) {
            Some(origin) => origin.clone(),
            None if self.touched.contains(key) => self.file.clone(),
            None if value.is_null() || value == default(key) => "default".to_owned(),
            None if self.demo => "demo".to_owned(),
            None => "short keys".to_owned(),
        };
        let hides = table::find(&table::without_labels(key))
            .is_some_and(|key| matches!(key.kind, Kind::Secret));
        KeyValue {
            key: key.to_owned(),
            value: if hides { "(secret)".into() } else { value },
            origin,
        }
    }
}

/// The default of a key; in a namespace it is that of channels without one.
fn default(key: &str) -> Value {
    let path =
        table::without_labels(key).replace("channel.namespaces[].", "channel.without_namespace.");
    table::find(&path).map_or(Value::Null, |key| key.default.clone())
}

/// The value at a path such as `channel.namespaces[chat].presence`.
fn find(tree: &Value, key: &str) -> Value {
    let mut place = Some(tree);
    let mut rest = key;
    while let Some(inner) = place
        && !rest.is_empty()
    {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        place = inner.get(name);
        rest = tail;
        if let Some((label, tail)) = tail.strip_prefix('[').and_then(|it| it.split_once(']')) {
            let items = place.and_then(Value::as_array).into_iter().flatten();
            let is_it = |item: &&Value| item.get("name").and_then(Value::as_str) == Some(label);
            place = items.into_iter().find(is_it);
            rest = tail;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    place.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{Config, File, Sources};

    #[test]
    fn a_value_is_told_with_where_it_comes_from() {
        let file = File {
            name: "a.json".to_owned(),
            text: r#"{"client": {"insecure": true, "token": {"hmac_secret_key": "x"}}, "channel": {"namespaces": [
                {"name": "chat", "presence": true, "join_leave": true},
                {"name": "a.b", "presence": true}]}}"#
                .to_owned(),
        };
        let variables = [
            ("VECHE_CHANNEL_NAMESPACES_CHAT_PRESENCE", "false"),
            ("CENTRIFUGO_CHANNEL_MAX_LENGTH", "10"),
        ];
        let sources = Sources {
            file: Some(file),
            variables: BTreeMap::from(variables.map(|(a, b)| (a.to_owned(), b.to_owned()))),
            flags: vec![("channel.user_boundary".to_owned(), "/".to_owned())],
            demo: false,
        };
        let loaded = Config::load(&sources, &[]).unwrap();
        let held = |key: &str| {
            let held = loaded.origins.lookup(&loaded.config, key);
            format!("{} {}", held.value, held.origin)
        };
        for (key, expected) in [
            ("client.insecure", "true a.json"),
            ("client.token.hmac_secret_key", "\"(secret)\" a.json"),
            ("channel.namespaces[chat].join_leave", "true a.json"),
            (
                "channel.namespaces[chat].presence",
                "false VECHE_CHANNEL_NAMESPACES_CHAT_PRESENCE",
            ),
            ("channel.namespaces[chat].history_size", "0 default"),
            ("channel.max_length", "10 CENTRIFUGO_CHANNEL_MAX_LENGTH"),
            ("channel.user_boundary", "\"/\" --channel.user_boundary"),
            ("channel.private_prefix", "\"$\" default"),
            ("channel.namespaces[a.b].presence", "true a.json"),
            ("channel.namespaces[no].presence", "null default"),
        ] {
            assert_eq!(held(key), expected, "{key}");
        }
    }

    #[test]
    fn the_demo_and_short_keys_are_named_too() {
        let sources = Sources {
            demo: true,
            ..Sources::default()
        };
        let loaded = Config::load(&sources, &[]).unwrap();
        let key = "channel.without_namespace.presence";
        assert_eq!(loaded.origins.lookup(&loaded.config, key).origin, "demo");
        let sources = Sources {
            variables: [("VECHE_JWT_SECRET".to_owned(), "x".to_owned())].into(),
            ..Sources::default()
        };
        let loaded = Config::load(&sources, &[]).unwrap();
        let held = |key: &str| loaded.origins.lookup(&loaded.config, key).origin;
        assert_eq!(held("plain.enabled"), "short keys");
        assert_eq!(held("client.token.hmac_secret_key"), "VECHE_JWT_SECRET");
    }
}
