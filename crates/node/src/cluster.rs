//! The other nodes: who they are, and what is asked of them.
//!
//! The engine's controller carries messages; what they mean is here. A node announces itself at its start and every few
//! seconds; one that is not heard for a while is forgotten. A survey asks the nodes that are known, gathers answers
//! until its deadline, and names those that are missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use veche_engine::control::{ControlSink, Controller, Message, NodeId, Recipient, Summary};
use veche_engine::error::EngineError;
use veche_protocol::error_code::{CommandError, ErrorCode};

use crate::node::Node;

mod answering;
mod listing;
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

impl Node {
    /// Begins to hear other nodes, and tells them of this one. Blocks while the controller joins.
    pub(crate) fn join_cluster(self: &Arc<Self>) -> Result<(), EngineError> {
        let Some(cluster) = self.cluster() else {
            return Ok(());
        };
        let sink = Arc::new(FromOthers(Arc::downgrade(self)));
        let joined = cluster.controller.join(self.node_id().clone(), sink);
        let late = || {
            Err(EngineError::Uncertain(
                "the controller does not join".into(),
            ))
        };
        self.wait_for(joined, crate::life::START_TIMEOUT)
            .unwrap_or_else(late)?;
        self.announce();
        let node = Arc::downgrade(self);
        self.answers().spawn(async move {
            loop {
                tokio::time::sleep(ANNOUNCE).await;
                let Some(node) = node.upgrade() else { return };
                node.announce();
                if let Some(cluster) = node.cluster() {
                    cluster.forget_silent(node.now().monotonic);
                }
            }
        });
        Ok(())
    }

    /// Tells the others that this node ends.
    pub(crate) fn leave_cluster(&self) {
        self.send_to(Recipient::All, Message::Leaving);
    }

    fn announce(&self) {
        let summary = Box::new(self.summary());
        self.send_to(Recipient::All, Message::Announce(summary));
    }

    /// Sends a message that nobody waits for; one that is lost is sent again, or missed by its deadline.
    fn send_to(&self, to: Recipient, message: Message) {
        if let Some(cluster) = self.cluster() {
            let sent = cluster.controller.send(to, message);
            self.see_through("reach other nodes", sent);
        }
    }

    /// What this node has.
    fn summary(&self) -> Summary {
        let info = self.info();
        let config = self.config();
        Summary {
            name: config.name.clone(),
            version: config.version.clone(),
            clients: info.clients,
            users: info.users,
            subscriptions: info.subscriptions,
            channels: info.channels,
            uptime: self.uptime(),
            metrics: None,
        }
    }

    /// This node and the others, in the order of their ids.
    pub async fn nodes(&self) -> Vec<Listed> {
        let mut listed = vec![Listed {
            node: self.node_id().clone(),
            summary: self.summary(),
            has_answered: true,
        }];
        if let Some(cluster) = self.cluster() {
            let answers = self.survey_summaries().await;
            for (node, known) in &*cluster.known.lock() {
                let answer = answers.get(node);
                listed.push(Listed {
                    node: node.clone(),
                    summary: answer.unwrap_or(&known.summary).clone(),
                    has_answered: answer.is_some(),
                });
            }
        }
        listed.sort_by(|a, b| a.node.cmp(&b.node));
        listed
    }
}

/// Where the controller delivers.
#[derive(Debug)]
struct FromOthers(Weak<Node>);

impl ControlSink for FromOthers {
    fn message(&self, from: &NodeId, message: Message) {
        let Some(node) = self.0.upgrade() else { return };
        let Some(cluster) = node.cluster() else {
            return;
        };
        match message {
            Message::Announce(summary) => {
                if cluster.heard(from, *summary, node.now().monotonic) {
                    // So a new node knows all within a round trip.
                    let summary = Box::new(node.summary());
                    node.send_to(Recipient::Node(from.clone()), Message::Announce(summary));
                }
            }
            Message::Leaving => cluster.left(from),
            Message::Order(order) => node.apply_order(*order),
            Message::Survey(survey) => node.answer_later(from.clone(), survey),
            Message::Answer(answer) => cluster.surveys.answered(from, answer),
        }
    }
}

/// What the API answers when other nodes can't be reached.
fn unreachable(error: &EngineError) -> CommandError {
    CommandError::because(
        ErrorCode::INTERNAL,
        format!("the other nodes can't be reached: {error}"),
    )
}
