//! Keys that have no effect yet, and whether the server may start in spite of them.
//!
//! A key that restricts or protects stops the start, since the server would be more open than its
//! configuration says. A namespace of another kind is closed instead, and the others are served. Any other key is named
//! in a warning. When a feature arrives, its rows go.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::findings::Findings;
use crate::schema::Config;
use crate::schema::channel::SubscriptionType;
use crate::setting::{Setting, join};
use crate::table;

/// The consequence of ignoring a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ignored {
    /// The server would be more open, or of another kind, than it was told to be.
    Restricts,
    /// A namespace can't be what it was told to be: nobody gets into it (`is_served`). Channels without a namespace are
    /// not closed, but stop the start.
    Closes,
    /// Something is missing, and no harm done.
    Warns,
}

/// A key, or a section, that has no effect yet.
#[derive(Debug)]
struct Row {
    path: &'static str,
    ignored: Ignored,
    /// The key matters only while this one is true.
    when: Option<&'static str>,
    /// A value that asks for nothing new.
    unless: Option<&'static str>,
}

const fn stops(path: &'static str) -> Row {
    Row {
        path,
        ignored: Ignored::Restricts,
        when: None,
        unless: None,
    }
}

const fn closes(path: &'static str) -> Row {
    Row {
        path,
        ignored: Ignored::Closes,
        when: None,
        unless: None,
    }
}

const fn warns(path: &'static str) -> Row {
    Row {
        path,
        ignored: Ignored::Warns,
        when: None,
        unless: None,
    }
}

impl Row {
    const fn when(mut self, path: &'static str) -> Self {
        self.when = Some(path);
        self
    }

    const fn unless(mut self, value: &'static str) -> Self {
        self.unless = Some(value);
        self
    }
}

/// Rules of namespaces stand here as `channel.without_namespace` and `rpc.without_namespace`.
const NOT_YET: &[Row] = &[
    // Listeners
    stops("http_server.internal_address"),
    stops("http_server.internal_port"),
    stops("http_server.tls.enabled"),
    stops("http_server.tls_autocert.enabled"),
    stops("http_server.internal_tls.enabled"),
    warns("http_server.http3.enabled"),
    warns("http_server.h2c_external"),
    // The cluster
    stops("engine.type").unless("disk"),
    stops("broker.type").when("broker.enabled"),
    stops("presence_manager.type").when("presence_manager.enabled"),
    stops("controller.enabled"),
    warns("map_broker.type"),
    warns("shared_poll"),
    // Access
    stops("client.proxy.connect.enabled"),
    stops("client.proxy.refresh.enabled"),
    // Limits and timers
    warns("client.connect_code_to_unidirectional_disconnect.enabled"),
    // Channels
    stops("channel.without_namespace.subscribe_proxy_enabled"),
    stops("channel.without_namespace.publish_proxy_enabled"),
    stops("channel.without_namespace.sub_refresh_proxy_enabled"),
    stops("channel.without_namespace.subscribe_stream_proxy_enabled"),
    closes("channel.without_namespace.subscription_type").unless("stream"),
    warns("channel.without_namespace.map_clients_presence_channel_prefix"),
    warns("channel.without_namespace.map_users_presence_channel_prefix"),
    // The application
    stops("rpc.without_namespace.proxy_enabled"),
    stops("grpc_api.tls.enabled").when("grpc_api.enabled"),
    warns("consumers[].enabled"),
    // Doors
    warns("websocket.write_timeout").unless("1s"),
    warns("sse.enabled"),
    warns("http_stream.enabled"),
    warns("webtransport.enabled"),
    warns("uni_sse.enabled"),
    warns("uni_http_stream.enabled"),
    warns("uni_websocket.enabled"),
    warns("uni_grpc.enabled"),
    warns("init.enabled"),
    // Looking inside
    warns("admin.enabled"),
    warns("prometheus.instrument_http_handlers"),
    warns("prometheus.recovered_publications_histogram"),
    warns("prometheus.native_histograms"),
    warns("debug.enabled"),
    warns("opentelemetry.enabled"),
    warns("graphite.enabled"),
    warns("node.info_metrics_aggregate_interval"),
    warns("pid_file"),
];

/// Finds the keys of `config` with a value of their own and no effect yet.
pub(crate) fn check(config: &Config) -> Findings {
    let shown = config.show();
    let mut leaves = Vec::new();
    collect("", &shown, &mut leaves);
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (path, value) in leaves {
        let Some(index) = row_of(&path) else { continue };
        let Some(row) = NOT_YET.get(index) else {
            continue;
        };
        let off = row
            .when
            .is_some_and(|when| at(&shown, when) != Some(&Value::Bool(true)));
        if !off && is_own(&path, value) && row.unless != Some(text(value).as_str()) {
            let value = if hides(&path) {
                "(secret)".to_owned()
            } else {
                value.to_string()
            };
            found
                .entry(index)
                .or_default()
                .push(format!("{path}: {value}"));
        }
    }
    let mut missing = Findings::default();
    for (index, paths) in found {
        let in_namespaces = paths.iter().all(|path| path.contains("namespaces["));
        let paths = paths.join(", ");
        match NOT_YET.get(index).map(|row| (row.ignored, row.path)) {
            Some((Ignored::Closes, _)) if in_namespaces => missing.warnings.push(format!(
                "{paths} is not available yet: channels of these namespaces are refused with error 102"
            )),
            Some((Ignored::Restricts, "engine.type")) => missing.problems.push(format!(
                "{paths} is not available yet; write \"memory\" or \"disk\", and this node keeps its channels itself"
            )),
            Some((Ignored::Restricts | Ignored::Closes, _)) => missing.problems.push(format!(
                "{paths} is not available yet, and the server must not run as if it were; remove it to start without"
            )),
            _ => missing.warnings.push(format!("{paths} is not available yet and has no effect")),
        }
    }
    missing
}

/// Whether channels of this kind are there.
#[must_use]
pub fn is_served(kind: SubscriptionType) -> bool {
    matches!(kind, SubscriptionType::Default | SubscriptionType::Stream)
}

/// Whether the key belongs to a feature that is not available: the key that enables the feature has no effect.
#[cfg(test)]
pub(crate) fn is_part_of_missing(path: &str) -> bool {
    NOT_YET.iter().any(|row| {
        let switch = row.path.strip_suffix(".enabled");
        let section = switch.or_else(|| row.path.strip_suffix(".type"));
        let path = path
            .replace("channel.namespaces[].", "channel.without_namespace.")
            .replace("rpc.namespaces[].", "rpc.without_namespace.");
        section
            .and_then(|section| path.strip_prefix(section))
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn row_of(path: &str) -> Option<usize> {
    let path = table::without_labels(path)
        .replace("channel.namespaces[].", "channel.without_namespace.")
        .replace("rpc.namespaces[].", "rpc.without_namespace.");
    NOT_YET.iter().position(|row| {
        path.strip_prefix(row.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Whether the value differs from the default. In lists the default is zero.
fn is_own(path: &str, value: &Value) -> bool {
    let default = table::find(&table::without_labels(path)).map(|key| &key.default);
    match default {
        Some(default) if !default.is_null() => default != value,
        _ => !matches!(text(value).as_str(), "" | "0" | "0s" | "false" | "[]"),
    }
}

fn hides(path: &str) -> bool {
    table::find(&table::without_labels(path))
        .is_some_and(|key| matches!(key.kind, crate::setting::Kind::Secret))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn at<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    tree.pointer(&format!("/{}", path.replace('.', "/")))
}

fn collect<'a>(at: &str, value: &'a Value, leaves: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                collect(&join(at, key), value, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                let label = name.map_or_else(|| index.to_string(), str::to_owned);
                collect(&format!("{at}[{label}]"), item, leaves);
            }
        }
        _ => leaves.push((at.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::{NOT_YET, check};
    use crate::schema::Config;
    use crate::schema::channel::{Namespace, SubscriptionType};
    use crate::schema::engine::BrokerType;
    use crate::table;

    #[test]
    fn every_row_names_a_key_of_the_table() {
        for row in NOT_YET {
            assert!(
                table::find(row.path).is_some() || table::is_section(row.path),
                "{}",
                row.path
            );
            assert!(
                row.when.is_none_or(|when| table::find(when).is_some()),
                "{:?}",
                row.when
            );
        }
    }

    #[test]
    fn defaults_and_the_demo_ask_for_nothing_that_is_missing() {
        for config in [Config::default(), Config::demo()] {
            let missing = check(&config);
            assert!(
                missing.problems.is_empty() && missing.warnings.is_empty(),
                "{missing:?}"
            );
        }
    }

    #[test]
    fn a_missing_key_that_protects_stops_and_another_warns() {
        let mut config = Config::default();
        config.http_server.tls.enabled = true;
        config.admin.enabled = true;
        let missing = check(&config);
        assert_eq!(missing.problems.len(), 1);
        assert!(
            missing.problems[0].starts_with("http_server.tls.enabled: true is not available yet")
        );
        assert_eq!(
            missing.warnings,
            ["admin.enabled: true is not available yet and has no effect"]
        );
    }

    #[test]
    fn a_key_of_a_section_that_is_off_says_nothing() {
        let mut config = Config::default();
        config.http_server.tls.cert_pem = "cert.pem".to_owned();
        config.engine.redis.redis.redis.user = "somebody".to_owned();
        config.broker.kind = BrokerType::Nats;
        assert!(check(&config).problems.is_empty());
        config.broker.enabled = true;
        assert_eq!(check(&config).problems.len(), 1);
    }

    #[test]
    fn namespaces_are_checked_by_name() {
        let mut config = Config::default();
        let mut namespace = Namespace {
            name: "chat".to_owned(),
            ..Namespace::default()
        };
        namespace.options.subscription_type = SubscriptionType::Stream;
        config.channel.namespaces.push(namespace.clone());
        assert!(check(&config).problems.is_empty());
        namespace.name = "score".to_owned();
        namespace.options.subscription_type = SubscriptionType::Map;
        namespace.options.subscribe_proxy_enabled = true;
        config.channel.namespaces.push(namespace);
        let stops = check(&config).problems;
        assert_eq!(stops.len(), 1, "{stops:?}");
        assert!(stops[0].starts_with("channel.namespaces[score].subscribe_proxy_enabled: true"));
    }

    #[test]
    fn a_namespace_that_is_no_stream_is_closed_and_no_namespace_at_all_stops() {
        let mut config = Config::default();
        for (name, kind) in [
            ("score", SubscriptionType::Map),
            ("stock", SubscriptionType::SharedPoll),
        ] {
            let mut namespace = Namespace {
                name: name.to_owned(),
                ..Namespace::default()
            };
            namespace.options.subscription_type = kind;
            config.channel.namespaces.push(namespace);
        }
        let missing = check(&config);
        assert!(missing.problems.is_empty(), "{missing:?}");
        assert_eq!(
            missing.warnings,
            [
                "channel.namespaces[score].subscription_type: \"map\", channel.namespaces[stock].subscription_type: \"shared_poll\" is not available yet: channels of these namespaces are refused with error 102"
            ]
        );
        config.channel.without_namespace.subscription_type = SubscriptionType::Map;
        assert_eq!(check(&config).problems.len(), 1);
    }
}
