//! How a node begins: its engine first, then its place among other nodes, then its workers.

use std::sync::Arc;
use std::thread;

use veche_engine::sink::Sink;
use veche_session::rules::Rules;

use crate::node::{Engine, Node, NodeConfig, StartError, Surroundings};
use crate::worker::Worker;

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
        node.join_cluster()
            .map_err(|error| StartError::Engine("controller", error))?;
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
            node.keep_thread(thread);
        }
        Ok(node)
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
