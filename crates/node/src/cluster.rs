//! The other nodes: who they are, and what is asked of them.
//!
//! The engine's controller carries messages; what they mean is here. A node announces itself at its start and every few
//! seconds; one that is not heard for a while is forgotten. A survey asks the nodes that are known, gathers answers
//! until its deadline, and names those that are missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use veche_engine::control::{Controller, NodeId, Summary};
use veche_engine::error::EngineError;
use veche_protocol::error_code::{CommandError, ErrorCode};

mod answering;
mod listing;
mod members;
mod orders;
mod survey;
mod wire;

pub(crate) use answering::ANSWERS;
pub(crate) use listing::{Ask, Name};
pub use listing::{ListError, Place};
use survey::Surveys;

/// Between two announcements of a node.
///
/// Source: Centrifugo 6 announces every 3 s and forgets after 7 s.
const ANNOUNCE: Duration = Duration::from_secs(3);
/// A node that is not heard for so long is forgotten.
const SILENCE: Duration = Duration::from_secs(7);

/// What a node knows of the others.
#[derive(Debug)]
pub(crate) struct Cluster {
    controller: Arc<dyn Controller>,
    known: Mutex<BTreeMap<NodeId, Known>>,
    surveys: Surveys,
}

#[derive(Debug)]
struct Known {
    summary: Summary,
    /// When it was last heard, in the monotonic time of this node.
    heard: Duration,
}

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

impl Cluster {
    pub(crate) fn new(controller: Arc<dyn Controller>) -> Self {
        Self {
            controller,
            known: Mutex::default(),
            surveys: Surveys::default(),
        }
    }

    /// The other nodes, in the order of their ids.
    fn others(&self) -> Vec<NodeId> {
        self.known.lock().keys().cloned().collect()
    }

    /// A node was heard at `now`. Returns whether it is new.
    fn heard(&self, node: &NodeId, mut summary: Summary, now: Duration) -> bool {
        let mut known = self.known.lock();
        let before = known.remove(node);
        let is_new = before.is_none();
        // They do not come with each announcement; the last ones stay.
        summary.metrics = (summary.metrics).or(before.and_then(|before| before.summary.metrics));
        let heard = now;
        known.insert(node.clone(), Known { summary, heard });
        is_new
    }

    /// Forgets the nodes that were not heard lately.
    fn forget_silent(&self, now: Duration) {
        let mut gone = Vec::new();
        self.known.lock().retain(|node, known| {
            let stays = now.saturating_sub(known.heard) <= SILENCE;
            if !stays {
                gone.push(node.clone());
            }
            stays
        });
        for node in gone {
            tracing::warn!(%node, "a node of the cluster is silent; it is forgotten");
            self.surveys.lost(&node);
        }
    }

    fn left(&self, node: &NodeId) {
        self.known.lock().remove(node);
        self.surveys.lost(node);
    }
}

/// What the API answers when other nodes can't be reached.
fn unreachable(error: &EngineError) -> CommandError {
    CommandError::because(
        ErrorCode::INTERNAL,
        format!("the other nodes can't be reached: {error}"),
    )
}
