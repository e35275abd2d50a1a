//! Values that are each well formed, and wrong together.

mod channel;
mod keyed;
mod placeholder;
mod proxy;
mod token;

use crate::duration;
use crate::findings::Findings;
use crate::schema::Config;
use crate::schema::client::PersonalChannel;
use crate::schema::consumer::{Consumer, ConsumerType};
use crate::schema::transport::WebSocketFraming;

/// Finds wrong values in `config`, and values that are surely mistakes.
pub(crate) fn check(config: &Config) -> Findings {
    let mut problems = Vec::new();
    listeners(config, &mut problems);
    pings(config, &mut problems);
    zeros(config, &mut problems);
    token::check(&config.client, &mut problems);
    personal_channel(config, &mut problems);
    proxy::check(config, &mut problems);
    channel::check(config, &mut problems);
    consumers(&config.consumers, &mut problems);
    compression("websocket", &config.websocket.framing, &mut problems);
    compression(
        "uni_websocket",
        &config.uni_websocket.framing,
        &mut problems,
    );
    addresses(config, &mut problems);
    Findings {
        problems,
        warnings: [placeholder::warnings(config), channel::warnings(config)].concat(),
    }
}

fn listeners(config: &Config, problems: &mut Vec<String>) {
    let server = &config.http_server;
    if !server.internal_port.is_empty() && server.internal_port.parse::<u16>().is_err() {
        problems.push(format!(
            "http_server.internal_port: \"{}\" is not a port; write a number up to 65535",
            server.internal_port
        ));
    }
    if server.h2c_external {
        if server.internal_port.is_empty() || server.internal_port == server.port.to_string() {
            problems.push(
                "http_server.h2c_external: needs a port of its own for the internal endpoints; \
                 set http_server.internal_port"
                    .to_owned(),
            );
        }
        if server.tls.enabled {
            problems.push(
                "http_server.h2c_external: cannot be used together with http_server.tls.enabled"
                    .to_owned(),
            );
        }
    }
}

fn pings(config: &Config, problems: &mut Vec<String>) {
    let (interval, timeout) = (config.client.ping_interval, config.client.pong_timeout);
    for (key, value, what) in [
        ("client.ping_interval", interval, "pings"),
        ("client.pong_timeout", timeout, "the wait for pongs"),
    ] {
        if value.is_some_and(|value| value.is_zero()) {
            problems.push(format!(
                "{key}: \"0s\" is no time at all; write \"-1s\" to switch {what} off"
            ));
        }
    }
    if let (Some(interval), Some(timeout)) = (interval, timeout)
        && interval <= timeout
    {
        problems.push(format!(
            "client.pong_timeout: \"{}\" is not less than client.ping_interval (\"{}\"); \
             a pong must be due before the next ping",
            duration::format(timeout),
            duration::format(interval)
        ));
    }
}

/// Keys of which nothing would work at zero. In a file zero leaves the default; here a variable or a flag has said it.
fn zeros(config: &Config, problems: &mut Vec<String>) {
    let client = &config.client;
    let framing = [
        ("websocket", &config.websocket.framing),
        ("uni_websocket", &config.uni_websocket.framing),
    ];
    let mut refuse = |key: &str, is_zero: bool, why: &str| {
        if is_zero {
            problems.push(format!("{key}: {why}"));
        }
    };
    refuse(
        "client.stale_close_delay",
        client.stale_close_delay.is_zero(),
        "\"0s\" leaves clients no time to connect; write a time such as \"10s\"",
    );
    refuse(
        "client.queue_max_size",
        client.queue_max_size == 0,
        "0 leaves no room for what waits for a client; write a number of bytes such as 1048576",
    );
    refuse(
        "channel.max_length",
        config.channel.max_length == 0,
        "0 allows no channel; write a number of bytes such as 255",
    );
    refuse(
        "channel.history_meta_ttl",
        config.channel.history_meta_ttl.is_zero(),
        "\"0s\" would forget positions at once; write a time such as \"720h\"",
    );
    refuse(
        "engine.disk.interval",
        config.engine.disk.interval.is_zero(),
        "\"0s\" leaves no time between two syncs; write a time such as \"1s\", or take engine.disk.durability \"sync\"",
    );
    for (section, framing) in framing {
        refuse(
            &format!("{section}.message_size_limit"),
            framing.message_size_limit == 0,
            "0 allows no message; write a number of bytes such as 65536",
        );
    }
}

/// The problem with a regular expression, on one line.
fn regex_complaint(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    format!("\"{pattern}\" is not a regular expression: {reason}")
}

fn personal_channel(config: &Config, problems: &mut Vec<String>) {
    let PersonalChannel {
        enabled,
        personal_channel_namespace: name,
        single_connection,
    } = &config.client.subscribe_to_user_personal_channel;
    if !enabled {
        return;
    }
    let rules = if name.is_empty() {
        Some(&config.channel.without_namespace)
    } else {
        let mut namespaces = config.channel.namespaces.iter();
        namespaces
            .find(|item| item.name == *name)
            .map(|item| &item.options)
    };
    let at = "client.subscribe_to_user_personal_channel";
    match rules {
        None => problems.push(format!(
            "{at}.personal_channel_namespace: there is no namespace \"{name}\""
        )),
        Some(rules) if *single_connection && !rules.presence => problems.push(format!(
            "{at}.single_connection: needs presence in the namespace of the personal channels"
        )),
        Some(_) => {}
    }
}

fn consumers(consumers: &[Consumer], problems: &mut Vec<String>) {
    for (index, consumer) in consumers.iter().enumerate() {
        let name = &consumer.name;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.len() < 2 || !name.chars().all(word) {
            problems.push(format!(
                "consumers[{index}].name: \"{name}\" is not a name; write at least two letters, digits or _"
            ));
        }
        if consumers
            .iter()
            .take(index)
            .any(|other| other.name == *name)
        {
            problems.push(format!(
                "consumers[{index}].name: \"{name}\" is there twice"
            ));
        }
        if consumer.kind == ConsumerType::Unset {
            problems.push(format!(
                "consumers[{name}].type: is not set; write \"kafka\" or another"
            ));
        }
    }
}

fn compression(at: &str, framing: &WebSocketFraming, problems: &mut Vec<String>) {
    let level = framing.compression_level;
    if !(1..=9).contains(&level) {
        problems.push(format!(
            "{at}.compression_level: {level} is not a level; write 1 to 9"
        ));
    }
}

/// Addresses of doors begin with a slash, and no two doors share one.
fn addresses(config: &Config, problems: &mut Vec<String>) {
    let mut taken: Vec<(&str, &str)> = Vec::new();
    let doors = [
        (
            "websocket.handler_prefix",
            !config.websocket.disabled,
            &config.websocket.handler_prefix,
        ),
        (
            "http_api.handler_prefix",
            !config.http_api.disabled,
            &config.http_api.handler_prefix,
        ),
        (
            "prometheus.handler_prefix",
            config.prometheus.enabled,
            &config.prometheus.handler_prefix,
        ),
        (
            "swagger.handler_prefix",
            config.swagger.enabled,
            &config.swagger.handler_prefix,
        ),
        (
            "health.handler_prefix",
            config.health.enabled,
            &config.health.handler_prefix,
        ),
        (
            "plain.handler_prefix",
            config.plain.enabled,
            &config.plain.handler_prefix,
        ),
    ];
    let aliases = config
        .plain
        .aliases
        .iter()
        .map(|alias| ("plain.aliases", config.plain.enabled, alias));
    for (key, on, address) in doors.into_iter().chain(aliases) {
        if !on {
            continue;
        }
        if !address.starts_with('/') {
            problems.push(format!(
                "{key}: \"{address}\" is not an address; write \"/{address}\""
            ));
        }
        let address = address.trim_end_matches('/');
        if let Some((other, _)) = taken.iter().find(|(_, known)| *known == address) {
            problems.push(format!("{key}: \"{address}\" is taken by {other}"));
        }
        taken.push((key, address));
    }
}

/// The names that namespaces and proxies may have.
fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() >= 2 && name.chars().all(word)
}
