//! How a node begins: its engine first, then its workers.

use std::io;
use std::sync::Arc;
use std::thread;

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
use crate::inbox::{Congestion, Inbox};
use crate::interest::{Interest, MAX_WORKERS};
use crate::listing::LISTS;
use crate::sink::{NodeSink, Received};
use crate::sync::Waker;
use crate::tasks::Tasks;
use crate::trouble_log::EngineLog;
use crate::users::Users;
use crate::worker::{WAKER, Worker};

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
    /// Starts the engine and the workers. `engine` is built around the sink that it is to deliver to.
    ///
    /// Blocks while the engine starts; call it where that is allowed.
    ///
    /// # Errors
    /// When the system gives no event queue or thread, or a part of the engine does not start.
    pub fn start(
        config: NodeConfig,
        rules: Rules,
        mut surroundings: Surroundings,
        engine: impl FnOnce(Arc<dyn Sink>) -> Engine,
    ) -> Result<Arc<Self>, StartError> {
        let listeners = std::mem::take(&mut surroundings.listeners);
        let (node, polls) = Self::assemble(config, rules, surroundings, engine)?;
        let mut listeners = listeners.into_iter();
        for (index, poll) in polls.into_iter().enumerate() {
            let listeners = listeners.next().unwrap_or_default();
            let worker = Worker::new(index, node.clone(), poll, listeners)?;
            let thread = thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(move || {
                    let guard = AbortOnPanic;
                    if let Err(error) = worker.run() {
                        tracing::error!(%error, worker = index, "the event loop failed; the process ends");
                        std::process::abort();
                    }
                    drop(guard);
                })?;
            node.threads.lock().push(thread);
        }
        Ok(node)
    }

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
        node.join_cluster()
            .map_err(|error| StartError::Engine("controller", error))?;
        Ok((node, polls))
    }
}

/// A worker that has panicked (outside a session), or whose event loop fails, can't be trusted, and without it a part of the clients would get
/// nothing while the rest of the process looks well.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("a worker failed; the process ends");
            std::process::abort();
        }
    }
}
