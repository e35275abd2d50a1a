//! How many upgrades were refused, and for what.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There are as many connections as there may be (`client.connection_limit`).
    Limit,
    /// Too many came within a short time (`client.connection_rate_limit`).
    Rate,
    /// The web page may not connect (`client.allowed_origins`).
    Origin,
    /// The server does not answer under the name in `Host`.
    Host,
    /// The request is no upgrade to WebSocket.
    Handshake,
}

/// Counts refused upgrades.
#[derive(Debug, Default)]
pub struct Refusals {
    limit: AtomicU64,
    rate: AtomicU64,
    origin: AtomicU64,
    host: AtomicU64,
    handshake: AtomicU64,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Limit,
        Self::Rate,
        Self::Origin,
        Self::Host,
        Self::Handshake,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Limit => "connection_limit",
            Self::Rate => "connection_rate_limit",
            Self::Origin => "origin",
            Self::Host => "host",
            Self::Handshake => "handshake",
        }
    }
}

impl Refusals {
    pub(crate) fn add(&self, reason: Reason) {
        self.cell(reason).fetch_add(1, Ordering::Relaxed);
    }

    /// How many were refused for this reason.
    #[must_use]
    pub fn count(&self, reason: Reason) -> u64 {
        self.cell(reason).load(Ordering::Relaxed)
    }

    fn cell(&self, reason: Reason) -> &AtomicU64 {
        match reason {
            Reason::Limit => &self.limit,
            Reason::Rate => &self.rate,
            Reason::Origin => &self.origin,
            Reason::Host => &self.host,
            Reason::Handshake => &self.handshake,
        }
    }
}
