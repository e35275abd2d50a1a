//! How far a conversation has come.

use crate::connect::connecting::Connecting;

/// How far the conversation has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Not connected; only `connect` is accepted.
    New,
    /// `connect` was refused: another `connect` is accepted, other commands are ignored.
    Refused,
    /// `connect` is being answered.
    Connecting(Box<Connecting>),
    /// All commands are accepted.
    Connected,
    /// Ended; commands are ignored, and the effects of late answers are undone.
    Closed,
}
