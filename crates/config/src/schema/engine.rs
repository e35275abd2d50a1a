//! The cluster's side: engine, broker, presence manager, map broker, controller, shared poll.

use std::time::Duration;

use crate::schema::postgres::{PostgresBroker, PostgresController, PostgresMapBroker};
use crate::schema::redis::{
    NatsBroker, RedisBroker, RedisEngine, RedisMapBroker, RedisNatsBroker, RedisPresenceManager,
};
use crate::section::{choices, sections};
use crate::value::Secret;

sections! {
    /// `engine`.
    Engine {
        /// The engine.
        kind as "type": EngineType,
        /// Settings of the Redis engine.
        redis: RedisEngine,
        /// Settings of the engine on disk.
        disk: DiskEngine,
    }

    /// `engine.disk`.
    DiskEngine {
        /// The folder of the store; it is made if there is none.
        path: String = "veche-data/history",
        /// What a publication waits for before it is confirmed and delivered.
        durability: DiskDurability,
        /// Between two syncs of what waits for none.
        interval: Duration = "1s",
        /// Most bytes of the store; the oldest publications go. 0 is no limit.
        max_size: usize,
        /// Bytes of memory for channels and the store's pages; 0 holds nothing that is in the store.
        cache_size: usize = "67108864",
    }

    /// `broker`.
    Broker {
        /// Takes this broker instead of the engine's.
        enabled: bool,
        /// The broker.
        kind as "type": BrokerType,
        /// Settings of the Redis broker.
        redis: RedisBroker,
        /// Settings of the NATS broker.
        nats: NatsBroker,
        /// Settings of the PostgreSQL broker.
        postgres: PostgresBroker,
        /// Settings of the broker on Redis and NATS; not stable in the original.
        redisnats: RedisNatsBroker,
    }

    /// `presence_manager`.
    PresenceManager {
        /// Takes this presence manager instead of the engine's.
        enabled: bool,
        /// The presence manager.
        kind as "type": PresenceManagerType,
        /// Settings of presence on Redis.
        redis: RedisPresenceManager,
    }

    /// `map_broker`.
    MapBroker {
        /// The map broker.
        kind as "type": MapBrokerType,
        /// Settings of maps on Redis.
        redis: RedisMapBroker,
        /// Settings of maps on PostgreSQL.
        postgres: PostgresMapBroker,
    }

    /// `controller`.
    Controller {
        /// Takes this controller instead of the engine's.
        enabled: bool,
        /// The controller.
        kind as "type": ControllerType,
        /// Settings of the PostgreSQL controller.
        postgres: PostgresController,
    }

    /// `shared_poll`.
    SharedPoll {
        /// Key of the signatures that name what may be polled.
        hmac_secret_key: Secret,
        /// The key before it, still accepted.
        hmac_previous_secret_key: Secret,
        /// Unix time in seconds until which the previous key is accepted.
        hmac_previous_secret_key_valid_until: i64,
        /// Most requests to the application at once; 0 is no limit.
        concurrency_limit: usize,
    }
}

choices! {
    /// `engine.type`.
    EngineType {
        /// In this process; a restart forgets.
        Memory = "memory",
        /// In this process, with history on disk; presence is in memory.
        Disk = "disk",
        /// On Redis.
        Redis = "redis",
    }

    /// `engine.disk.durability`.
    DiskDurability {
        /// At most what came since the last sync is lost by a power cut, and nothing by the end of the process.
        Interval = "interval",
        /// Nothing is lost.
        Sync = "sync",
    }

    /// `presence_manager.type`.
    PresenceManagerType {
        /// In this process; a restart forgets.
        Memory = "memory",
        /// On Redis.
        Redis = "redis",
    }

    /// `broker.type`.
    BrokerType {
        /// In this process; a restart forgets.
        Memory = "memory",
        /// On Redis.
        Redis = "redis",
        /// On NATS.
        Nats = "nats",
        /// On Redis and NATS together.
        RedisNats = "redisnats",
        /// On PostgreSQL.
        Postgres = "postgres",
    }

    /// `map_broker.type`.
    MapBrokerType {
        /// In this process; a restart forgets.
        Memory = "memory",
        /// On Redis.
        Redis = "redis",
        /// On PostgreSQL.
        Postgres = "postgres",
    }

    /// `controller.type`.
    ControllerType {
        /// The engine's own.
        Engine = "",
        /// On PostgreSQL.
        Postgres = "postgres",
    }
}
