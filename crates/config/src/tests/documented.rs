//! docs/configuration.md names every key there is, with its default, and no other.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support;
use crate::table::{self, Key};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// Sections with keys that have effect: these must be named one by one.
const LIVE: [&str; 17] = [
    "channel",
    "channel.namespaces",
    "channel.without_namespace",
    "client",
    "client.token",
    "client.subscription_token",
    "engine.disk",
    "grpc_api",
    "health",
    "http_api",
    "http_server",
    "log",
    "node",
    "plain",
    "prometheus",
    "swagger",
    "websocket",
];

/// The lines of the page that are not examples.
fn lines() -> impl Iterator<Item = &'static str> {
    let mut is_example = false;
    PAGE.lines().filter(move |line| {
        is_example ^= line.starts_with("```");
        !is_example && !line.starts_with("    ")
    })
}

/// What stands between backticks.
fn named() -> BTreeSet<&'static str> {
    lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// Other names under which the page speaks of a key: rules without their section, keys that two sections share, and the
/// section of what is not built yet.
fn names(key: &Key) -> Vec<String> {
    let path = key.path.replace("[]", "");
    let mut names = vec![path.clone()];
    for section in [
        "channel.without_namespace.",
        "channel.namespaces.",
        "rpc.without_namespace.",
        "rpc.namespaces.",
    ] {
        let rule = path.strip_prefix(section);
        names.extend(rule.map(str::to_owned));
        let part = rule.and_then(|rule| rule.split_once('.'));
        names.extend(part.map(|(part, _)| part.to_owned()));
    }
    let shared = path.strip_prefix("client.subscription_token.");
    names.extend(shared.map(|rest| format!("client.token.{rest}")));
    let mut rest = path.as_str();
    while let Some((section, _)) = rest.rsplit_once('.') {
        if !LIVE.contains(&section) {
            names.push(section.to_owned());
        }
        rest = section;
    }
    names
}

#[test]
fn every_key_is_on_the_page() {
    let named = named();
    let is_missing = |key: &&Key| {
        let names = names(key);
        !names.iter().any(|name| named.contains(name.as_str()))
            && !support::is_part_of_missing(&key.path)
    };
    let missing: Vec<_> = table::keys()
        .iter()
        .filter(is_missing)
        .map(|key| &key.path)
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_name_on_the_page_is_a_key() {
    let sections: BTreeSet<_> = table::keys()
        .iter()
        .filter_map(|key| key.path.split(['.', '[']).next())
        .collect();
    let is_key = |name: &str| {
        let is_path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
        let begins = name
            .split('.')
            .next()
            .is_some_and(|first| sections.contains(first));
        begins && name.contains('.') && name.chars().all(is_path)
    };
    let lists = |name: &str| name.replace("channel.namespaces.", "channel.namespaces[].");
    let unknown: Vec<_> = named()
        .into_iter()
        .filter(|name| is_key(name))
        .filter(|name| table::find(&lists(name)).is_none() && !table::is_section(&lists(name)))
        .filter(|name| *name != "redis.addr")
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn defaults_on_the_page_are_those_of_the_server() {
    let mut compared = 0;
    for line in lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, keys, defaults, ..] = cells.as_slice() else {
            continue;
        };
        let keys = keys.split(", ").map(|key| key.trim_matches('`'));
        for (key, default) in keys.zip(defaults.split(", ")) {
            let Some(key) = table::find(key).filter(|_| !default.is_empty()) else {
                continue;
            };
            let expected = match &key.default {
                Value::String(text) if text.is_empty() => "empty".to_owned(),
                Value::String(text) => format!("`{text}`"),
                value => format!("`{value}`"),
            };
            assert_eq!(default, expected, "{}", key.path);
            compared += 1;
        }
    }
    assert!(compared > 60, "{compared} defaults were found on the page");
}
