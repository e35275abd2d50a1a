//! Rules of namespaces: names, history, recovery and proxies.

use std::time::Duration;

use crate::duration;
use crate::schema::Config;
use crate::schema::channel::{ChannelOptions, HistoryDurability, RecoveryMode};
use crate::schema::engine::EngineType;
use crate::schema::proxy::Proxy;
use crate::validate::{is_name, proxy, regex_complaint};

pub(super) fn check(config: &Config, problems: &mut Vec<String>) {
    whole_seconds(
        "channel.history_meta_ttl",
        config.channel.history_meta_ttl,
        problems,
    );
    Rules {
        config,
        at: "channel.without_namespace",
        options: &config.channel.without_namespace,
    }
    .check(problems);
    let namespaces = &config.channel.namespaces;
    for (index, namespace) in namespaces.iter().enumerate() {
        let name = &namespace.name;
        if !is_name(name) {
            problems.push(format!(
                "channel.namespaces[{index}].name: \"{name}\" is not a name; write at least two letters, digits, -, _ or ."
            ));
        }
        if namespaces
            .iter()
            .take(index)
            .any(|other| other.name == *name)
        {
            problems.push(format!(
                "channel.namespaces[{index}].name: \"{name}\" is there twice"
            ));
        }
        let at = format!("channel.namespaces[{name}]");
        Rules {
            config,
            at: &at,
            options: &namespace.options,
        }
        .check(problems);
    }
}

/// Rules that have no effect with the engine that is configured, one line each.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    if config.engine.kind == EngineType::Disk {
        return Vec::new();
    }
    let without = (
        "without_namespace".to_owned(),
        &config.channel.without_namespace,
    );
    let namespaces = config.channel.namespaces.iter();
    let namespaces = namespaces.map(|namespace| {
        (
            format!("namespaces[{}]", namespace.name),
            &namespace.options,
        )
    });
    std::iter::once(without)
        .chain(namespaces)
        .filter(|(_, options)| options.history_durability != HistoryDurability::Default)
        .map(|(at, _)| {
            format!(
                "channel.{at}.history_durability has no effect: only the engine on disk keeps history (engine.type: disk)"
            )
        })
        .collect()
}

/// The rules of one namespace, and where they stand.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) config: &'a Config,
    at: &'a str,
    pub(super) options: &'a ChannelOptions,
}

impl Rules<'_> {
    fn check(self, problems: &mut Vec<String>) {
        self.history(problems);
        self.recovery(problems);
        self.proxies(problems);
        self.keyed(problems);
    }

    pub(super) fn say(self, problems: &mut Vec<String>, key: &str, text: &str) {
        problems.push(format!("{}.{key}: {text}", self.at));
    }

    fn history(self, problems: &mut Vec<String>) {
        let options = self.options;
        whole_seconds(
            &format!("{}.history_ttl", self.at),
            options.history_ttl,
            problems,
        );
        whole_seconds(
            &format!("{}.history_meta_ttl", self.at),
            options.history_meta_ttl,
            problems,
        );
        match (options.history_size, options.history_ttl.is_zero()) {
            (0, false) => self.say(
                problems,
                "history_size",
                "is not set; history needs history_size and history_ttl",
            ),
            (1.., true) => self.say(
                problems,
                "history_ttl",
                "is not set; history needs history_size and history_ttl",
            ),
            _ => {}
        }
        let meta_ttl = if options.history_meta_ttl.is_zero() {
            self.config.channel.history_meta_ttl
        } else {
            options.history_meta_ttl
        };
        if meta_ttl < options.history_ttl {
            let text = format!(
                "\"{}\" is longer than history_meta_ttl (\"{}\"), which must outlive the history",
                duration::format(options.history_ttl),
                duration::format(meta_ttl)
            );
            self.say(problems, "history_ttl", &text);
        }
    }

    fn recovery(self, problems: &mut Vec<String>) {
        let options = self.options;
        let has_history = options.history_size > 0 && !options.history_ttl.is_zero();
        if options.force_recovery && !has_history {
            self.say(
                problems,
                "force_recovery",
                "needs history_size and history_ttl",
            );
        }
        let is_cache = options.force_recovery_mode == RecoveryMode::Cache;
        if options.auto_cache_recover && !(options.force_recovery && is_cache) {
            self.say(
                problems,
                "auto_cache_recover",
                "needs force_recovery and force_recovery_mode \"cache\"",
            );
        }
        for delta in &options.allowed_delta_types {
            if delta != "fossil" {
                let text = format!("\"{delta}\" is not known; write \"fossil\"");
                self.say(problems, "allowed_delta_types", &text);
            }
        }
        if let Err(error) = regex::Regex::new(&options.channel_regex) {
            self.say(
                problems,
                "channel_regex",
                &regex_complaint(&options.channel_regex, &error),
            );
        }
    }

    fn proxies(self, problems: &mut Vec<String>) {
        let (options, default) = (self.options, &self.config.channel.proxy);
        let others = options.subscribe_proxy_enabled
            || options.publish_proxy_enabled
            || options.sub_refresh_proxy_enabled;
        if options.subscribe_stream_proxy_enabled && others {
            let text = "cannot be used together with the subscribe, publish or sub_refresh proxy";
            self.say(problems, "subscribe_stream_proxy_enabled", text);
        }
        let mut proxy = |key: &str, enabled: bool, name: &str, proxy: (&str, &Proxy)| {
            self.proxy(problems, key, enabled.then_some(proxy), name);
        };
        proxy(
            "subscribe_proxy_name",
            options.subscribe_proxy_enabled,
            &options.subscribe_proxy_name,
            ("subscribe", &default.subscribe),
        );
        proxy(
            "publish_proxy_name",
            options.publish_proxy_enabled,
            &options.publish_proxy_name,
            ("publish", &default.publish),
        );
        proxy(
            "sub_refresh_proxy_name",
            options.sub_refresh_proxy_enabled,
            &options.sub_refresh_proxy_name,
            ("sub_refresh", &default.sub_refresh),
        );
        proxy(
            "subscribe_stream_proxy_name",
            options.subscribe_stream_proxy_enabled,
            &options.subscribe_stream_proxy_name,
            ("subscribe_stream", &default.subscribe_stream),
        );
        let map = &options.map;
        proxy(
            "map.publish_proxy_name",
            map.publish_proxy_enabled,
            &map.publish_proxy_name,
            ("map_publish", &default.map_publish),
        );
        proxy(
            "map.remove_proxy_name",
            map.remove_proxy_enabled,
            &map.remove_proxy_name,
            ("map_remove", &default.map_remove),
        );
    }

    /// A proxy's name must be known, and the default one that is `asked` must be whole.
    pub(super) fn proxy(
        self,
        problems: &mut Vec<String>,
        key: &str,
        asked: Option<(&str, &Proxy)>,
        name: &str,
    ) {
        if !proxy::exists(self.config, name) {
            self.say(problems, key, &format!("there is no proxy \"{name}\""));
        }
        if let Some((default, backend)) = asked
            && name == proxy::DEFAULT
        {
            proxy::backend(&format!("channel.proxy.{default}"), backend, problems);
        }
    }
}

fn whole_seconds(at: &str, value: Duration, problems: &mut Vec<String>) {
    if value.subsec_nanos() > 0 {
        problems.push(format!(
            "{at}: \"{}\" is not in whole seconds; write \"{}s\"",
            duration::format(value),
            value.as_secs().max(1)
        ));
    }
}
