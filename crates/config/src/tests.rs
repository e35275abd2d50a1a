//! The whole way from file, variables and flags to a configuration or a list of complaints.

mod documented;
mod layers;
mod refusals;
mod short_keys;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Config, File, Loaded, Sources};

/// A configuration from a JSON file.
fn file(tree: &Value) -> Sources {
    Sources {
        file: Some(File {
            name: "config.json".to_owned(),
            text: tree.to_string(),
        }),
        ..Sources::default()
    }
}

/// The same with variables.
fn with(mut sources: Sources, variables: &[(&str, &str)]) -> Sources {
    let pairs = variables
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    sources.variables = pairs.collect::<BTreeMap<_, _>>();
    sources
}

fn flag(mut sources: Sources, key: &str, value: &str) -> Sources {
    sources.flags.push((key.to_owned(), value.to_owned()));
    sources
}

fn load(sources: &Sources) -> Loaded {
    Config::load(sources, &[]).unwrap()
}

/// The lines that stop the start.
fn refused(sources: &Sources) -> Vec<String> {
    Config::load(sources, &[]).unwrap_err().problems
}
