//! What a node knows of the others, and the questions to them that are not finished.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use veche_engine::control::{Controller, NodeId, Summary};

pub(crate) mod surveys;

pub(crate) use surveys::ANSWERS;
use surveys::Surveys;

/// A node that is not heard for so long is forgotten.
const SILENCE: Duration = Duration::from_secs(7);

/// What a node knows of the others.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) controller: Arc<dyn Controller>,
    pub(crate) known: Mutex<BTreeMap<NodeId, Known>>,
    pub(crate) surveys: Surveys,
}

#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) summary: Summary,
    /// When it was last heard, in the monotonic time of this node.
    heard: Duration,
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
    pub(crate) fn others(&self) -> Vec<NodeId> {
        self.known.lock().keys().cloned().collect()
    }

    /// A node was heard at `now`. Returns whether it is new.
    pub(crate) fn heard(&self, node: &NodeId, mut summary: Summary, now: Duration) -> bool {
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
    pub(crate) fn forget_silent(&self, now: Duration) {
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

    pub(crate) fn left(&self, node: &NodeId) {
        self.known.lock().remove(node);
        self.surveys.lost(node);
    }
}
