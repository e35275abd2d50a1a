//! What a subscriber says about its past.

use veche_protocol::position::StreamPosition;

/// What the subscriber says about its past.
#[derive(Debug, Default)]
pub(crate) struct RecoveryRequest {
    /// Whether it wants what it missed.
    pub recover: bool,
    /// Where it stands.
    pub since: StreamPosition,
    /// Whether an unrecoverable position is an error.
    pub rejects_unrecovered: bool,
}
