//! Bounds that the configuration does not set.

use std::num::NonZeroI64;

use veche_protocol::reply::Expiry;

/// Longest lifetime of a connection or subscription after its token was checked, in seconds: 365 days.
///
/// Source: client protocol; longer ones overflow the timers of clients.
pub const MAX_TTL_SECS: u32 = 365 * 24 * 3600;

/// Most publications that are buffered while one subscription is being made. When one more arrives, the client is
/// told to subscribe again.
pub const MAX_BUFFERED_PUBLICATIONS: usize = 512;

/// Most bytes of data in those publications.
pub const MAX_BUFFERED_BYTES: usize = 1 << 20;

/// Most orders that wait for the reply to `connect`. Later ones are dropped, as they are before a client connects.
pub const MAX_WAITING_ORDERS: usize = 16;

/// The expiry to send to the client for a time in seconds of Unix time; `None` if the time has passed.
#[must_use]
pub(crate) fn expiry(expire_at: Option<i64>, now_secs: i64) -> Option<Expiry> {
    let Some(at) = expire_at else {
        return Some(Expiry::Never);
    };
    let left = at.saturating_sub(now_secs);
    if left <= 0 {
        return None;
    }
    let ttl_secs = u32::try_from(left).map_or(MAX_TTL_SECS, |secs| secs.min(MAX_TTL_SECS));
    Some(Expiry::In { ttl_secs })
}

/// The same time, not later than [`MAX_TTL_SECS`] from now. The first second of 1970 has passed, so it is no deadline.
#[must_use]
pub(crate) fn capped(expire_at: Option<i64>, now_secs: i64) -> Option<NonZeroI64> {
    let latest = now_secs.saturating_add(i64::from(MAX_TTL_SECS));
    expire_at.and_then(|at| NonZeroI64::new(at.min(latest)))
}
