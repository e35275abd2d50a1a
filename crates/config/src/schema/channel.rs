//! Channels: how names are read, and the rules of each namespace.

use std::time::Duration;

use crate::schema::proxy::Proxy;
use crate::section::{choices, sections};

sections! {
    /// `channel`.
    Channels {
        /// The proxies called `default`.
        proxy: ChannelProxies,
        /// Rules of channels without a namespace.
        without_namespace: ChannelOptions,
        /// Namespaces with rules of their own.
        namespaces: Vec<Namespace>,
        /// How long a channel's epoch and offset outlive its history.
        history_meta_ttl: Duration = "720h",
        /// What a publication's data must be.
        publication_data_format: DataFormat,
        /// Longest name of a channel that clients may use, in bytes.
        max_length: usize = "255",
        /// What begins the name of a channel that always needs a token.
        private_prefix: String = "$",
        /// What ends the namespace in a channel's name.
        namespace_boundary: String = ":",
        /// What begins the users in a channel's name.
        user_boundary: String = "#",
        /// What separates these users.
        user_separator: String = ",",
    }

    /// One of `channel.namespaces`.
    Namespace {
        /// Its name: at least two of letters, digits, `-`, `_` and `.`.
        name: String,
        /// Its rules.
        [flat] options: ChannelOptions,
    }

    /// The rules of a namespace.
    ChannelOptions {
        /// Keeps who is there.
        presence: bool,
        /// Tells when somebody comes and goes.
        join_leave: bool,
        /// Tells it to those too who did not ask.
        force_push_join_leave: bool,
        /// Writes presence by client into the map channel with this prefix.
        map_clients_presence_channel_prefix: String,
        /// Writes presence by user into the map channel with this prefix.
        map_users_presence_channel_prefix: String,
        /// Most publications kept; 0 keeps none.
        history_size: usize,
        /// How long publications are kept; whole seconds, `0s` keeps none.
        history_ttl: Duration,
        /// How long epoch and offset outlive the history; 0 takes `channel.history_meta_ttl`.
        history_meta_ttl: Duration,
        /// What a publication waits for on disk; empty takes `engine.disk.durability`.
        history_durability: HistoryDurability,
        /// Watches every subscriber's position.
        force_positioning: bool,
        /// Watches the position of subscribers who ask for it.
        allow_positioning: bool,
        /// Recovers every subscriber.
        force_recovery: bool,
        /// Recovers subscribers who ask for it.
        allow_recovery: bool,
        /// What recovery brings.
        force_recovery_mode: RecoveryMode,
        /// Brings the latest publication at every subscribe; needs cache recovery.
        auto_cache_recover: bool,
        /// Delta encodings a subscriber may ask for: `fossil`.
        allowed_delta_types: Vec<String>,
        /// Lets subscribers filter by tags.
        allow_tags_filter: bool,
        /// Makes deltas of all publications.
        delta_publish: bool,
        /// Lets subscribers have a number in the place of the channel's name.
        allow_channel_compaction: bool,
        /// Anonymous users may subscribe too.
        allow_subscribe_for_anonymous: bool,
        /// Users may subscribe without a token.
        allow_subscribe_for_client: bool,
        /// Anonymous users may publish too.
        allow_publish_for_anonymous: bool,
        /// Subscribers may publish.
        allow_publish_for_subscriber: bool,
        /// Users may publish.
        allow_publish_for_client: bool,
        /// Anonymous users may ask who is there too.
        allow_presence_for_anonymous: bool,
        /// Subscribers may ask who is there.
        allow_presence_for_subscriber: bool,
        /// Users may ask who is there.
        allow_presence_for_client: bool,
        /// Anonymous users may read history too.
        allow_history_for_anonymous: bool,
        /// Subscribers may read history.
        allow_history_for_subscriber: bool,
        /// Users may read history.
        allow_history_for_client: bool,
        /// Reads users in a channel's name as those who may subscribe.
        allow_user_limited_channels: bool,
        /// Regular expression for the name behind the namespace.
        channel_regex: String,
        /// What a publication's data must be; empty takes `channel.publication_data_format`.
        publication_data_format: DataFormat,
        /// Asks the application before a subscribe.
        subscribe_proxy_enabled: bool,
        /// The proxy asked.
        subscribe_proxy_name: String = "default",
        /// Asks the application before a publish.
        publish_proxy_enabled: bool,
        /// The proxy asked.
        publish_proxy_name: String = "default",
        /// Asks the application when a subscription expires.
        sub_refresh_proxy_enabled: bool,
        /// The proxy asked.
        sub_refresh_proxy_name: String = "default",
        /// Subscribes through a stream of the application.
        subscribe_stream_proxy_enabled: bool,
        /// The proxy asked.
        subscribe_stream_proxy_name: String = "default",
        /// Passes publications of the client into the stream.
        subscribe_stream_proxy_bidirectional: bool,
        /// What is subscribed to.
        subscription_type: SubscriptionType,
        /// Rules of map channels.
        map: MapOptions,
        /// Rules of shared poll channels.
        shared_poll: SharedPollOptions,
    }

    /// `map` of a namespace.
    MapOptions {
        /// How long state and changes live.
        mode: MapMode,
        /// How long an entry lives.
        key_ttl: Duration,
        /// Most changes kept.
        stream_size: usize,
        /// How long changes are kept.
        stream_ttl: Duration,
        /// How long epoch and offset are kept.
        meta_ttl: Duration,
        /// Removes a client's entry when it unsubscribes.
        remove_client_on_unsubscribe: bool,
        /// The key a client's entry gets.
        client_key: MapClientKey,
        /// Users may write entries.
        allow_publish_for_client: bool,
        /// Subscribers may write entries.
        allow_publish_for_subscriber: bool,
        /// Anonymous users may write entries too.
        allow_publish_for_anonymous: bool,
        /// Users may remove entries.
        allow_remove_for_client: bool,
        /// Subscribers may remove entries.
        allow_remove_for_subscriber: bool,
        /// Anonymous users may remove entries too.
        allow_remove_for_anonymous: bool,
        /// Asks the application before an entry is written.
        publish_proxy_enabled: bool,
        /// The proxy asked.
        publish_proxy_name: String = "default",
        /// Asks the application before an entry is removed.
        remove_proxy_enabled: bool,
        /// The proxy asked.
        remove_proxy_name: String = "default",
        /// Entries in a page, where the client names no number.
        default_page_size: usize,
        /// Fewest entries in a page.
        min_page_size: usize,
        /// Most entries in a page.
        max_page_size: usize,
        /// Most changes read to catch up.
        live_transition_max_publication_limit: usize,
        /// Longest time to catch up.
        subscribe_catch_up_timeout: Duration,
    }

    /// `shared_poll` of a namespace.
    SharedPollOptions {
        /// The proxy asked.
        proxy_name: String,
        /// How often it is asked.
        refresh_interval: Duration,
        /// Keys in one question.
        refresh_batch_size: usize,
        /// Most keys of one connection.
        max_keys_per_connection: usize,
        /// What tells a change.
        mode: SharedPollMode,
        /// How long polling outlives the last subscriber.
        channel_shutdown_delay: Duration,
        /// How long an expired key is still polled.
        track_expired_extra_delay: Duration,
        /// Lets the API publish too.
        publish_enabled: bool,
    }

    /// `channel.proxy`.
    ChannelProxies {
        /// Asked before a subscribe.
        subscribe: Proxy,
        /// Asked before a publish.
        publish: Proxy,
        /// Asked when a subscription expires.
        sub_refresh: Proxy,
        /// Asked for a stream.
        subscribe_stream: Proxy,
        /// Asked before a map entry is written.
        map_publish: Proxy,
        /// Asked before a map entry is removed.
        map_remove: Proxy,
        /// Asked for shared poll data.
        shared_poll_refresh: Proxy,
    }
}

choices! {
    /// `publication_data_format`.
    DataFormat {
        /// Anything but nothing.
        Any = "",
        /// JSON.
        Json = "json",
        /// A JSON object.
        JsonObject = "json_object",
        /// Bytes, even none.
        Binary = "binary",
    }

    /// `history_durability`.
    HistoryDurability {
        /// As `engine.disk.durability`.
        Default = "",
        /// For nothing but the system.
        Interval = "interval",
        /// For the disk.
        Sync = "sync",
    }

    /// `force_recovery_mode`.
    RecoveryMode {
        /// As `stream`.
        Default = "",
        /// All that was missed.
        Stream = "stream",
        /// The latest publication.
        Cache = "cache",
    }

    /// `subscription_type`.
    SubscriptionType {
        /// As `stream`.
        Default = "",
        /// Publications.
        Stream = "stream",
        /// Keyed state.
        Map = "map",
        /// Presence by client, as keyed state.
        MapClients = "map_clients",
        /// Presence by user, as keyed state.
        MapUsers = "map_users",
        /// Keys polled from the application.
        SharedPoll = "shared_poll",
    }

    /// `map.mode`.
    MapMode {
        /// None: the namespace has no map.
        Unset = "",
        /// State that expires, without a stream of changes.
        Ephemeral = "ephemeral",
        /// State that expires, with a stream of changes.
        Recoverable = "recoverable",
        /// State that stays, with a stream of changes.
        Persistent = "persistent",
    }

    /// `map.client_key`.
    MapClientKey {
        /// The client names the key.
        Free = "",
        /// The client's id.
        ClientId = "client_id",
        /// The user's id.
        UserId = "user_id",
    }

    /// `shared_poll.mode`.
    SharedPollMode {
        /// As `versionless`.
        Default = "",
        /// The content tells.
        Versionless = "versionless",
        /// The application's version tells.
        Versioned = "versioned",
    }
}
