//! Reading a channel's stream.

use std::sync::Arc;
use std::time::Duration;

use crate::position::StreamPosition;
use crate::publication::Publication;

/// Which publications are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// At most so many; 0 for the position alone, `None` for all.
    pub limit: Option<usize>,
    /// Begins after this position; before it, in reverse. A non-empty epoch must be the stream's.
    pub since: Option<StreamPosition>,
    /// Newest first.
    pub reverse: bool,
    /// How long epoch and offset are kept after this reading.
    pub meta_ttl: Duration,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Oldest first, unless asked in reverse.
    pub publications: Vec<Arc<Publication>>,
    /// The top of the stream.
    pub position: StreamPosition,
}
