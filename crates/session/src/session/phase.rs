//! How far a conversation has come.

use crate::connect::connecting::Connecting;

/// How far the conversation has come.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Nobody in particular; only `connect` is heard.
    New,
    /// `connect` was refused: another one is heard, all else is passed over.
    Refused,
    /// `connect` is being answered.
    Connecting(Box<Connecting>),
    /// All is heard.
    Connected,
    /// Over; nothing is heard, and what comes late is undone.
    Closed,
}
