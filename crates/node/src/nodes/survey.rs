//! Questions to other nodes: answers are gathered until a deadline, and who did not answer is named.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use veche_engine::control::{Message, NodeId, Recipient, Survey, SurveyCode};

use crate::cluster::surveys::{Heard, Surveys};
use crate::node::Node;

/// What a survey brought.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// By node, in the order of their ids.
    pub(super) answers: BTreeMap<NodeId, Bytes>,
    /// Nodes that have not answered in time, or could not.
    pub(super) missing: Vec<NodeId>,
}

/// Ends a survey, also when whoever waits for it goes away.
struct Ending<'a> {
    surveys: &'a Surveys,
    id: u64,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.surveys.end(self.id);
    }
}

impl Node {
    /// Asks other nodes, and gathers their answers until `deadline`.
    ///
    /// # Cancel safety
    /// May be dropped; then nobody takes the answers.
    pub(super) async fn survey(
        &self,
        nodes: &[NodeId],
        operation: &'static str,
        data: Bytes,
        deadline: Instant,
    ) -> Gathered {
        let mut gathered = Gathered::default();
        let (Some(cluster), false) = (self.cluster(), nodes.is_empty()) else {
            return gathered;
        };
        let (id, mut heard) = cluster.surveys.begin();
        let _ending = Ending {
            surveys: &cluster.surveys,
            id,
        };
        let survey = Survey {
            id,
            operation: operation.into(),
            data,
        };
        for node in nodes {
            let to = Recipient::Node(node.clone());
            self.send_to(to, Message::Survey(survey.clone()));
        }
        let mut missing: Vec<NodeId> = nodes.to_vec();
        while !missing.is_empty() {
            let Ok(Some(heard)) = timeout_at(deadline, heard.recv()).await else {
                break;
            };
            let node = match &heard {
                Heard::Answer(node, _) | Heard::Lost(node) => node,
            };
            // Who answers twice, or was not asked, is not waited for.
            let Some(at) = missing.iter().position(|it| it == node) else {
                continue;
            };
            let node = missing.swap_remove(at);
            match heard {
                Heard::Answer(_, answer) if answer.code == SurveyCode::DONE => {
                    gathered.answers.insert(node, answer.data);
                }
                Heard::Answer(..) | Heard::Lost(_) => gathered.missing.push(node),
            }
        }
        gathered.missing.extend(missing);
        gathered.missing.sort();
        for node in &gathered.missing {
            tracing::warn!(%node, operation, "a node of the cluster did not answer; its part is missing");
        }
        gathered
    }
}
