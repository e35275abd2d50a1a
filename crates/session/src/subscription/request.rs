//! What a subscriber asks to recover.

use veche_protocol::position::StreamPosition;

/// What a subscriber asks to recover.
#[derive(Debug, Default)]
pub(crate) struct RecoveryRequest {
    /// Whether it asks for missed publications.
    pub recover: bool,
    /// Its last position.
    pub since: StreamPosition,
    /// Whether an unrecoverable position is an error.
    pub rejects_unrecovered: bool,
}
