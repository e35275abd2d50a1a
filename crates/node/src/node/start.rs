//! What a node consists of at its beginning.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use mio::Poll;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;
use veche_engine::control::NodeId;
use veche_engine::error::EngineError;
use veche_engine::sink::Sink;
use veche_session::rules::Rules;

use super::{Engine, Node, NodeConfig, Surroundings};
use crate::clock::Clock;
use crate::cluster::{ANSWERS, Cluster};
use crate::inbox::{Congestion, Inbox, WAKER};
use crate::interest::{Interest, MAX_WORKERS};
use crate::listing::LISTS;
use crate::sink::{NodeSink, Received};
use crate::sync::Waker;
use crate::tasks::Tasks;
use crate::trouble_log::EngineLog;
use crate::users::Users;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system gives no event queue or thread.
    #[error("the system gives no event queue or thread")]
    System(#[from] io::Error),
    /// A part of the engine does not start; says which.
    #[error("the {0} of the engine does not start")]
    Engine(&'static str, #[source] EngineError),
}

impl Node {
    /// A node whose engine is started and whose workers are still to be made, with the event queues they will have.
    pub(crate) fn assemble(
        config: NodeConfig,
        rules: Rules,
        surroundings: Surroundings,
        engine: impl FnOnce(Arc<dyn Sink>) -> Engine,
    ) -> Result<(Arc<Self>, Vec<Poll>), StartError> {
        let workers = config.workers.clamp(1, MAX_WORKERS);
        let congestion = Arc::new(Congestion::default());
        let mut polls = Vec::new();
        let mut inboxes = Vec::new();
        for _ in 0..workers {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKER)?;
            inboxes.push(Arc::new(Inbox::new(
                waker,
                congestion.clone(),
                config.inbox,
            )));
            polls.push(poll);
        }
        let interest = Arc::new(Interest::new(inboxes.clone()));
        let received = Arc::new(Received::default());
        let engine = engine(Arc::new(NodeSink {
            received: received.clone(),
            interest: interest.clone(),
            inboxes: inboxes.clone(),
            congestion: congestion.clone(),
        }));
        let users_counted = config.count_users || workers > 1;
        let tasks = Arc::new(Tasks::new(surroundings.control.clone()));
        let answers = Tasks::new(surroundings.control.clone());
        let cluster = engine.controller.clone().map(Cluster::new);
        let node = Arc::new(Self {
            config,
            id: NodeId::new(&uuid::Uuid::new_v4().to_string()),
            clock: Clock::start(),
            rules: RwLock::new(Arc::new(rules)),
            engine,
            surroundings,
            interest,
            received,
            inboxes,
            counters: (0..workers).map(|_| Arc::default()).collect(),
            congestion,
            users: users_counted.then(Users::default),
            lists: Semaphore::new(LISTS),
            cluster,
            survey_permits: Semaphore::new(ANSWERS),
            engine_log: Arc::new(EngineLog::new()),
            tasks,
            answers,
            threads: Mutex::default(),
        });
        node.engine.start(&node)?;
        Ok((node, polls))
    }

    /// Keeps the thread of a worker, which the node's end waits for.
    pub(crate) fn keep_thread(&self, thread: JoinHandle<()>) {
        self.threads.lock().push(thread);
    }
}
