//! What PostgreSQL can carry: channels, maps and orders between nodes.

use std::time::Duration;

use crate::schema::server::Tls;
use crate::section::sections;
use crate::value::Secret;

sections! {
    /// `broker.postgres`: channels on PostgreSQL.
    PostgresBroker {
        /// Connection string.
        dsn: Secret,
        /// TLS to the database.
        tls: Tls,
        /// Most connections in the pool.
        pool_size: usize = "16",
        /// Shards that delivery is spread over.
        num_shards: usize = "8",
        /// How often old rows are removed.
        cleanup_interval: Duration = "1m",
        /// How long the result of an idempotent publish is known.
        idempotent_result_ttl: Duration = "5m",
        /// Stores payloads as bytes instead of JSON.
        binary_data: bool,
        /// How long publications are kept.
        stream_retention: Duration = "24h",
        /// Wakes readers by LISTEN and NOTIFY.
        use_notify: bool,
        /// Connection string for LISTEN, where a pooler stands before the database.
        notify_dsn: Secret,
        /// Prefix of all tables.
        table_prefix: String = "cf",
        /// Leaves the creation of tables to somebody else.
        skip_schema_init: bool,
        /// How the outbox is read.
        outbox: PostgresOutbox,
        /// Daily partitions made ahead.
        partition_lookahead_days: usize = "2",
        /// Days after which a partition is dropped.
        partition_retention_days: usize = "7",
    }

    /// `outbox` of a PostgreSQL broker.
    PostgresOutbox {
        /// How often it is read.
        poll_interval: Duration = "100ms",
        /// Rows read at once.
        batch_size: usize = "1000",
    }

    /// `map_broker.postgres`: map channels on PostgreSQL.
    PostgresMapBroker {
        /// What it shares with the broker for channels.
        [flat] common: PostgresBroker,
        /// How often expired keys are looked for.
        ttl_check_interval: Duration = "1s",
    }

    /// `controller.postgres`: orders between nodes on PostgreSQL.
    PostgresController {
        /// Connection string.
        dsn: Secret,
        /// TLS to the database.
        tls: Tls,
        /// Most connections in the pool.
        pool_size: usize = "8",
        /// Shards that orders are spread over.
        num_shards: usize = "1",
        /// Prefix of all tables.
        table_prefix: String = "cf",
        /// How often orders are read.
        poll_interval: Duration = "50ms",
        /// Wakes readers by LISTEN and NOTIFY.
        use_notify: bool,
        /// Connection string for LISTEN, where a pooler stands before the database.
        notify_dsn: Secret,
        /// Days after which a partition is dropped.
        partition_retention_days: usize = "1",
        /// Daily partitions made ahead.
        partition_lookahead_days: usize = "2",
        /// How often old partitions are looked for.
        partition_cleanup_interval: Duration = "1m",
        /// Rows read at once.
        batch_size: usize = "1000",
        /// Leaves the creation of tables to somebody else.
        skip_schema_init: bool,
    }
}
