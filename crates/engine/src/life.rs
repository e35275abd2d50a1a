//! How the parts of an engine start and end.

use std::borrow::Cow;

use crate::error::EngineError;
use crate::pending::Pending;

/// Start and end of a broker, a presence manager or a controller.
///
/// The node starts every part before it accepts clients, and closes every part after its last call. One object may
/// play several parts; then both methods are called once for each part, and the later calls do nothing.
pub trait Lifecycle {
    /// Gets the part ready to serve. The answer comes when calls can be made.
    ///
    /// An engine whose server can't be reached either fails here, or answers `Ok` and goes on connecting in the
    /// background; until it has succeeded, calls fail with [`EngineError::Unavailable`].
    ///
    /// # Errors
    /// The node does not start.
    fn start(&self) -> Pending<Result<(), EngineError>> {
        Pending::Ready(Ok(()))
    }

    /// Whether the part does its work now: whether what is published on the way that publications really take arrives,
    /// as far as the part knows. Costs nothing, and does not wait.
    ///
    /// # Errors
    /// What does not work, in words for the operator. The node's health check tells them.
    fn health(&self) -> Result<(), Cow<'static, str>> {
        Ok(())
    }

    /// Ends the part. The answer comes when every call made before has taken effect, or can't any more, and when the
    /// part holds no connection, file or task. After that it delivers nothing; a call that is made nevertheless fails
    /// with [`EngineError::Unavailable`].
    ///
    /// The node waits for the answer for a limited time, and then ends the process.
    fn close(&self) -> Pending<()> {
        Pending::Ready(())
    }
}
