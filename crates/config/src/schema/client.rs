//! Client connections: origins, tokens, timers and limits.

use std::time::Duration;

use crate::schema::proxy::{Disconnect, EnabledProxy};
use crate::section::sections;
use crate::value::Secret;

sections! {
    /// `client`.
    Client {
        /// The application asked at connect and refresh.
        proxy: ClientProxies,
        /// Origins that browsers may connect from; `*` is any, an empty list is none.
        allowed_origins: Vec<String>,
        /// How connection tokens are checked, and subscription tokens without keys of their own.
        token: Token,
        /// How subscription tokens are checked.
        subscription_token: SubscriptionToken,
        /// Lets clients without a token in, as anonymous users.
        allow_anonymous_connect_without_token: bool,
        /// Refuses tokens of anonymous users.
        disallow_anonymous_connection_tokens: bool,
        /// How often the server pings; `-1s` never.
        ping_interval: Option<Duration> = "25s",
        /// How long it waits for the pong; `-1s` forever. Less than `ping_interval`.
        pong_timeout: Option<Duration> = "8s",
        /// Grace after a connection has expired; `0s` is none.
        expired_close_delay: Duration = "25s",
        /// Grace after a subscription has expired; `0s` is none.
        expired_sub_close_delay: Duration = "25s",
        /// Time a new connection has to say who it is.
        stale_close_delay: Duration = "10s",
        /// Most subscriptions of one connection; 0 is no limit.
        channel_limit: usize = "128",
        /// Most bytes that wait for one client.
        queue_max_size: usize = "1048576",
        /// How often a client's presence is renewed and expired subscriptions are ended; `0s` is the default.
        presence_update_interval: Duration = "27s",
        /// Commands of one client carried out at once; 0 and 1 keep their order.
        concurrency: usize,
        /// How often a subscriber's position is compared with the stream; `0s` is the default.
        channel_position_check_delay: Duration = "40s",
        /// Delay of a publication that counts as loss; `0s` is none.
        channel_position_max_time_lag: Duration,
        /// Most connections to this node; 0 is no limit.
        connection_limit: usize,
        /// Most connections of one user to this node; 0 is no limit.
        user_connection_limit: usize,
        /// New connections that may burst in; one more is let in each second. 0 is no limit.
        connection_rate_limit: usize,
        /// Tells the server's time in the answer to connect.
        connect_include_server_time: bool,
        /// Most publications in one answer to history; 0 is no limit.
        history_max_publication_limit: usize = "300",
        /// Most publications recovered at once; 0 is no limit.
        recovery_max_publication_limit: usize = "300",
        /// Believes tokens without checking their signature.
        insecure_skip_token_signature_verify: bool,
        /// Header, set by a proxy before the server, that names the user.
        user_id_http_header: String,
        /// Lets everybody in and do everything.
        insecure: bool,
        /// Tells clients why they are refused, beside the code; for development.
        explain_errors: bool,
        /// Subscribes each user to a channel of their own.
        subscribe_to_user_personal_channel: PersonalChannel,
        /// Turns errors at connect into disconnects on one-way doors.
        connect_code_to_unidirectional_disconnect: ConnectCodeToDisconnect,
    }

    /// `client.token`: the keys and claims a token must satisfy.
    Token {
        /// Key of HS256, HS384 and HS512.
        hmac_secret_key: Secret,
        /// The key before it, still accepted.
        hmac_previous_secret_key: Secret,
        /// Unix time in seconds until which the previous key is accepted; 0 is without end.
        hmac_previous_secret_key_valid_until: i64,
        /// Public key of RS256, RS384 and RS512, as PEM.
        rsa_public_key: String,
        /// Public key of ES256, ES384 and ES512, as PEM.
        ecdsa_public_key: String,
        /// Public key of EdDSA (Ed25519), as PEM or as its 32 bytes in base64.
        ed25519_public_key: String,
        /// Address of a key set (JWKS).
        jwks_public_endpoint: String,
        /// The audience (`aud`) a token must have.
        audience: String,
        /// Regular expression for the audience.
        audience_regex: String,
        /// The issuer (`iss`) a token must have.
        issuer: String,
        /// Regular expression for the issuer.
        issuer_regex: String,
        /// Claim that names the user instead of `sub`.
        user_id_claim: String,
        /// Accepts address templates of `jwks_public_endpoint` without a check.
        insecure_skip_jwks_endpoint_safety_check: bool,
    }

    /// `client.subscription_token`.
    SubscriptionToken {
        /// Checks subscription tokens by these keys instead of those of `client.token`.
        enabled: bool,
        /// The keys and claims.
        [flat] token: Token,
    }

    /// `client.proxy`.
    ClientProxies {
        /// Asked when a client without a token connects.
        connect: EnabledProxy,
        /// Asked when a connection expires.
        refresh: EnabledProxy,
    }

    /// `client.subscribe_to_user_personal_channel`.
    PersonalChannel {
        /// Switches it on.
        enabled: bool,
        /// Namespace of the personal channels.
        personal_channel_namespace: String,
        /// Ends a user's other connections; needs presence.
        single_connection: bool,
    }

    /// `client.connect_code_to_unidirectional_disconnect`.
    ConnectCodeToDisconnect {
        /// Switches it on.
        enabled: bool,
        /// The rules.
        transforms: Vec<ConnectCodeTransform>,
    }

    /// One rule of it.
    ConnectCodeTransform {
        /// Error code at connect.
        code: u32,
        /// What it becomes.
        to: Disconnect,
    }
}

impl Token {
    /// The keys that hold a public key: name and value.
    #[must_use]
    pub fn public_keys(&self) -> [(&'static str, &str); 3] {
        [
            ("rsa_public_key", &self.rsa_public_key),
            ("ecdsa_public_key", &self.ecdsa_public_key),
            ("ed25519_public_key", &self.ed25519_public_key),
        ]
    }
}
