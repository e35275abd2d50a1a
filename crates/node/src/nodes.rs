//! The other nodes: who they are, and what is asked of them.
//!
//! The engine's controller carries messages; what they mean is here. A node announces itself at its start and every few
//! seconds; one that is not heard for a while is forgotten. A survey asks the nodes that are known, gathers answers
//! until its deadline, and names those that are missing.

use std::time::Duration;

use veche_engine::control::{NodeId, Summary};
use veche_engine::error::EngineError;
use veche_protocol::error_code::{CommandError, ErrorCode};

mod answering;
mod listing;
mod members;
mod orders;
mod survey;
mod wire;

pub(crate) use listing::{Ask, Name};
pub use listing::{ListError, Place};

/// Between two announcements of a node.
///
/// Source: Centrifugo 6 announces every 3 s and forgets after 7 s.
const ANNOUNCE: Duration = Duration::from_secs(3);
/// A node of the cluster, as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The node.
    pub node: NodeId,
    /// What it has.
    pub summary: Summary,
    /// Whether it has just answered. If not, the summary is what it last announced.
    pub has_answered: bool,
}

/// What the API answers when other nodes can't be reached.
fn unreachable(error: &EngineError) -> CommandError {
    CommandError::because(
        ErrorCode::INTERNAL,
        format!("the other nodes can't be reached: {error}"),
    )
}
