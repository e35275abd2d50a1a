//! Rules of namespaces: history, recovery, proxies, maps and shared poll.

use std::time::Duration;

use crate::config::duration;
use crate::config::schema::Config;
use crate::config::schema::channel::{
    ChannelOptions, MapClientKey, MapMode, MapOptions, RecoveryMode, SharedPollMode,
    SubscriptionType,
};
use crate::config::schema::proxy::Proxy;
use crate::config::validate::{proxy, regex_complaint};

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

/// The names that namespaces and proxies may have.
pub(super) fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() >= 2 && name.chars().all(word)
}

/// The rules of one namespace, and where they stand.
#[derive(Clone, Copy)]
struct Rules<'a> {
    config: &'a Config,
    at: &'a str,
    options: &'a ChannelOptions,
}

impl Rules<'_> {
    fn check(self, problems: &mut Vec<String>) {
        self.history(problems);
        self.recovery(problems);
        self.proxies(problems);
        self.subscription(problems);
        self.map(problems);
        self.shared_poll(problems);
        self.prefixes(problems);
    }

    fn say(self, problems: &mut Vec<String>, key: &str, text: &str) {
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
    fn proxy(
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

    fn is_map(self) -> bool {
        matches!(
            self.options.subscription_type,
            SubscriptionType::Map | SubscriptionType::MapClients | SubscriptionType::MapUsers
        )
    }

    fn subscription(self, problems: &mut Vec<String>) {
        let map = &self.options.map;
        if self.is_map() && map.mode == MapMode::Unset {
            let text = "is not set; a map needs \"ephemeral\", \"recoverable\" or \"persistent\"";
            self.say(problems, "map.mode", text);
        }
        if map.remove_client_on_unsubscribe && !self.is_map() {
            self.say(
                problems,
                "map.remove_client_on_unsubscribe",
                "needs a map as subscription_type",
            );
        }
        let of_presence = self.is_map() && self.options.subscription_type != SubscriptionType::Map;
        if map.mode == MapMode::Persistent && of_presence {
            let text = "\"persistent\" would keep clients that are gone; write \"ephemeral\" or \"recoverable\"";
            self.say(problems, "map.mode", text);
        }
    }

    fn map(self, problems: &mut Vec<String>) {
        let map = &self.options.map;
        let mode = map.mode.as_str();
        let set = |duration: Duration| !duration.is_zero();
        match map.mode {
            MapMode::Unset => {}
            MapMode::Persistent if set(map.key_ttl) => {
                self.say(
                    problems,
                    "map.key_ttl",
                    "cannot be used with map.mode \"persistent\"",
                );
            }
            MapMode::Ephemeral | MapMode::Recoverable if !set(map.key_ttl) => {
                self.say(
                    problems,
                    "map.key_ttl",
                    &format!("is not set; map.mode \"{mode}\" needs it"),
                );
            }
            _ => {}
        }
        if map.mode == MapMode::Ephemeral {
            for (key, set) in [
                ("map.stream_size", map.stream_size > 0),
                ("map.stream_ttl", set(map.stream_ttl)),
                ("map.meta_ttl", set(map.meta_ttl)),
            ] {
                if set {
                    self.say(problems, key, "cannot be used with map.mode \"ephemeral\"");
                }
            }
        } else if map.mode != MapMode::Unset && set(map.meta_ttl) {
            let stream_ttl = if set(map.stream_ttl) {
                map.stream_ttl
            } else {
                DEFAULT_STREAM_TTL
            };
            if map.meta_ttl < stream_ttl {
                self.say(
                    problems,
                    "map.meta_ttl",
                    "is shorter than map.stream_ttl, which it must outlive",
                );
            }
        }
        if map.client_key != MapClientKey::Free {
            for (key, enabled) in [
                ("map.publish_proxy_enabled", map.publish_proxy_enabled),
                ("map.remove_proxy_enabled", map.remove_proxy_enabled),
            ] {
                if enabled {
                    self.say(
                        problems,
                        "map.client_key",
                        &format!("cannot be used with {key}: the proxy decides the key"),
                    );
                }
            }
        }
        self.pages(map, problems);
    }

    fn pages(self, map: &MapOptions, problems: &mut Vec<String>) {
        let sizes = [
            ("map.min_page_size", map.min_page_size),
            ("map.default_page_size", map.default_page_size),
            ("map.max_page_size", map.max_page_size),
        ];
        let set: Vec<_> = sizes.into_iter().filter(|(_, size)| *size > 0).collect();
        for (low, high) in set.iter().zip(set.iter().skip(1)) {
            if low.1 > high.1 {
                self.say(
                    problems,
                    low.0,
                    &format!("{} is more than {} ({})", low.1, high.0, high.1),
                );
            }
        }
    }

    fn shared_poll(self, problems: &mut Vec<String>) {
        if self.options.subscription_type != SubscriptionType::SharedPoll {
            return;
        }
        let poll = &self.options.shared_poll;
        if self.config.shared_poll.hmac_secret_key.is_empty() {
            let text = "\"shared_poll\" needs shared_poll.hmac_secret_key";
            self.say(problems, "subscription_type", text);
        }
        let name = if poll.proxy_name.is_empty() {
            proxy::DEFAULT
        } else {
            &poll.proxy_name
        };
        let default = (
            "shared_poll_refresh",
            &self.config.channel.proxy.shared_poll_refresh,
        );
        self.proxy(problems, "shared_poll.proxy_name", Some(default), name);
        if poll.publish_enabled && poll.mode != SharedPollMode::Versioned {
            self.say(
                problems,
                "shared_poll.publish_enabled",
                "needs shared_poll.mode \"versioned\"",
            );
        }
    }

    /// Prefixes must lead into a namespace of the matching kind.
    fn prefixes(self, problems: &mut Vec<String>) {
        let options = self.options;
        for (key, prefix, kind) in [
            (
                "map_clients_presence_channel_prefix",
                &options.map_clients_presence_channel_prefix,
                SubscriptionType::MapClients,
            ),
            (
                "map_users_presence_channel_prefix",
                &options.map_users_presence_channel_prefix,
                SubscriptionType::MapUsers,
            ),
        ] {
            if prefix.is_empty() {
                continue;
            }
            let channels = &self.config.channel;
            let target = match prefix.split_once(&channels.namespace_boundary) {
                None => Some(&channels.without_namespace),
                Some((name, _)) => {
                    let mut namespaces = channels.namespaces.iter();
                    namespaces
                        .find(|item| item.name == name)
                        .map(|item| &item.options)
                }
            };
            match target {
                None => self.say(
                    problems,
                    key,
                    &format!("\"{prefix}\" leads into no namespace"),
                ),
                Some(target) if target.subscription_type != kind => {
                    let text = format!(
                        "\"{prefix}\" must lead into a namespace with subscription_type \"{}\"",
                        kind.as_str()
                    );
                    self.say(problems, key, &text);
                }
                Some(_) => {}
            }
        }
    }
}

/// What `map.stream_ttl` is where it is not set.
const DEFAULT_STREAM_TTL: Duration = Duration::from_secs(60);

fn whole_seconds(at: &str, value: Duration, problems: &mut Vec<String>) {
    if value.subsec_nanos() > 0 {
        problems.push(format!(
            "{at}: \"{}\" is not in whole seconds; write \"{}s\"",
            duration::format(value),
            value.as_secs().max(1)
        ));
    }
}
