//! The plain dialect: one JSON object per text frame, in both directions.
//!
//! This module spells; the order of things is the translator's affair.

mod action;
mod event;
mod sentence;

pub use action::{
    Action, Publish, Rejected, RequestEcho, RequestId, Subscribe, Verb, decode_action,
};
pub use event::{
    Recovered, Welcome, encode_call, encode_disconnect, encode_done, encode_error, encode_history,
    encode_login, encode_presence, encode_presence_stats, encode_publication, encode_published,
    encode_push, encode_subscribed, encode_welcome,
};
pub use sentence::sentence;

use crate::position::{Epoch, StreamPosition};

/// Reads a position as the dialect writes it: `epoch:offset`, split at the last colon.
#[must_use]
pub fn parse_position(text: &str) -> Option<StreamPosition> {
    let (epoch, offset) = text.rsplit_once(':')?;
    let is_number = !offset.is_empty() && offset.bytes().all(|byte| byte.is_ascii_digit());
    let offset = offset.parse().ok().filter(|_| is_number)?;
    Some(StreamPosition::new(offset, Epoch::new(epoch)))
}
