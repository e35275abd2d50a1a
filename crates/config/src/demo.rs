//! The configuration of the demo: everything open, but only to this machine.

use std::time::Duration;

use crate::schema::Config;
use crate::schema::engine::EngineType;
use crate::short;

impl Config {
    /// The defaults of the demo, which file, variables and flags override: the plain dialect with login by name,
    /// anonymous clients, and channels without a namespace in which everybody may do everything.
    ///
    /// `http_server.address` is empty as ever; [`Loaded::is_local`](crate::Loaded::is_local)
    /// then tells the listener to stay on 127.0.0.1 and `::1`.
    #[must_use]
    pub fn demo() -> Self {
        let mut config = Self::default();
        config.plain.enabled = true;
        config.plain.aliases = short::aliases();
        config.plain.allow_name_login = true;
        config.client.allow_anonymous_connect_without_token = true;
        config.client.explain_errors = true;
        config.engine.kind = EngineType::Disk;
        config.health.enabled = true;
        config.prometheus.enabled = true;
        config.swagger.enabled = true;
        let rules = &mut config.channel.without_namespace;
        rules.presence = true;
        rules.join_leave = true;
        rules.history_size = 100;
        rules.history_ttl = Duration::from_secs(600);
        rules.allow_positioning = true;
        rules.allow_recovery = true;
        rules.allow_subscribe_for_client = true;
        rules.allow_subscribe_for_anonymous = true;
        rules.allow_publish_for_client = true;
        rules.allow_publish_for_anonymous = true;
        rules.allow_presence_for_client = true;
        rules.allow_presence_for_anonymous = true;
        rules.allow_history_for_client = true;
        rules.allow_history_for_anonymous = true;
        config
    }
}
