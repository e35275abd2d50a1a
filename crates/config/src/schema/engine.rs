//! The cluster's side: engine, broker, presence manager, map broker, controller, shared poll.

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
        kind as "type": EngineType,
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
    /// `engine.type` and `presence_manager.type`.
    EngineType {
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
