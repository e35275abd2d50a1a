//! What a server is asked, and what it answers.

use serde_json::value::RawValue;

use crate::event::Publication;
use crate::position::Position;

/// What to publish.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) channel: String,
    pub(crate) data: Box<RawValue>,
    /// Makes publications with the same key one. Only the plain dialect has it.
    pub(crate) key: Option<String>,
}

/// Which past publications are asked for.
#[derive(Clone, Debug, Default)]
pub struct HistoryRequest {
    /// At most so many; without, as many as the server gives at once. 0 asks for the position alone.
    pub limit: Option<u32>,
    /// After this position, or before it with `is_reverse`.
    pub since: Option<Position>,
    /// The newest first.
    pub is_reverse: bool,
}

/// Past publications, and the top of the stream.
#[derive(Debug)]
pub(crate) struct HistoryPage {
    pub(crate) publications: Vec<Publication>,
    pub(crate) position: Option<Position>,
}

/// How many are in a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stats {
    pub(crate) num_clients: u64,
    pub(crate) num_users: u64,
}
