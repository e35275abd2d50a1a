//! Why an engine did not do what it was asked to do.

use std::borrow::Cow;

/// Why an engine did not do what it was asked to do: one variant for each thing that a caller can do about it.
///
/// The texts are for the operator's log. Clients never see them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The position asked for belongs to another epoch. Clients are answered with 112.
    #[error("the stream has another epoch")]
    UnrecoverablePosition,
    /// The call had no effect and will have none. The engine is working on the cause (it reconnects by itself, it waits
    /// for room on the disk), so the same call may succeed later.
    #[error("the engine is not available: {0}")]
    Unavailable(Cow<'static, str>),
    /// The engine was asked and did not answer in time. The call may have taken effect, or may still do so; calls that
    /// are made later take effect after it. Repeat only what is idempotent: a publish with an idempotency key, a
    /// subscribe, an addition to presence.
    #[error("the engine did not answer: {0}")]
    Uncertain(Cow<'static, str>),
    /// The engine can't do this at all, whatever the arguments are. Clients are answered with 108.
    #[error("the engine does not support {0}")]
    NotSupported(Cow<'static, str>),
    /// The call had no effect, and the same call would be refused again: the store holds something else under this
    /// name, or the arguments are too large for it.
    #[error("the engine refused the call: {0}")]
    Refused(Cow<'static, str>),
}

/// Whether a call that failed is worth repeating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same call may succeed later.
    Later,
    /// The same call may succeed later, but may then have taken effect twice.
    IfIdempotent,
    /// The same call would fail again.
    Never,
}

impl EngineError {
    /// Whether the call is worth repeating.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable(_) => Retry::Later,
            Self::Uncertain(_) => Retry::IfIdempotent,
            Self::UnrecoverablePosition | Self::NotSupported(_) | Self::Refused(_) => Retry::Never,
        }
    }
}
