//! Rules of namespaces whose channels hold keys: maps, presence as a map, shared poll.

use std::time::Duration;

use crate::schema::channel::{MapClientKey, MapMode, MapOptions, SharedPollMode, SubscriptionType};
use crate::validate::channel::Rules;
use crate::validate::proxy;

impl Rules<'_> {
    /// What holds for `subscription_type`, `map`, `shared_poll` and the presence prefixes.
    pub(super) fn keyed(self, problems: &mut Vec<String>) {
        self.subscription(problems);
        self.map(problems);
        self.shared_poll(problems);
        self.prefixes(problems);
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
