//! The short keys `secret`, `jwt_secret`, `allowed_origins` and `redis.addr`, and the long keys that they set.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::Config;
use crate::setting::{Layer, Reading, Setting};
use crate::variable::{PREFIXES, nested};

/// Short keys and the long ones each stands for. `redis.addr` stands for none until there is a
/// Redis engine.
const SHORT: [(&str, &[&str]); 4] = [
    ("secret", &["http_api.key", "admin.secret"]),
    ("jwt_secret", &["client.token.hmac_secret_key"]),
    ("allowed_origins", &["client.allowed_origins"]),
    ("redis.addr", &[]),
];

/// Whether `CENTRIFUGO_` or `VECHE_` before `rest` makes the variable of a short key.
pub(crate) fn is_variable(rest: &str) -> bool {
    SHORT.iter().any(|(short, _)| variable_part(short) == rest)
}

/// The short keys a configuration uses.
#[derive(Debug)]
pub(crate) struct Used {
    /// Short key, and where it was found.
    found: Vec<(&'static str, String)>,
}

/// Takes the short keys out of `file` and from `variables`, and puts them into `config`, below
/// everything that the long keys say later.
pub(crate) fn apply(
    config: &mut Config,
    file: &mut Value,
    variables: &BTreeMap<String, String>,
    reading: &mut Reading<'_>,
) -> Used {
    reading.layer = Layer::Override;
    let mut found = Vec::new();
    for (short, long) in SHORT {
        let Some((origin, value)) = last_said(short, file, variables) else {
            continue;
        };
        reading.origin = Some(origin.clone());
        for path in long {
            config.read(&set(path, &value), "", reading);
            reading.touched.remove(*path);
        }
        found.push((short, origin));
    }
    reading.origin = None;
    Used { found }
}

impl Used {
    /// Whether this is a configuration of short keys. `allowed_origins` alone is not: older
    /// configurations of Centrifugo have it too, and must not gain permissions by it.
    fn is_style(&self) -> bool {
        self.found
            .iter()
            .any(|(short, _)| *short != "allowed_origins")
    }

    /// Gives such a configuration the plain dialect, and channels that work without a section of
    /// their own. `touched` says what the long keys said.
    pub(crate) fn complete(&self, config: &mut Config, says: impl Fn(&str) -> bool) -> Vec<String> {
        let mut warnings = Vec::new();
        for (short, origin) in &self.found {
            let long = SHORT
                .iter()
                .find(|(name, _)| name == short)
                .map(|(_, long)| *long);
            for path in long.unwrap_or_default().iter().filter(|path| says(path)) {
                warnings.push(format!(
                    "{path} is set beside its short form {origin}: the long key holds"
                ));
            }
            if *short == "redis.addr" {
                warnings.push(format!(
                    "{origin}: the Redis engine is not available yet; this node keeps its channels in memory"
                ));
            }
        }
        if !self.is_style() {
            return warnings;
        }
        if !says("plain.enabled") {
            config.plain.enabled = true;
        }
        if !says("plain.aliases") {
            config.plain.aliases = aliases();
        }
        if !says("channel") {
            config.channel.without_namespace.allow_subscribe_for_client = true;
            config.channel.without_namespace.allow_publish_for_client = true;
            warnings.push(
                "short keys without a channel section: users with a token may subscribe and publish \
                 in channels without a namespace"
                    .to_owned(),
            );
        }
        warnings
    }
}

/// The addresses of the plain dialect that examples use.
pub(crate) fn aliases() -> Vec<String> {
    ["/socket", "/realtime", "/centrifugo"]
        .map(str::to_owned)
        .to_vec()
}

fn last_said(
    short: &str,
    file: &mut Value,
    variables: &BTreeMap<String, String>,
) -> Option<(String, Value)> {
    let in_file = file.as_object_mut().and_then(|root| take(root, short));
    for prefix in PREFIXES.into_iter().rev() {
        let name = format!("{prefix}{}", variable_part(short));
        if let Some(text) = variables.get(&name).filter(|text| !text.is_empty()) {
            return Some((name, Value::from(text.as_str())));
        }
    }
    in_file.map(|value| (short.to_owned(), value))
}

/// Removes `short` from the root, spelled with a dot or nested.
fn take(root: &mut Map<String, Value>, short: &str) -> Option<Value> {
    let value = root.remove(short).or_else(|| {
        let (head, tail) = short.split_once('.')?;
        let section = root.get_mut(head)?.as_object_mut()?;
        let value = section.remove(tail);
        if section.is_empty() {
            root.remove(head);
        }
        value
    })?;
    let says_nothing = value.is_null() || value.as_str() == Some("");
    (!says_nothing).then_some(value)
}

fn set(path: &str, value: &Value) -> Value {
    let mut tree = nested(path, "");
    let pointer = format!("/{}", path.replace('.', "/"));
    if let Some(place) = tree.pointer_mut(&pointer) {
        *place = value.clone();
    }
    tree
}

fn variable_part(short: &str) -> String {
    short.replace('.', "_").to_ascii_uppercase()
}
