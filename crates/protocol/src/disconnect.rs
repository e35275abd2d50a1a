//! Why a connection ended.

use std::borrow::Cow;

/// Why the server ended a connection: a WebSocket close code and a reason.
///
/// SDKs connect again after 3000 to 3499 and 4000 to 4499, and stay away after 3500 to 3999 and 4500 to 4999.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// 3000 to 4999, or a code of RFC 6455 where the WebSocket itself was violated.
    pub code: u16,
    /// A few words; at most 123 bytes reach the wire.
    pub reason: Cow<'static, str>,
}

impl Disconnect {
    /// A reason of the application's, or of the WebSocket's.
    #[must_use]
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// Whether SDKs connect again.
    #[must_use]
    pub fn should_reconnect(&self) -> bool {
        self.code < 3500 || (4000..4500).contains(&self.code)
    }
}

macro_rules! disconnects {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)*) => {
        impl Disconnect {
            $($(#[$doc])* pub const $name: Self = Self { code: $code, reason: Cow::Borrowed($reason) };)*
        }
    };
}

disconnects! {
    /// The client went away; no close frame is sent.
    CONNECTION_CLOSED = 3000, "connection closed";
    /// The node stops.
    SHUTDOWN = 3001, "shutdown";
    /// The server failed.
    SERVER_ERROR = 3004, "internal server error";
    /// The connection's time ran out.
    EXPIRED = 3005, "connection expired";
    /// A server-side subscription's time ran out, or a client-side one was to be prolonged by a token whose time had.
    SUBSCRIPTION_EXPIRED = 3006, "subscription expired";
    /// The client reads too slowly; what was queued is dropped.
    SLOW = 3008, "slow";
    /// Writing failed.
    WRITE_ERROR = 3009, "write error";
    /// A server-side subscription lost publications.
    INSUFFICIENT_STATE = 3010, "insufficient state";
    /// The client is asked to connect again.
    FORCE_RECONNECT = 3011, "force reconnect";
    /// A ping was not answered.
    NO_PONG = 3012, "no pong";
    /// Too often.
    TOO_MANY_REQUESTS = 3013, "too many requests";
    /// The client's tokens and positions are void.
    STATE_INVALIDATED = 3014, "state invalidated";
    /// The token is not one of ours.
    INVALID_TOKEN = 3500, "invalid token";
    /// The protocol was violated.
    BAD_REQUEST = 3501, "bad request";
    /// Nobody connected in time.
    STALE = 3502, "stale";
    /// The client is asked to stay away.
    FORCE_NO_RECONNECT = 3503, "force disconnect";
    /// Too many connections.
    CONNECTION_LIMIT = 3504, "connection limit";
    /// Too many server-side subscriptions.
    CHANNEL_LIMIT = 3505, "channel limit";
    /// The client's format can't carry the data.
    INAPPROPRIATE_PROTOCOL = 3506, "inappropriate protocol";
    /// Not allowed.
    PERMISSION_DENIED = 3507, "permission denied";
    /// The feature is off.
    NOT_AVAILABLE = 3508, "not available";
    /// Too many errors.
    TOO_MANY_ERRORS = 3509, "too many errors";
}
