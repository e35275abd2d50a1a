//! What came of comparing a channel with its stream.

use veche_engine::error::EngineError;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;

/// A channel that was compared with its stream.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) channel: Channel,
    /// Up to where it had been delivered.
    pub(crate) stood: StreamPosition,
    /// Where its stream is, or why that is not known.
    pub(crate) top: Result<StreamPosition, EngineError>,
    pub(crate) why: Why,
}

/// Why a channel is compared with its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its time has come, and will come again.
    InTurn,
    /// Something may have been lost.
    Doubted,
}
