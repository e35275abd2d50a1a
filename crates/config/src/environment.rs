//! Variables: `CENTRIFUGO_*` over the file, `VECHE_*` over both.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::schema::Config;
use crate::setting::{Kind, Layer, Reading, Section, Setting, join};
use crate::variable::{PREFIXES, nested};
use crate::{short, table};

/// Puts the variables over `config`; warnings name those that no key has.
pub(crate) fn overlay(
    config: &mut Config,
    variables: &BTreeMap<String, String>,
    reading: &mut Reading<'_>,
) -> Vec<String> {
    reading.layer = Layer::Override;
    let mut known = BTreeSet::new();
    for prefix in PREFIXES {
        for key in table::keys() {
            let Some(part) = key.variable() else { continue };
            let name = format!("{prefix}{part}");
            if let Some(text) = said(variables, &name) {
                reading.origin = Some(name.clone());
                config.read(&nested(&key.path, text), "", reading);
            }
            known.insert(name);
        }
    }
    for prefix in PREFIXES {
        let mut items = Items {
            prefix,
            variables,
            known: &mut known,
            reading,
        };
        items.overlay(&mut config.channel.namespaces, "channel.namespaces");
        items.overlay(&mut config.rpc.namespaces, "rpc.namespaces");
        items.overlay(&mut config.proxies, "proxies");
        items.overlay(&mut config.consumers, "consumers");
    }
    reading.origin = None;
    unknown(variables, &known)
}

/// Lists whose items have a name, which is a part of the names of their variables.
struct Items<'a, 'b, 'c> {
    prefix: &'a str,
    variables: &'a BTreeMap<String, String>,
    known: &'b mut BTreeSet<String>,
    reading: &'b mut Reading<'c>,
}

impl Items<'_, '_, '_> {
    fn overlay<S: Section>(&mut self, list: &mut [S], path: &str) {
        let mut options = Vec::new();
        flatten("", &S::fields(), &mut options);
        for item in list {
            let Some(Value::String(label)) = item.show().get("name").cloned() else {
                continue;
            };
            for option in &options {
                let part = table::variable_part(&format!("{path}.{label}.{option}"));
                let name = format!("{}{part}", self.prefix);
                if let Some(text) = said(self.variables, &name) {
                    self.reading.origin = Some(name.clone());
                    item.read(
                        &nested(option, text),
                        &format!("{path}[{label}]"),
                        self.reading,
                    );
                }
                self.known.insert(name);
            }
        }
    }
}

/// The paths of all values in a section.
fn flatten(at: &str, fields: &[crate::setting::Field], paths: &mut Vec<String>) {
    for field in fields {
        let path = join(at, field.name);
        match &field.kind {
            Kind::Section(fields) => flatten(&path, fields, paths),
            _ => paths.push(path),
        }
    }
}

fn unknown(variables: &BTreeMap<String, String>, known: &BTreeSet<String>) -> Vec<String> {
    variables
        .iter()
        .filter_map(|(name, text)| {
            let prefix = PREFIXES
                .into_iter()
                .find(|prefix| name.starts_with(prefix))?;
            let rest = name.strip_prefix(prefix)?;
            let other =
                rest.starts_with("VAR_") || is_kubernetes(name, text) || short::is_variable(rest);
            (!other && !known.contains(name)).then(|| complaint(name, known))
        })
        .collect()
}

fn complaint(name: &str, known: &BTreeSet<String>) -> String {
    /// Below this the likeness is chance.
    const ENOUGH: f64 = 0.8;
    let scores = known.iter().map(|key| {
        (
            key.as_str(),
            strsim::normalized_damerau_levenshtein(name, key),
        )
    });
    match table::best(scores) {
        Some((near, score)) if score >= ENOUGH => {
            format!("{name}: no such variable is known; did you mean {near}?")
        }
        _ => format!("{name}: no such variable is known"),
    }
}

/// The value of a variable. Empty variables and those that Kubernetes sets have none.
fn said<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a String> {
    variables
        .get(name)
        .filter(|text| !text.is_empty() && !is_kubernetes(name, text))
}

/// Whether Kubernetes set this variable by itself, for a service whose name begins like ours:
/// `VECHE_PORT=tcp://...`, `VECHE_PORT_8000_TCP_ADDR`, `VECHE_REDIS_SERVICE_HOST`.
fn is_kubernetes(name: &str, text: &str) -> bool {
    let of_a_port = name
        .split("_PORT_")
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let of_a_service = name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT");
    of_a_port || of_a_service || (name.ends_with("_PORT") && text.contains("://"))
}
