//! Connections to Redis and NATS, and what is kept there.

use std::time::Duration;

use crate::schema::server::Tls;
use crate::section::sections;
use crate::value::{Secret, Shards, TextMap};

sections! {
    /// A connection to Redis: standalone, Sentinel, Cluster, or shards of these.
    Redis {
        /// Addresses, one for each shard.
        address: Shards = "redis://127.0.0.1:6379",
        /// Time to connect.
        connect_timeout: Duration = "1s",
        /// Time for one read or write.
        io_timeout: Duration = "4s",
        /// Database number.
        db: usize = "0",
        /// User name.
        user: String,
        /// Password.
        password: Secret,
        /// Name this connection gives itself.
        client_name: String,
        /// Speaks RESP2 even where RESP3 is known.
        force_resp2: bool,
        /// Seed nodes of Redis Cluster; the nodes of one cluster are separated by commas.
        cluster_address: Shards,
        /// TLS to Redis.
        tls: Tls,
        /// Sentinels; those of one shard are separated by commas.
        sentinel_address: Shards,
        /// User name at the sentinels.
        sentinel_user: String,
        /// Password at the sentinels.
        sentinel_password: Secret,
        /// Name of the master the sentinels watch.
        sentinel_master_name: String,
        /// Name this connection gives itself at the sentinels.
        sentinel_client_name: String,
        /// TLS to the sentinels.
        sentinel_tls: Tls,
        /// Reads from replicas.
        replica_client: ReplicaClient,
    }

    /// `replica_client` of a Redis connection.
    ReplicaClient {
        /// Switches it on.
        enabled: bool,
    }

    /// A Redis connection with a prefix for all its keys.
    PrefixedRedis {
        /// Prefix of every key and channel.
        prefix: String = "centrifugo",
        /// The connection.
        [flat] redis: Redis,
    }

    /// History in Redis.
    RedisHistory {
        /// Keeps history in lists, which cannot be paged.
        history_use_lists: bool,
    }

    /// Presence in Redis.
    RedisPresence {
        /// How long an entry holds without being renewed.
        presence_ttl: Duration = "60s",
        /// Lets Redis expire single fields (Redis 7.4).
        presence_hash_field_ttl: bool,
        /// Counts users in a hash of their own.
        presence_user_mapping: bool,
    }

    /// `engine.redis`: channels and presence on Redis.
    RedisEngine {
        /// The connection.
        [flat] redis: PrefixedRedis,
        /// History.
        [flat] history: RedisHistory,
        /// Presence.
        [flat] presence: RedisPresence,
    }

    /// `broker.redis`: channels on Redis.
    RedisBroker {
        /// The connection.
        [flat] redis: PrefixedRedis,
        /// History.
        [flat] history: RedisHistory,
    }

    /// `presence_manager.redis`: presence on Redis.
    RedisPresenceManager {
        /// The connection.
        [flat] redis: PrefixedRedis,
        /// Presence.
        [flat] presence: RedisPresence,
    }

    /// `map_broker.redis`: map channels on Redis.
    RedisMapBroker {
        /// The connection.
        [flat] redis: PrefixedRedis,
        /// How often expired entries are removed; `-1s` never.
        cleanup_interval: Option<Duration> = "1s",
        /// Entries removed from a channel at once.
        cleanup_batch_size: usize = "100",
        /// How long the result of an idempotent publish is known.
        idempotent_result_ttl: Duration = "5m",
        /// Keeps state without publishing changes.
        skip_pub_sub: bool,
    }

    /// `broker.nats`: channels on NATS, at most once.
    NatsBroker {
        /// Prefix of every subject.
        prefix: String = "centrifugo",
        /// Address of the server.
        url: String = "nats://localhost:4222",
        /// Time to connect.
        dial_timeout: Duration = "1s",
        /// Time for one write.
        write_timeout: Duration = "1s",
        /// TLS to NATS.
        tls: Tls,
        /// Lets clients subscribe to patterns.
        allow_wildcards: bool,
        /// Passes payloads through as they are.
        raw_mode: NatsRawMode,
    }

    /// `raw_mode` of a NATS broker.
    NatsRawMode {
        /// Switches it on.
        enabled: bool,
        /// Strings replaced in a channel's name to make a subject.
        channel_replacements: TextMap,
        /// Prefix of every subject.
        prefix: String,
    }

    /// `broker.redisnats`: history on Redis, delivery by NATS.
    RedisNatsBroker {
        /// The Redis part.
        redis: RedisBroker,
        /// The NATS part.
        nats: NatsBroker,
    }
}
