//! Which source wins, and which name means which key.

use std::time::Duration;

use serde_json::json;

use super::{file, flag, load, with};
use crate::schema::Config;
use crate::schema::server::LogLevel;
use crate::{File, Sources};

#[test]
fn nothing_said_gives_the_defaults_without_a_warning() {
    let loaded = load(&Sources::default());
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.http_server.port, 8000);
    assert_eq!(
        loaded.config.client.ping_interval,
        Some(Duration::from_secs(25))
    );
    assert_eq!(
        loaded.config.channel.history_meta_ttl,
        Duration::from_secs(720 * 3600)
    );
}

#[test]
fn the_printed_defaults_read_back_as_defaults() {
    let loaded = load(&file(&Config::default().to_tree()));
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
}

#[test]
fn flags_weigh_more_than_veche_more_than_centrifugo_more_than_the_file() {
    let sources = file(&json!({"http_server": {"port": 1}}));
    assert_eq!(load(&sources).config.http_server.port, 1);
    let sources = with(sources, &[("CENTRIFUGO_HTTP_SERVER_PORT", "2")]);
    assert_eq!(load(&sources).config.http_server.port, 2);
    let both = [
        ("CENTRIFUGO_HTTP_SERVER_PORT", "2"),
        ("VECHE_HTTP_SERVER_PORT", "3"),
    ];
    let sources = with(sources, &both);
    assert_eq!(load(&sources).config.http_server.port, 3);
    assert_eq!(
        load(&flag(sources, "http_server.port", "4"))
            .config
            .http_server
            .port,
        4
    );
}

#[test]
fn an_empty_variable_is_not_set() {
    let sources = file(&json!({"http_server": {"port": 1}}));
    let sources = with(sources, &[("VECHE_HTTP_SERVER_PORT", "")]);
    assert_eq!(load(&sources).config.http_server.port, 1);
}

#[test]
fn lists_in_variables_are_split_or_json() {
    for text in [
        "https://a https://b",
        "https://a,https://b",
        "[\"https://a\", \"https://b\"]",
    ] {
        let sources = with(
            Sources::default(),
            &[("CENTRIFUGO_CLIENT_ALLOWED_ORIGINS", text)],
        );
        assert_eq!(
            load(&sources).config.client.allowed_origins,
            ["https://a", "https://b"]
        );
    }
    let nodes = "a:1,a:2 b:1";
    let sources = with(
        Sources::default(),
        &[("VECHE_ENGINE_REDIS_CLUSTER_ADDRESS", nodes)],
    );
    let redis = load(&sources).config.engine.redis.redis.redis;
    assert_eq!(
        *redis.cluster_address,
        ["a:1,a:2".to_owned(), "b:1".to_owned()]
    );
}

#[test]
fn namespaces_come_as_json_and_are_then_named() {
    let sources = with(
        Sources::default(),
        &[
            (
                "CENTRIFUGO_CHANNEL_NAMESPACES",
                r#"[{"name": "chat-room", "presence": true}]"#,
            ),
            ("CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_ROOM_HISTORY_SIZE", "10"),
            ("CENTRIFUGO_CHANNEL_NAMESPACES_CHAT_ROOM_HISTORY_TTL", "60s"),
            ("VECHE_CHANNEL_NAMESPACES_CHAT_ROOM_HISTORY_TTL", "90s"),
        ],
    );
    let loaded = load(&sources);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let namespace = &loaded.config.channel.namespaces[0];
    assert_eq!(namespace.name, "chat-room");
    assert!(namespace.options.presence);
    assert_eq!(namespace.options.history_size, 10);
    assert_eq!(namespace.options.history_ttl, Duration::from_secs(90));
}

#[test]
fn namespaces_may_be_made_by_names_alone() {
    let sources = with(
        file(&json!({"channel": {"namespaces": [{"name": "chat"}]}})),
        &[
            ("VECHE_CHANNEL_NAMESPACES", "chat news"),
            ("VECHE_CHANNEL_NAMESPACES_NEWS_PRESENCE", "true"),
        ],
    );
    let namespaces = load(&sources).config.channel.namespaces;
    let seen: Vec<_> = namespaces
        .iter()
        .map(|item| (item.name.as_str(), item.options.presence))
        .collect();
    assert_eq!(seen, [("chat", false), ("news", true)]);
}

#[test]
fn an_unknown_variable_is_named_with_its_neighbour() {
    let sources = with(
        Sources::default(),
        &[
            ("CENTRIFUGO_HTTP_SERVER_PROT", "1"),
            ("VECHE_QUITE_ELSE", "1"),
            ("HOME", "/"),
        ],
    );
    assert_eq!(
        load(&sources).warnings,
        [
            "CENTRIFUGO_HTTP_SERVER_PROT: no such variable is known; did you mean CENTRIFUGO_HTTP_SERVER_PORT?",
            "VECHE_QUITE_ELSE: no such variable is known",
        ]
    );
}

#[test]
fn variables_of_kubernetes_and_of_interpolation_pass_unseen() {
    let sources = with(
        Sources::default(),
        &[
            ("CENTRIFUGO_PORT", "tcp://10.0.0.1:8000"),
            ("VECHE_PORT_8000_TCP_ADDR", "10.0.0.1"),
            ("VECHE_SERVICE_HOST", "10.0.0.1"),
            ("CENTRIFUGO_REDIS_SERVICE_PORT_TCP", "6379"),
            ("CENTRIFUGO_VAR_KEY", "x"),
            ("VECHE_HTTP_SERVER_PORT", "tcp://10.0.0.1:80"),
        ],
    );
    let loaded = load(&sources);
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.http_server.port, 8000);
}

#[test]
fn a_variable_stands_in_a_map_by_its_name() {
    let tree = json!({"proxies": [{"name": "app", "endpoint": "http://localhost", "http": {
        "static_headers": [{"key": "X-Key", "value": "a-${CENTRIFUGO_VAR_KEY}-${OTHER}"}]}}]});
    let sources = with(file(&tree), &[("CENTRIFUGO_VAR_KEY", "secret")]);
    let headers = &load(&sources).config.proxies[0].proxy.http.static_headers;
    assert_eq!(headers.get("X-Key").unwrap(), "a-secret-${OTHER}");
}

#[test]
fn a_zero_in_a_file_leaves_the_default_and_a_variable_means_it() {
    let tree = json!({"client": {"channel_limit": 0}, "channel": {"private_prefix": ""}, "http_server": {"port": 0}});
    let config = load(&file(&tree)).config;
    assert_eq!(
        (config.client.channel_limit, config.http_server.port),
        (128, 8000)
    );
    assert_eq!(config.channel.private_prefix, "$");
    let sources = with(Sources::default(), &[("VECHE_CLIENT_CHANNEL_LIMIT", "0")]);
    assert_eq!(load(&sources).config.client.channel_limit, 0);
    assert_eq!(
        load(&flag(sources.clone(), "channel.private_prefix", ""))
            .config
            .channel
            .private_prefix,
        "$"
    );
    assert_eq!(
        load(&flag(sources, "http_server.port", "0"))
            .config
            .http_server
            .port,
        0
    );
}

#[test]
fn keys_are_read_in_any_case_with_dots_and_from_loose_types() {
    let tree = json!({"HTTP_Server.Port": "9000", "log": {"level": "WARN"}, "client.insecure": "true", "node": {"name": 7}});
    let loaded = load(&file(&tree));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.http_server.port, 9000);
    assert_eq!(loaded.config.log.level, LogLevel::Warn);
    assert!(loaded.config.client.insecure);
    assert_eq!(loaded.config.node.name, "7");
}

#[test]
fn pings_are_switched_off_by_a_negative_duration() {
    for value in [json!("-1s"), json!("-1"), json!(-1)] {
        let tree = json!({"client": {"ping_interval": value, "pong_timeout": value}});
        let client = load(&file(&tree)).config.client;
        assert_eq!((client.ping_interval, client.pong_timeout), (None, None));
    }
}

#[test]
fn yaml_and_toml_are_read_as_json_is() {
    let toml = "[client]\nallowed_origins = ['*']\n[[channel.namespaces]]\nname = 'chat'\npresence = true\n";
    let yaml = "client:\n  allowed_origins: ['*']\nchannel:\n  namespaces:\n    - name: chat\n      presence: true\n";
    let named = |name: &str, text: &str| Sources {
        file: Some(File {
            name: name.to_owned(),
            text: text.to_owned(),
        }),
        ..Sources::default()
    };
    let config = load(&named("config.toml", toml)).config;
    assert!(config.channel.namespaces[0].options.presence);
    assert_eq!(load(&named("config.yaml", yaml)).config, config);
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let tree = json!({"client": {"token": {"hmac_secret_key": "hunter2"}}, "http_api": {"key": "hunter2"}});
    let loaded = load(&file(&tree));
    assert_eq!(loaded.config.http_api.key.expose(), "hunter2");
    assert!(!format!("{loaded:?}").contains("hunter2"));
}
