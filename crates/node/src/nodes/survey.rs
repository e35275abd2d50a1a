//! Questions to other nodes: answers are gathered until a deadline, and who did not answer is named.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use veche_engine::control::{Message, NodeId, Recipient, Survey, SurveyAnswer, SurveyCode};

use crate::node::Node;

/// The surveys of this node that are not finished.
#[derive(Debug, Default)]
pub(super) struct Surveys {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    last_id: u64,
    by_id: HashMap<u64, mpsc::UnboundedSender<Heard>>,
}

/// What a survey hears.
#[derive(Debug)]
enum Heard {
    Answer(NodeId, SurveyAnswer),
    /// This node will not answer any more.
    Lost(NodeId),
}

/// What a survey brought.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// By node, in the order of their ids.
    pub(super) answers: BTreeMap<NodeId, Bytes>,
    /// Nodes that have not answered in time, or could not.
    pub(super) missing: Vec<NodeId>,
}

impl Surveys {
    fn begin(&self) -> (u64, mpsc::UnboundedReceiver<Heard>) {
        // Answers that nobody asked for are not put in: as many wait as nodes were asked, and those sent twice.
        let (tell, heard) = mpsc::unbounded_channel();
        let mut running = self.running.lock();
        running.last_id += 1;
        let id = running.last_id;
        running.by_id.insert(id, tell);
        (id, heard)
    }

    fn end(&self, id: u64) {
        self.running.lock().by_id.remove(&id);
    }

    /// An answer came. One that comes too late is dropped.
    pub(super) fn answered(&self, from: &NodeId, answer: SurveyAnswer) {
        if let Some(survey) = self.running.lock().by_id.get(&answer.id) {
            // The survey may just have ended.
            let _ = survey.send(Heard::Answer(from.clone(), answer));
        }
    }

    /// A node is gone: nobody waits for its answers.
    pub(super) fn lost(&self, node: &NodeId) {
        for survey in self.running.lock().by_id.values() {
            // As above.
            let _ = survey.send(Heard::Lost(node.clone()));
        }
    }
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
