//! Consumers: queues and tables that commands or publications are read from.

use std::time::Duration;

use crate::schema::redis::Redis;
use crate::schema::server::Tls;
use crate::section::{choices, sections};
use crate::value::Secret;

sections! {
    /// One of `consumers`.
    Consumer {
        /// Its name: at least two of letters, digits and `_`.
        name: String,
        /// Switches it on.
        enabled: bool,
        /// What is read.
        kind as "type": ConsumerType,
        /// A table in PostgreSQL.
        postgresql: PostgresConsumer,
        /// Topics in Kafka.
        kafka: KafkaConsumer,
        /// A stream in NATS JetStream.
        nats_jetstream: NatsJetStreamConsumer,
        /// Streams in Redis.
        redis_stream: RedisStreamConsumer,
        /// Subscriptions in Google Cloud.
        google_pub_sub: GooglePubSubConsumer,
        /// Queues in AWS.
        aws_sqs: AwsSqsConsumer,
        /// Queues in Azure.
        azure_service_bus: AzureServiceBusConsumer,
    }

    /// `postgresql` of a consumer.
    PostgresConsumer {
        /// Connection string.
        dsn: Secret,
        /// The table.
        outbox_table_name: String,
        /// Partitions read side by side.
        num_partitions: usize = "1",
        /// Rows read at once.
        partition_select_limit: usize = "100",
        /// How often a partition is read.
        partition_poll_interval: Duration = "300ms",
        /// Channel of NOTIFY that announces rows.
        partition_notification_channel: String,
        /// Connection string for LISTEN, where a pooler stands before the database.
        partition_notification_dsn: Secret,
        /// TLS to the database.
        tls: Tls,
        /// Tries for the lock instead of waiting.
        use_try_lock: bool,
    }

    /// `kafka` of a consumer.
    KafkaConsumer {
        /// Addresses to begin with.
        brokers: Vec<String>,
        /// The topics.
        topics: Vec<String>,
        /// The group it belongs to.
        consumer_group: String,
        /// Records read at once.
        max_poll_records: usize = "100",
        /// Most bytes fetched at once; 0 is the library's limit.
        fetch_max_bytes: i32,
        /// Longest wait of a fetch.
        fetch_max_wait: Duration = "500ms",
        /// Reads what is not committed too.
        fetch_read_uncommitted: bool,
        /// Records of a partition that may wait.
        partition_queue_max_size: usize = "1000",
        /// Time to connect.
        dial_timeout: Duration = "3s",
        /// TLS to Kafka.
        tls: Tls,
        /// How it logs in.
        sasl_mechanism: String,
        /// User name.
        sasl_user: String,
        /// Password.
        sasl_password: Secret,
        /// Role to assume in AWS.
        assume_role_arn: String,
        /// Name of this member of the group.
        instance_id: String,
        /// Header that holds the method.
        method_header: String = "centrifugo-method",
        /// Reads payloads as data.
        publication_data_mode: KafkaDataMode,
    }

    /// `kafka.publication_data_mode`: the payload is the data of a publication.
    KafkaDataMode {
        /// Switches it on.
        enabled: bool,
        /// Header that holds the channels.
        channels_header: String = "centrifugo-channels",
        /// Header that holds the idempotency key.
        idempotency_key_header: String = "centrifugo-idempotency-key",
        /// Header that asks for a delta.
        delta_header: String = "centrifugo-delta",
        /// Header that holds the version.
        version_header: String = "centrifugo-version",
        /// Header that holds the version's epoch.
        version_epoch_header: String = "centrifugo-version-epoch",
        /// What begins the name of a tag's header.
        tags_header_prefix: String = "centrifugo-tag-",
    }

    /// `nats_jetstream` of a consumer.
    NatsJetStreamConsumer {
        /// Address of the server.
        url: String = "nats://127.0.0.1:4222",
        /// File with credentials.
        credentials_file: String,
        /// User name.
        username: String,
        /// Password.
        password: Secret,
        /// Token.
        token: Secret,
        /// The stream.
        stream_name: String,
        /// Takes a consumer that exists already.
        use_existing_consumer: bool,
        /// Subjects that are read.
        subjects: Vec<String>,
        /// Name under which the server keeps the position.
        durable_consumer_name: String,
        /// Where reading begins: `new` or `all`.
        deliver_policy: String = "new",
        /// Most messages not acknowledged yet.
        max_ack_pending: usize = "100",
        /// Header that holds the method.
        method_header: String = "centrifugo-method",
        /// Reads payloads as data.
        publication_data_mode: NatsJetStreamDataMode,
        /// TLS to NATS.
        tls: Tls,
    }

    /// `nats_jetstream.publication_data_mode`: the payload is the data of a publication.
    NatsJetStreamDataMode {
        /// Switches it on.
        enabled: bool,
        /// Header that holds the channels.
        channels_header: String = "centrifugo-channels",
        /// Header that holds the idempotency key.
        idempotency_key_header: String = "centrifugo-idempotency-key",
        /// Header that asks for a delta.
        delta_header: String = "centrifugo-delta",
        /// Header that holds the version.
        version_header: String = "centrifugo-version",
        /// Header that holds the version's epoch.
        version_epoch_header: String = "centrifugo-version-epoch",
        /// What begins the name of a tag's header.
        tags_header_prefix: String = "centrifugo-tag-",
    }

    /// `redis_stream` of a consumer.
    RedisStreamConsumer {
        /// The connection.
        [flat] redis: Redis,
        /// The streams.
        streams: Vec<String>,
        /// The group it belongs to.
        consumer_group: String,
        /// Time after which an entry is given to another consumer.
        visibility_timeout: Duration = "30s",
        /// Readers of each stream.
        num_workers: usize = "1",
        /// Field that holds the payload.
        payload_value: String = "payload",
        /// Field that holds the method.
        method_value: String = "method",
        /// Reads payloads as data.
        publication_data_mode: RedisStreamDataMode,
    }

    /// `redis_stream.publication_data_mode`: the payload is the data of a publication.
    RedisStreamDataMode {
        /// Switches it on.
        enabled: bool,
        /// Field that holds the channels.
        channels_value: String = "centrifugo-channels",
        /// Field that holds the idempotency key.
        idempotency_key_value: String = "centrifugo-idempotency-key",
        /// Field that asks for a delta.
        delta_value: String = "centrifugo-delta",
        /// Field that holds the version.
        version_value: String = "centrifugo-version",
        /// Field that holds the version's epoch.
        version_epoch_value: String = "centrifugo-version-epoch",
        /// What begins the name of a tag's field.
        tags_value_prefix: String = "centrifugo-tag-",
    }

    /// `google_pub_sub` of a consumer.
    GooglePubSubConsumer {
        /// The project.
        project_id: String,
        /// The subscriptions.
        subscriptions: Vec<String>,
        /// Most messages not acknowledged yet.
        max_outstanding_messages: usize = "100",
        /// Most bytes not acknowledged yet.
        max_outstanding_bytes: usize = "1000000",
        /// How it logs in.
        auth_mechanism: String,
        /// File with credentials.
        credentials_file: String,
        /// Attribute that holds the method.
        method_attribute: String = "centrifugo-method",
        /// Reads payloads as data.
        publication_data_mode: GooglePubSubDataMode,
    }

    /// `google_pub_sub.publication_data_mode`: the payload is the data of a publication.
    GooglePubSubDataMode {
        /// Switches it on.
        enabled: bool,
        /// Attribute that holds the channels.
        channels_attribute: String = "centrifugo-channels",
        /// Attribute that holds the idempotency key.
        idempotency_key_attribute: String = "centrifugo-idempotency-key",
        /// Attribute that asks for a delta.
        delta_attribute: String = "centrifugo-delta",
        /// Attribute that holds the version.
        version_attribute: String = "centrifugo-version",
        /// Attribute that holds the version's epoch.
        version_epoch_attribute: String = "centrifugo-version-epoch",
        /// What begins the name of a tag's attribute.
        tags_attribute_prefix: String = "centrifugo-tag-",
    }

    /// `aws_sqs` of a consumer.
    AwsSqsConsumer {
        /// Addresses of the queues.
        queues: Vec<String>,
        /// Messages come in an envelope of SNS.
        sns_envelope: bool,
        /// The region.
        region: String,
        /// Messages read at once.
        max_number_of_messages: i32 = "10",
        /// Longest wait of a read; whole seconds.
        wait_time_time: Duration = "20s",
        /// Time after which a message is given to another consumer; whole seconds.
        visibility_timeout: Duration = "30s",
        /// Messages carried out side by side.
        max_concurrency: usize = "1",
        /// Profile with credentials.
        credentials_profile: String,
        /// Role to assume.
        assume_role_arn: String,
        /// Attribute that holds the method.
        method_attribute: String = "centrifugo-method",
        /// Address of a local stand-in for AWS.
        localstack_endpoint: String,
        /// Reads payloads as data.
        publication_data_mode: AwsSqsDataMode,
    }

    /// `aws_sqs.publication_data_mode`: the payload is the data of a publication.
    AwsSqsDataMode {
        /// Switches it on.
        enabled: bool,
        /// Attribute that holds the channels.
        channels_attribute: String = "centrifugo-channels",
        /// Attribute that holds the idempotency key.
        idempotency_key_attribute: String = "centrifugo-idempotency-key",
        /// Attribute that asks for a delta.
        delta_attribute: String = "centrifugo-delta",
        /// Attribute that holds the version.
        version_attribute: String = "centrifugo-version",
        /// Attribute that holds the version's epoch.
        version_epoch_attribute: String = "centrifugo-version-epoch",
        /// What begins the name of a tag's attribute.
        tags_attribute_prefix: String = "centrifugo-tag-",
    }

    /// `azure_service_bus` of a consumer.
    AzureServiceBusConsumer {
        /// Connection string.
        connection_string: Secret,
        /// Logs in by Azure Identity instead.
        use_azure_identity: bool,
        /// Host of the namespace.
        fully_qualified_namespace: String,
        /// The tenant.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// The queues.
        queues: Vec<String>,
        /// Reads by session, each in order.
        use_sessions: bool,
        /// Messages carried out side by side.
        max_concurrent_calls: usize = "1",
        /// Messages read at once.
        max_receive_messages: usize = "1",
        /// Property that holds the method.
        method_property: String = "centrifugo-method",
        /// Reads payloads as data.
        publication_data_mode: AzureServiceBusDataMode,
    }

    /// `azure_service_bus.publication_data_mode`: the payload is the data of a publication.
    AzureServiceBusDataMode {
        /// Switches it on.
        enabled: bool,
        /// Property that holds the channels.
        channels_property: String = "centrifugo-channels",
        /// Property that holds the idempotency key.
        idempotency_key_property: String = "centrifugo-idempotency-key",
        /// Property that asks for a delta.
        delta_property: String = "centrifugo-delta",
        /// Property that holds the version.
        version_property: String = "centrifugo-version",
        /// Property that holds the version's epoch.
        version_epoch_property: String = "centrifugo-version-epoch",
        /// What begins the name of a tag's property.
        tags_property_prefix: String = "centrifugo-tag-",
    }
}

choices! {
    /// `type` of a consumer.
    ConsumerType {
        /// None yet; an error where a consumer is made.
        Unset = "",
        /// A table in PostgreSQL.
        Postgresql = "postgresql",
        /// Kafka.
        Kafka = "kafka",
        /// NATS JetStream.
        NatsJetStream = "nats_jetstream",
        /// Redis streams.
        RedisStream = "redis_stream",
        /// Google Cloud Pub/Sub.
        GooglePubSub = "google_pub_sub",
        /// AWS SQS.
        AwsSqs = "aws_sqs",
        /// Azure Service Bus.
        AzureServiceBus = "azure_service_bus",
    }
}
