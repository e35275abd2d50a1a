//! From the configuration to the rules of sessions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use veche_config::schema::channel::{self as config, Channels};
use veche_config::{Config, support};
use veche_protocol::publication::Retention;
use veche_session::rules::{
    ChannelOptions, ChannelPattern, ChannelRules, ClientRules, DataFormat, PersonalChannel,
    RecoveryMode, RpcRules, Rules,
};

/// Makes the rules of a configuration. `version` is sent in the reply to `connect`.
#[must_use]
pub(crate) fn rules(config: &Config, version: &str) -> Rules {
    let channel = channels(&config.channel);
    Rules {
        client: ClientRules {
            personal_channel: personal_channel(config, &channel),
            ..client(config, version)
        },
        channel,
        rpc: rpc(config),
    }
}

/// No proxy is served yet: see `support`.
fn rpc(config: &Config) -> RpcRules {
    let ping = &config.rpc.ping;
    RpcRules {
        ping: ping.enabled.then(|| ping.method.as_str().into()),
        ..RpcRules::default()
    }
}

fn client(config: &Config, version: &str) -> ClientRules {
    let client = &config.client;
    ClientRules {
        version: Arc::from(version),
        insecure: client.insecure,
        allow_anonymous_connect_without_token: client.allow_anonymous_connect_without_token,
        disallow_anonymous_connection_tokens: client.disallow_anonymous_connection_tokens,
        connect_proxy: false,
        refresh_proxy: false,
        emulated_headers: Arc::default(),
        allow_name_login: config.plain.allow_name_login,
        explain_errors: client.explain_errors,
        ping_interval: client.ping_interval,
        pong_timeout: client.pong_timeout,
        stale_close_delay: client.stale_close_delay,
        expired_close_delay: client.expired_close_delay,
        expired_sub_close_delay: client.expired_sub_close_delay,
        presence_update_interval: client.presence_update_interval,
        position_check_delay: match client.channel_position_check_delay {
            Duration::ZERO => ClientRules::default().position_check_delay,
            delay => delay,
        },
        position_max_time_lag: client.channel_position_max_time_lag,
        channel_limit: client.channel_limit,
        user_connection_limit: client.user_connection_limit,
        concurrency: client.concurrency.max(1),
        personal_channel: None,
        connect_include_server_time: client.connect_include_server_time,
        history_max_publication_limit: client.history_max_publication_limit,
        recovery_max_publication_limit: client.recovery_max_publication_limit,
    }
}

fn personal_channel(config: &Config, channel: &ChannelRules) -> Option<PersonalChannel> {
    let personal = &config.client.subscribe_to_user_personal_channel;
    let namespace = match personal.personal_channel_namespace.as_str() {
        "" => String::new(),
        name => format!("{name}{}", channel.namespace_boundary),
    };
    personal.enabled.then(|| PersonalChannel {
        prefix: namespace + &channel.user_boundary,
        single_connection: personal.single_connection,
    })
}

fn channels(channels: &Channels) -> ChannelRules {
    let defaults = ChannelRules::default();
    let or_default = |text: &String, default: String| {
        if text.is_empty() {
            default
        } else {
            text.clone()
        }
    };
    let namespaces: HashMap<_, _> = channels
        .namespaces
        .iter()
        .filter(|namespace| support::is_served(namespace.options.subscription_type))
        .map(|namespace| {
            let options = options(&namespace.name, &namespace.options, channels);
            (namespace.name.as_str().into(), Arc::new(options))
        })
        .collect();
    ChannelRules {
        max_length: channels.max_length,
        private_prefix: or_default(&channels.private_prefix, defaults.private_prefix),
        namespace_boundary: or_default(&channels.namespace_boundary, defaults.namespace_boundary),
        user_boundary: or_default(&channels.user_boundary, defaults.user_boundary),
        user_separator: or_default(&channels.user_separator, defaults.user_separator),
        without_namespace: Arc::new(options("", &channels.without_namespace, channels)),
        namespaces,
    }
}

fn options(
    namespace: &str,
    options: &config::ChannelOptions,
    channels: &Channels,
) -> ChannelOptions {
    let own_ttl = options.history_meta_ttl;
    let history_meta_ttl = if own_ttl.is_zero() {
        channels.history_meta_ttl
    } else {
        own_ttl
    };
    let keeps = options.history_size > 0 && !options.history_ttl.is_zero();
    ChannelOptions {
        namespace: namespace.into(),
        presence: options.presence,
        join_leave: options.join_leave,
        force_push_join_leave: options.force_push_join_leave,
        retention: keeps.then_some(Retention {
            size: options.history_size,
            ttl: options.history_ttl,
            meta_ttl: history_meta_ttl,
        }),
        history_meta_ttl,
        force_positioning: options.force_positioning,
        allow_positioning: options.allow_positioning,
        force_recovery: options.force_recovery,
        allow_recovery: options.allow_recovery,
        recovery_mode: match options.force_recovery_mode {
            config::RecoveryMode::Cache => RecoveryMode::Cache,
            _ => RecoveryMode::Stream,
        },
        auto_cache_recover: options.auto_cache_recover,
        allow_subscribe_for_client: options.allow_subscribe_for_client,
        allow_subscribe_for_anonymous: options.allow_subscribe_for_anonymous,
        allow_publish_for_client: options.allow_publish_for_client,
        allow_publish_for_subscriber: options.allow_publish_for_subscriber,
        allow_publish_for_anonymous: options.allow_publish_for_anonymous,
        allow_presence_for_client: options.allow_presence_for_client,
        allow_presence_for_subscriber: options.allow_presence_for_subscriber,
        allow_presence_for_anonymous: options.allow_presence_for_anonymous,
        allow_history_for_client: options.allow_history_for_client,
        allow_history_for_subscriber: options.allow_history_for_subscriber,
        allow_history_for_anonymous: options.allow_history_for_anonymous,
        allow_tags_filter: options.allow_tags_filter,
        allow_fossil_delta: options
            .allowed_delta_types
            .iter()
            .any(|name| name == "fossil"),
        delta_publish: options.delta_publish,
        allow_channel_compaction: options.allow_channel_compaction,
        subscribe_proxy: None,
        publish_proxy: None,
        sub_refresh_proxy: None,
        allow_user_limited_channels: options.allow_user_limited_channels,
        channel_regex: pattern(&options.channel_regex),
        data_format: data_format(
            options.publication_data_format,
            channels.publication_data_format,
        ),
    }
}

fn pattern(text: &str) -> Option<ChannelPattern> {
    let regex = Regex::new(text).ok().filter(|_| !text.is_empty())?;
    Some(ChannelPattern {
        text: text.into(),
        is_match: Arc::new(move |name| regex.is_match(name)),
    })
}

fn data_format(own: config::DataFormat, general: config::DataFormat) -> DataFormat {
    let format = if own == config::DataFormat::Any {
        general
    } else {
        own
    };
    match format {
        config::DataFormat::Any => DataFormat::Any,
        config::DataFormat::Json => DataFormat::Json,
        config::DataFormat::JsonObject => DataFormat::JsonObject,
        config::DataFormat::Binary => DataFormat::Binary,
    }
}
