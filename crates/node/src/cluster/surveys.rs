//! The questions to other nodes that are not finished.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::mpsc;
use veche_engine::control::{NodeId, SurveyAnswer};

/// Surveys of other nodes that are answered at once; others are refused. Each asks all workers once.
pub(crate) const ANSWERS: usize = 64;

/// The surveys of this node that are not finished.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    last_id: u64,
    by_id: HashMap<u64, mpsc::UnboundedSender<Heard>>,
}

/// What a survey hears.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(NodeId, SurveyAnswer),
    /// This node will not answer any more.
    Lost(NodeId),
}

impl Surveys {
    pub(crate) fn begin(&self) -> (u64, mpsc::UnboundedReceiver<Heard>) {
        // Answers that nobody asked for are not put in: as many wait as nodes were asked, and those sent twice.
        let (tell, heard) = mpsc::unbounded_channel();
        let mut running = self.running.lock();
        running.last_id += 1;
        let id = running.last_id;
        running.by_id.insert(id, tell);
        (id, heard)
    }

    pub(crate) fn end(&self, id: u64) {
        self.running.lock().by_id.remove(&id);
    }

    /// An answer came. One that comes too late is dropped.
    pub(crate) fn answered(&self, from: &NodeId, answer: SurveyAnswer) {
        if let Some(survey) = self.running.lock().by_id.get(&answer.id) {
            // The survey may just have ended.
            let _ = survey.send(Heard::Answer(from.clone(), answer));
        }
    }

    /// A node is gone: nobody waits for its answers.
    pub(crate) fn lost(&self, node: &NodeId) {
        for survey in self.running.lock().by_id.values() {
            // As above.
            let _ = survey.send(Heard::Lost(node.clone()));
        }
    }
}
