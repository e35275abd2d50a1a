//! Keys of Centrifugo's commercial edition: known by name, so that they are not taken for mistakes.

use crate::table;

/// Whether `path`, or a section it lies in, belongs to the commercial edition.
pub(crate) fn knows(path: &str) -> bool {
    let path =
        table::without_labels(path).replace("channel.namespaces[].", "channel.without_namespace.");
    KEYS.iter().any(|key| {
        path.strip_prefix(key)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }) || redis_key(&path)
}

/// The same keys behind each Redis connection.
fn redis_key(path: &str) -> bool {
    ["engine.redis.", "broker.redis.", "map_broker.redis."]
        .iter()
        .filter_map(|section| path.strip_prefix(section))
        .any(|rest| REDIS.iter().any(|key| rest.split('.').next() == Some(key)))
}

const REDIS: &[&str] = &[
    "subscribe_on_replica",
    "presence_read_from_replica",
    "sharded_pub_sub_partitions",
    "use_precomputed_partition_tags",
    "group_sharded_pub_sub_by_node",
    "channel_state",
];

const KEYS: &[&str] = &[
    "license",
    "schemas",
    "database",
    "singleflight",
    "brokers",
    "presence_managers",
    "map_brokers",
    "controller.redis",
    "controller.nats",
    "client.batch_periodic_events",
    "client.write_delay",
    "client.write_with_timer",
    "client.queue_shrink_delay",
    "client.max_messages_in_frame",
    "client.reply_without_queue",
    "client.rate_limit",
    "client.token.meta_from_claim",
    "client.token.labels_from_claim",
    "client.token.jwks",
    "client.subscription_token.meta_from_claim",
    "client.subscription_token.labels_from_claim",
    "client.subscription_token.jwks",
    "websocket.compression_prepared_message_cache_size",
    "websocket.process_commands_off_read_loop",
    "channel.patterns",
    "channel.proxy.cache_empty",
    "channel.proxy.state",
    "channel.without_namespace.keep_latest_publication",
    "channel.without_namespace.client_publish_debounce_interval",
    "channel.without_namespace.batch_max_size",
    "channel.without_namespace.batch_max_delay",
    "channel.without_namespace.batch_flush_latest",
    "channel.without_namespace.shared_position_sync",
    "channel.without_namespace.subscribe_cel",
    "channel.without_namespace.publish_cel",
    "channel.without_namespace.history_cel",
    "channel.without_namespace.presence_cel",
    "channel.without_namespace.cache_empty_proxy_enabled",
    "channel.without_namespace.cache_empty_proxy_name",
    "channel.without_namespace.state_proxy_enabled",
    "channel.without_namespace.state_proxy_name",
    "channel.without_namespace.state_events",
    "channel.without_namespace.broker_name",
    "channel.without_namespace.presence_manager_name",
    "channel.without_namespace.map.broker_name",
    "channel.without_namespace.map.full_state_channel_prefix",
    "channel.without_namespace.map.full_state_tick_interval",
    "channel.without_namespace.shared_poll.keep_latest_data",
    "channel.without_namespace.shared_poll.backpressure_max_interval",
    "channel.without_namespace.shared_poll.notification",
    "channel.without_namespace.client_publication",
    "channel.without_namespace.pattern",
    "map_broker.postgres.replica",
    "map_broker.postgres.broker_fanout",
    "map_broker.cache",
    "shared_poll.notification",
    "shared_poll_relay",
    "http_api.jwks",
    "grpc_api.jwks",
    "admin.api_key",
    "admin.oidc",
    "user_status",
    "user_block",
    "token_revoke",
    "user_tokens_invalidate",
    "clickhouse_analytics",
    "push_notifications",
    "prometheus.additional_client_names",
    "prometheus.channel_namespace_resolution",
    "prometheus.expose_transport_accept_protocol",
    "prometheus.client_labels",
    "opentelemetry.metrics",
    "opentelemetry.resource_detectors",
    "sentry",
];

#[cfg(test)]
mod tests {
    use super::{KEYS, knows};
    use crate::table;

    #[test]
    fn keys_of_the_commercial_edition_are_known_anywhere_below_their_section() {
        for path in [
            "license",
            "client.rate_limit.client_command.enabled",
            "channel.namespaces[chat].subscribe_cel",
            "channel.without_namespace.batch_max_size",
            "engine.redis.sharded_pub_sub_partitions",
            "brokers[0].name",
        ] {
            assert!(knows(path), "{path}");
        }
        assert!(!knows("client.rate_limits"));
        assert!(!knows("licenses"));
    }

    #[test]
    fn no_key_is_both_open_and_commercial() {
        for key in KEYS {
            assert!(
                table::find(key).is_none() && !table::is_section(key),
                "{key}"
            );
        }
    }
}
