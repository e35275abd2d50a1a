//! The short keys, and the demo.

use serde_json::json;

use super::{file, flag, load, with};
use crate::Sources;

const ALIASES: [&str; 3] = ["/socket", "/realtime", "/centrifugo"];

#[test]
fn a_file_of_short_keys_alone_runs() {
    let loaded = load(&file(&json!({
        "secret": "api", "jwt_secret": "jwt", "allowed_origins": ["https://a"], "redis": {"addr": "redis:6379"}
    })));
    let config = &loaded.config;
    assert_eq!(config.http_api.key.expose(), "api");
    assert_eq!(config.admin.secret.expose(), "api");
    assert_eq!(config.client.token.hmac_secret_key.expose(), "jwt");
    assert_eq!(config.client.allowed_origins, ["https://a"]);
    assert!(config.plain.enabled && !config.plain.allow_name_login);
    assert_eq!(config.plain.aliases, ALIASES);
    assert!(config.channel.without_namespace.allow_subscribe_for_client);
    assert!(config.channel.without_namespace.allow_publish_for_client);
    assert!(
        !config
            .channel
            .without_namespace
            .allow_subscribe_for_anonymous
    );
    assert!(!config.client.allow_anonymous_connect_without_token);
    let redis = loaded
        .warnings
        .iter()
        .filter(|line| line.starts_with("redis.addr:"));
    assert_eq!(redis.count(), 1, "{:?}", loaded.warnings);
    assert!(loaded.unknown_keys.is_empty());
}

#[test]
fn a_short_key_may_be_written_with_its_dot() {
    let loaded = load(&file(&json!({"redis.addr": "redis:6379"})));
    assert!(loaded.unknown_keys.is_empty());
    assert!(loaded.warnings[0].contains("memory"));
    let loaded = load(&file(
        &json!({"redis": {"addr": "redis:6379", "password": "x"}}),
    ));
    assert_eq!(loaded.unknown_keys.len(), 1, "{:?}", loaded.unknown_keys);
}

#[test]
fn short_keys_come_from_variables_too() {
    let variables = [
        ("CENTRIFUGO_SECRET", "api"),
        ("CENTRIFUGO_JWT_SECRET", "jwt"),
    ];
    let loaded = load(&with(file(&json!({"jwt_secret": "older"})), &variables));
    assert_eq!(loaded.config.http_api.key.expose(), "api");
    assert_eq!(loaded.config.client.token.hmac_secret_key.expose(), "jwt");
    assert!(loaded.config.plain.enabled);
}

#[test]
fn a_long_key_beside_its_short_form_wins_with_a_warning() {
    let tree = json!({"jwt_secret": "short", "client": {"token": {"hmac_secret_key": "long"}}});
    let loaded = load(&file(&tree));
    assert_eq!(loaded.config.client.token.hmac_secret_key.expose(), "long");
    let line =
        "client.token.hmac_secret_key is set beside its short form jwt_secret: the long key holds";
    assert!(
        loaded.warnings.iter().any(|warning| warning == line),
        "{:?}",
        loaded.warnings
    );
    let loaded = load(&with(
        file(&json!({"client": {"token": {"hmac_secret_key": "long"}}})),
        &[("CENTRIFUGO_JWT_SECRET", "short")],
    ));
    assert_eq!(loaded.config.client.token.hmac_secret_key.expose(), "long");
}

#[test]
fn a_channel_section_beside_short_keys_speaks_for_itself() {
    let tree = json!({"secret": "api", "channel": {"without_namespace": {"presence": true}}});
    let config = load(&file(&tree)).config;
    assert!(!config.channel.without_namespace.allow_subscribe_for_client);
    assert!(config.plain.enabled);
}

#[test]
fn what_is_said_about_the_plain_dialect_holds_beside_short_keys() {
    let tree = json!({"secret": "api", "plain": {"enabled": false, "aliases": ["/chat"]}});
    let plain = load(&file(&tree)).config.plain;
    assert!(!plain.enabled);
    assert_eq!(plain.aliases, ["/chat"]);
}

#[test]
fn allowed_origins_alone_opens_nothing() {
    let config = load(&file(&json!({"allowed_origins": "*"}))).config;
    assert_eq!(config.client.allowed_origins, ["*"]);
    assert!(!config.plain.enabled);
    assert!(!config.channel.without_namespace.allow_subscribe_for_client);
}

fn demo(sources: Sources) -> Sources {
    Sources {
        demo: true,
        ..sources
    }
}

#[test]
fn the_demo_is_open_and_local() {
    let loaded = load(&demo(Sources::default()));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert!(loaded.is_local());
    assert!(loaded.config.plain.enabled && loaded.config.plain.allow_name_login);
    assert_eq!(loaded.config.plain.aliases, ALIASES);
    assert!(
        loaded
            .config
            .channel
            .without_namespace
            .allow_publish_for_anonymous
    );
}

#[test]
fn the_demo_is_not_local_where_an_address_is_given() {
    let sources = flag(demo(Sources::default()), "http_server.address", "0.0.0.0");
    let loaded = load(&sources);
    assert!(loaded.is_demo() && !loaded.is_local());
    assert!(!load(&Sources::default()).is_local());
}

#[test]
fn what_is_said_holds_over_the_demo() {
    let tree = json!({"plain": {"enabled": false, "aliases": []}, "channel": {"without_namespace": {"presence": false}}});
    let config = load(&demo(file(&tree))).config;
    assert!(!config.plain.enabled && config.plain.aliases.is_empty());
    assert!(!config.channel.without_namespace.presence);
}

#[test]
fn a_token_key_ends_login_by_name_unless_it_is_asked_for() {
    let key = json!({"token": {"hmac_secret_key": "jwt"}});
    let config = load(&demo(file(&json!({"client": key})))).config;
    assert!(!config.plain.allow_name_login);
    let asked = json!({"client": key, "plain": {"allow_name_login": true}});
    assert!(load(&demo(file(&asked))).config.plain.allow_name_login);
}
