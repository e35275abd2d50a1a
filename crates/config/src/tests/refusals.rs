//! What stops the start, what only warns, and in which words.

use serde_json::{Value, json};

use super::{file, flag, load, refused, with};
use crate::{Config, Sources};

/// A configuration with these rules for the namespace `chat`.
fn rules(options: &Value) -> Sources {
    let mut namespace = json!({"name": "chat"});
    for (key, value) in options.as_object().unwrap() {
        namespace[key] = value.clone();
    }
    file(&json!({"channel": {"namespaces": [namespace]}}))
}

/// These rules are refused, in `words` among others.
fn check_rules(options: &Value, words: &str) {
    let lines = refused(&rules(options));
    assert!(
        lines.iter().any(|line| line.contains(words)),
        "{options}: {lines:?}"
    );
}

#[test]
fn a_wrong_value_names_key_value_and_what_is_right() {
    for (tree, line) in [
        (
            json!({"client": {"ping_interval": "25"}}),
            r#"client.ping_interval: "25" is not a duration; write "25s""#,
        ),
        (
            json!({"client": {"ping_interval": 25}}),
            r#"client.ping_interval: 25 is not a duration; write "25s""#,
        ),
        (
            json!({"http_server": {"port": "http"}}),
            r#"http_server.port: "http" is not a whole number from 0 up"#,
        ),
        (
            json!({"http_server": {"port": 70000}}),
            "http_server.port: 70000 is too large; write at most 65535",
        ),
        (
            json!({"admin": {"enabled": "perhaps"}}),
            r#"admin.enabled: "perhaps" is neither true nor false"#,
        ),
        (
            json!({"client": 1}),
            "client: 1 is not a section; write an object of keys",
        ),
        (
            json!({"log": {"level": "loud"}}),
            r#"log.level: "loud" is not known; write "info", "none", "trace", "debug", "warn", "error" or "fatal""#,
        ),
        (
            json!({"channel": {"namespaces": [{"name": "chat", "history_ttl": "-1s"}]}}),
            r#"channel.namespaces[chat].history_ttl: "-1s" is negative; write a duration from "0s" up"#,
        ),
    ] {
        assert_eq!(refused(&file(&tree)), [line]);
    }
}

#[test]
fn a_wrong_value_names_the_variable_or_flag_that_brought_it() {
    let sources = with(Sources::default(), &[("VECHE_CLIENT_PING_INTERVAL", "25")]);
    let lines = refused(&flag(sources, "http_server.port", "x"));
    assert!(
        lines[0].ends_with(r#"write "25s" (from VECHE_CLIENT_PING_INTERVAL)"#),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("(from --http_server.port)"), "{lines:?}");
}

#[test]
fn pings_at_no_interval_are_refused() {
    let sources = with(Sources::default(), &[("VECHE_CLIENT_PING_INTERVAL", "0s")]);
    assert!(refused(&sources)[0].contains("write \"-1s\" to switch pings off"));
}

#[test]
fn a_wrong_secret_is_not_repeated() {
    let lines = refused(&file(&json!({"http_api": {"key": ["hunter2"]}})));
    assert_eq!(lines, ["http_api.key: is not a string"]);
}

#[test]
fn a_missing_variable_of_a_map_is_named() {
    let tree = json!({"broker": {"nats": {"raw_mode": {"channel_replacements": {":": "${VECHE_VAR_X}"}}}}});
    assert!(refused(&file(&tree))[0].contains("needs the variable VECHE_VAR_X"));
}

#[test]
fn an_unknown_key_warns_with_its_neighbour_and_does_not_stop() {
    let tree = json!({"client": {"ping_intervall": "1s"}, "channel": {"namespaces": [{"name": "chat", "presense": true}]}});
    let loaded = load(&file(&tree));
    assert_eq!(
        loaded.unknown_keys,
        [
            "channel.namespaces[chat].presense: no such key is known; did you mean channel.namespaces[].presence?",
            "client.ping_intervall: no such key is known; did you mean client.ping_interval?",
        ]
    );
    assert_eq!(loaded.warnings, loaded.unknown_keys);
}

#[test]
fn a_key_of_the_commercial_edition_is_not_taken_for_a_mistake() {
    let loaded = load(&file(&json!({"client": {"rate_limit": {"enabled": true}}})));
    assert!(loaded.unknown_keys.is_empty());
    assert!(
        loaded.warnings[0]
            .starts_with("client.rate_limit: a key of Centrifugo's commercial edition")
    );
}

#[test]
fn a_key_that_protects_and_has_no_effect_stops_the_start() {
    for (tree, key) in [
        (
            json!({"http_server": {"internal_port": "9000"}}),
            "http_server.internal_port",
        ),
        (
            json!({"http_server": {"tls": {"enabled": true}}}),
            "http_server.tls.enabled",
        ),
        (
            json!({"rpc": {"without_namespace": {"proxy_enabled": true}, "proxy": {"endpoint": "http://a"}}}),
            "rpc.without_namespace.proxy_enabled",
        ),
        (
            json!({"client": {"proxy": {"connect": {"enabled": true, "endpoint": "http://a"}}}}),
            "client.proxy.connect.enabled",
        ),
        (
            json!({"channel": {"without_namespace": {"publish_proxy_enabled": true}, "proxy": {"publish": {"endpoint": "http://a"}}}}),
            "channel.without_namespace.publish_proxy_enabled",
        ),
    ] {
        let lines = refused(&file(&tree));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].starts_with(key) && lines[0].contains("is not available yet"),
            "{lines:?}"
        );
    }
}

#[test]
fn a_key_that_only_adds_warns() {
    let loaded = load(&file(
        &json!({"sse": {"enabled": true}, "admin": {"enabled": true, "password": "x"}}),
    ));
    assert_eq!(loaded.warnings.len(), 2, "{:?}", loaded.warnings);
}

#[test]
fn an_engine_that_is_missing_is_said_in_one_line() {
    let tree = json!({"engine": {"type": "redis", "redis": {"address": "redis://other:6379"}}});
    assert_eq!(
        refused(&file(&tree)),
        [
            "engine.type: \"redis\" is not available yet; write \"memory\" or \"disk\", and this node keeps its channels itself"
        ]
    );
}

#[test]
fn rules_of_a_namespace_must_fit_together() {
    for (options, words) in [
        (json!({"history_size": 10}), "history_ttl: is not set"),
        (json!({"history_ttl": "10s"}), "history_size: is not set"),
        (
            json!({"history_size": 1, "history_ttl": "1500ms"}),
            "not in whole seconds",
        ),
        (
            json!({"history_size": 1, "history_ttl": "2h", "history_meta_ttl": "1h"}),
            "is longer than history_meta_ttl",
        ),
        (
            json!({"history_size": 1, "history_ttl": "721h"}),
            "is longer than history_meta_ttl (\"720h\")",
        ),
        (
            json!({"force_recovery": true}),
            "force_recovery: needs history_size",
        ),
        (
            json!({"force_recovery_mode": "all"}),
            "force_recovery_mode: \"all\" is not known",
        ),
        (
            json!({"auto_cache_recover": true}),
            "auto_cache_recover: needs force_recovery",
        ),
        (json!({"allowed_delta_types": ["gzip"]}), "write \"fossil\""),
        (
            json!({"channel_regex": "("}),
            "channel_regex: \"(\" is not a regular expression",
        ),
        (
            json!({"publication_data_format": "xml"}),
            "\"xml\" is not known",
        ),
    ] {
        check_rules(&options, words);
    }
}

#[test]
fn proxies_maps_and_shared_poll_of_a_namespace_must_fit_together() {
    for (options, words) in [
        (
            json!({"subscribe_proxy_name": "app"}),
            "there is no proxy \"app\"",
        ),
        (
            json!({"subscribe_proxy_enabled": true}),
            "channel.proxy.subscribe.endpoint: is not set",
        ),
        (
            json!({"name": "x"}),
            "channel.namespaces[0].name: \"x\" is not a name",
        ),
        (json!({"subscription_type": "map"}), "map.mode: is not set"),
        (
            json!({"map": {"mode": "ephemeral"}}),
            "map.key_ttl: is not set",
        ),
        (
            json!({"map": {"mode": "persistent", "key_ttl": "1s"}}),
            "map.key_ttl: cannot be used",
        ),
        (
            json!({"map": {"mode": "ephemeral", "key_ttl": "1s", "stream_size": 1}}),
            "map.stream_size: cannot",
        ),
        (
            json!({"map": {"min_page_size": 10, "max_page_size": 5}}),
            "map.min_page_size: 10 is more than",
        ),
        (
            json!({"subscription_type": "shared_poll"}),
            "shared_poll.hmac_secret_key",
        ),
        (
            json!({"map_users_presence_channel_prefix": "users:"}),
            "leads into no namespace",
        ),
    ] {
        check_rules(&options, words);
    }
}

#[test]
fn a_durability_without_the_engine_on_disk_is_told_to_have_no_effect() {
    let durable = json!({"name": "orders", "history_durability": "sync"});
    let channel = json!({"namespaces": [durable]});
    let loaded = load(&file(&json!({ "channel": channel.clone() })));
    let words = "channel.namespaces[orders].history_durability has no effect";
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(
        loaded.warnings[0].starts_with(words),
        "{:?}",
        loaded.warnings
    );
    let disk = json!({"engine": {"type": "disk"}, "channel": channel});
    assert!(load(&file(&disk)).warnings.is_empty());
}

#[test]
fn rules_that_fit_together_pass() {
    for options in [
        json!({"history_size": 10, "history_ttl": "300s", "force_recovery": true}),
        json!({"history_size": 1, "history_ttl": "1h", "force_recovery": true, "force_recovery_mode": "cache", "auto_cache_recover": true}),
        json!({"name": "a.b-c_1", "channel_regex": "^[a-z]{1,8}$", "publication_data_format": "json_object"}),
        json!({"subscription_type": "stream"}),
    ] {
        let warnings = load(&rules(&options)).warnings;
        let unexpected = warnings
            .iter()
            .any(|warning| !warning.contains("not available yet"));
        assert!(!unexpected, "{options}: {warnings:?}");
    }
}

#[test]
fn values_must_fit_together() {
    for (tree, words) in [
        (
            json!({"client": {"ping_interval": "5s", "pong_timeout": "5s"}}),
            "client.pong_timeout: \"5s\" is not less",
        ),
        (
            json!({"channel": {"namespaces": [{"name": "aa"}, {"name": "aa"}]}}),
            "\"aa\" is there twice",
        ),
        (
            json!({"channel": {"history_meta_ttl": "1500ms"}}),
            "channel.history_meta_ttl: \"1s500ms\"",
        ),
        (
            json!({"client": {"token": {"user_id_claim": "a.b"}}}),
            "client.token.user_id_claim",
        ),
        (
            json!({"client": {"token": {"audience": "a", "audience_regex": "b"}}}),
            "cannot be used together",
        ),
        (
            json!({"proxies": [{"name": "default", "endpoint": "http://a"}]}),
            "\"default\" is reserved",
        ),
        (
            json!({"proxies": [{"name": "app"}]}),
            "proxies[app].endpoint: is not set",
        ),
        (
            json!({"consumers": [{"name": "a-b", "type": "kafka"}]}),
            "consumers[0].name",
        ),
        (
            json!({"consumers": [{"name": "ab"}]}),
            "consumers[ab].type: is not set",
        ),
        (
            json!({"websocket": {"compression_level": 12}}),
            "write 1 to 9",
        ),
        (
            json!({"http_api": {"handler_prefix": "api"}}),
            "write \"/api\"",
        ),
        (
            json!({"http_api": {"handler_prefix": "/connection/websocket/"}}),
            "is taken by websocket.handler_prefix",
        ),
        (
            json!({"http_server": {"h2c_external": true}}),
            "http_server.h2c_external",
        ),
        (
            json!({"client": {"subscribe_to_user_personal_channel": {"enabled": true, "personal_channel_namespace": "me"}}}),
            "there is no namespace \"me\"",
        ),
    ] {
        let lines = refused(&file(&tree));
        assert!(
            lines.iter().any(|line| line.contains(words)),
            "{tree}: {lines:?}"
        );
    }
}

#[test]
fn a_mistyped_key_is_named_even_where_something_else_is_wrong() {
    let tree = json!({"client": {"channel_limt": 1, "channel_limit": -1}});
    let error = Config::load(&file(&tree), &[]).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert!(error.warnings[0].contains("did you mean client.channel_limit?"));
}

#[test]
fn all_complaints_come_at_once() {
    let tree = json!({"client": {"ping_interval": "25", "channel_limit": -1}, "log": {"level": 3}});
    assert_eq!(refused(&file(&tree)).len(), 3);
}
