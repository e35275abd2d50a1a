//! Finds the options of a channel by its name.

use std::sync::Arc;

use crate::rules::{ChannelOptions, ChannelRules, Rules};

/// A channel with the options that apply to it.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedChannel<'a> {
    /// The whole name.
    pub channel: &'a str,
    /// The part after the namespace; the whole name if there is no namespace.
    pub rest: &'a str,
    /// The options that apply.
    pub options: &'a Arc<ChannelOptions>,
    /// The rules.
    pub rules: &'a Rules,
}

impl Rules {
    /// Finds the options of a channel; `None` where the namespace does not exist.
    #[must_use]
    pub fn resolve<'a>(&'a self, channel: &'a str) -> Option<ResolvedChannel<'a>> {
        let (namespace, rest) = self.channel.split(channel);
        let options = if namespace.is_empty() {
            &self.channel.without_namespace
        } else {
            self.channel.namespaces.get(namespace)?
        };
        Some(ResolvedChannel {
            channel,
            rest,
            options,
            rules: self,
        })
    }
}

impl ChannelRules {
    /// Splits a name into its namespace, empty for none, and the rest.
    #[must_use]
    pub fn split<'a>(&self, channel: &'a str) -> (&'a str, &'a str) {
        let name = channel
            .strip_prefix(self.private_prefix.as_str())
            .unwrap_or(channel);
        if self.namespace_boundary.is_empty() {
            return ("", channel);
        }
        // Searching for a byte costs a quarter of searching for a string, and the boundary usually is one byte.
        match self.namespace_boundary.as_bytes() {
            &[byte] => name.split_once(char::from(byte)),
            _ => name.split_once(self.namespace_boundary.as_str()),
        }
        .unwrap_or(("", channel))
    }
}

impl ResolvedChannel<'_> {
    /// Whether the name is one that clients may use: what `channel_regex` matches, else ASCII.
    #[must_use]
    pub fn has_valid_name(&self) -> bool {
        match &self.options.channel_regex {
            Some(pattern) => (pattern.is_match)(self.rest),
            None => self.channel.is_ascii(),
        }
    }

    /// Whether only a subscription token opens the channel.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let prefix = &self.rules.channel.private_prefix;
        !prefix.is_empty() && self.channel.starts_with(prefix.as_str())
    }

    /// Whether the name lists the users that may subscribe.
    #[must_use]
    pub fn is_user_limited(&self) -> bool {
        let boundary = &self.rules.channel.user_boundary;
        self.options.allow_user_limited_channels
            && !boundary.is_empty()
            && self.channel.contains(boundary.as_str())
    }

    /// Whether the name lists this user: only what follows the last boundary counts, untrimmed. An anonymous user is
    /// never listed, not even by an empty item.
    #[must_use]
    pub fn lists_user(&self, user: &str) -> bool {
        let rules = &self.rules.channel;
        if user.is_empty() {
            return false;
        }
        let Some((_, list)) = self.channel.rsplit_once(rules.user_boundary.as_str()) else {
            return false;
        };
        if rules.user_separator.is_empty() {
            return list == user;
        }
        list.split(rules.user_separator.as_str())
            .any(|listed| listed == user)
    }

    /// The owner of these options, in words: a namespace, or channels without one.
    #[must_use]
    pub fn owner(&self) -> String {
        if self.options.namespace.is_empty() {
            "channels without a namespace".to_owned()
        } else {
            format!("namespace {:?}", self.options.namespace)
        }
    }

    /// The verb that goes with [`Self::owner`].
    pub(crate) fn agree(&self, many: &'static str, one: &'static str) -> &'static str {
        if self.options.namespace.is_empty() {
            many
        } else {
            one
        }
    }

    /// The configuration key of one of these options.
    #[must_use]
    pub fn key(&self, option: &str) -> String {
        if self.options.namespace.is_empty() {
            format!("channel.without_namespace.{option}")
        } else {
            format!("channel.namespaces[{}].{option}", self.options.namespace)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let mut rules = Rules::default();
        rules.channel.namespaces.insert(
            "ns".into(),
            Arc::new(ChannelOptions {
                namespace: "ns".into(),
                allow_user_limited_channels: true,
                ..ChannelOptions::default()
            }),
        );
        rules
    }

    #[test]
    fn a_namespace_ends_at_the_first_boundary() {
        let rules = rules();
        for (name, namespace, rest) in [
            ("chat", "", "chat"),
            ("ns:chat", "ns", "chat"),
            ("$ns:chat", "ns", "chat"),
            ("ns:a:b", "ns", "a:b"),
            (":x", "", "x"),
            ("$chat", "", "$chat"),
        ] {
            let resolved = rules.resolve(name).unwrap();
            assert_eq!(&*resolved.options.namespace, namespace, "{name}");
            assert_eq!(resolved.rest, rest, "{name}");
        }
        assert!(rules.resolve("other:chat").is_none());
    }

    #[test]
    fn only_the_last_boundary_of_a_name_begins_the_users() {
        let rules = rules();
        let allows = |name: &str, user: &str| rules.resolve(name).unwrap().lists_user(user);
        assert!(allows("ns:a#1,2", "2"));
        assert!(!allows("ns:a#1,2", "3"));
        assert!(!allows("ns:a#1#2", "1"));
        assert!(!allows("ns:a# 1", "1"));
        for name in ["ns:a#", "ns:a#,b", "ns:a#b,", "ns:a#b,,c"] {
            assert!(!allows(name, ""), "{name}");
        }
        assert!(rules.resolve("ns:a#1").unwrap().is_user_limited());
        assert!(!rules.resolve("a#1").unwrap().is_user_limited());
    }
}
