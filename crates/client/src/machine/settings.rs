//! What a machine may be told before it starts.

use super::backoff::Backoff;

/// How a machine behaves. All times are in milliseconds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Who the client is.
    pub credentials: Credentials,
    /// From the attempt to connect to the answer to the login (default: 20 000).
    pub connect_timeout_ms: u64,
    /// How long an answer of the server's may take before the link counts as dead, and how long
    /// the application may take for a token (default: 30 000).
    pub answer_timeout_ms: u64,
    /// Silence after which the server is asked for a sign of life (default: 5 seconds more than
    /// the server's own interval of pings, or 30 000 if it has none).
    pub ping_every_ms: Option<u64>,
    /// How long the sign of life may take (default: 10 000).
    pub ping_within_ms: u64,
    /// How often both clocks are compared, to notice that the device slept (default: 5 000).
    pub watch_every_ms: u64,
    /// The first ceiling of the backoff, and the last one (default: what the server advises; 500
    /// and 20 000 if it advises nothing).
    pub backoff_ms: Option<(u64, u64)>,
    /// For how long after a publication was first sent it may be sent again with the same key
    /// (default: 270 000). The server remembers keys for 300 000.
    pub key_window_ms: u64,
    /// What becomes of a publication that may have arrived, and that cannot be sent again safely.
    pub when_uncertain: WhenUncertain,
    /// Publications of one channel that wait for their confirmation at once (default: 1). With
    /// more, one that the server refused for the moment may come behind later ones.
    pub in_flight: usize,
    /// Publications that the outbox holds (default: 4096).
    pub max_outbox: usize,
    /// Bytes that they hold together (default: 16 MiB).
    pub max_outbox_bytes: usize,
    /// Bytes of the largest message that is sent (default: 64 KiB, as the server's
    /// `websocket.message_size_limit`).
    pub max_message: usize,
    /// Events of one subscription that wait to be read (default: 1024), before it is paused.
    pub max_unread: usize,
    /// Bytes that they hold together (default: 1 MiB). One event may exceed it.
    pub max_unread_bytes: usize,
    /// Requests that wait for their answers, and subscriptions, at most so many of each (default:
    /// 1024).
    pub max_requests: usize,
    /// Whether publications are to be stored before they are sent.
    pub is_durable: bool,
}

/// Who the client is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Nobody in particular, or whoever the upgrade's own headers say.
    #[default]
    None,
    /// A name without proof, where the server has `plain.allow_name_login`.
    Name(String),
    /// Whoever the token says that the application is asked for.
    Token,
}

/// What becomes of a publication that may have arrived, and that cannot be sent again safely: the
/// server remembers a key for five minutes, for one user; and an anonymous client's for one
/// connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenUncertain {
    /// It fails as uncertain, and is sent at most once.
    #[default]
    Report,
    /// It is sent again, and may come twice.
    Resend,
}

impl Settings {
    pub(super) fn backoff(&self) -> Backoff {
        let (first_ms, most_ms) = self.backoff_ms.unwrap_or((500, 20_000));
        Backoff::new(first_ms, most_ms)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credentials: Credentials::None,
            connect_timeout_ms: 20_000,
            answer_timeout_ms: 30_000,
            ping_every_ms: None,
            ping_within_ms: 10_000,
            watch_every_ms: 5_000,
            backoff_ms: None,
            key_window_ms: 270_000,
            when_uncertain: WhenUncertain::Report,
            in_flight: 1,
            max_outbox: 4096,
            max_outbox_bytes: 16 << 20,
            max_message: 64 << 10,
            max_unread: 1024,
            max_unread_bytes: 1 << 20,
            max_requests: 1024,
            is_durable: false,
        }
    }
}
