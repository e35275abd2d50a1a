//! An answer that is here already, or will come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// The answer of an engine.
///
/// An engine in memory has it at once: no future, no allocation. Others give a future, which the node runs on its
/// control runtime. The call was made before the future exists: the future only waits for the answer.
pub enum Pending<T> {
    /// The answer.
    Ready(T),
    /// The answer will come.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Pending<T> {
    /// Waits for the answer.
    ///
    /// # Cancel safety
    /// A dropped wait drops the answer. The call takes effect all the same.
    pub async fn wait(self) -> T {
        match self {
            Self::Ready(answer) => answer,
            Self::Later(future) => future.await,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(answer) => f.debug_tuple("Ready").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
