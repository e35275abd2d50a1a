//! Bounds that the configuration does not set.

use std::num::NonZeroI64;

use veche_protocol::reply::Expiry;

/// A connection or subscription lives at most so many seconds after its token was looked at: 365 days.
///
/// Source: client protocol; longer ones overflow the timers of clients.
pub const MAX_TTL_SECS: u32 = 365 * 24 * 3600;

/// Publications that wait for one subscription to be made; one more and the client is told to subscribe again.
pub const MAX_BUFFERED_PUBLICATIONS: usize = 512;

/// Bytes of data in those publications.
pub const MAX_BUFFERED_BYTES: usize = 1 << 20;

/// Orders that wait for `connect` to be answered; later ones are dropped, as for a client that is not there yet.
pub const MAX_WAITING_ORDERS: usize = 16;

/// What the client is told about a time in seconds of Unix time; `None` when that time has come.
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
