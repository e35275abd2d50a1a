//! How a node starts its engine, and how it ends: its last calls are made and answered before the engine is closed.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use veche_engine::error::EngineError;
use veche_engine::life::Lifecycle;
use veche_engine::pending::Pending;

use crate::node::{Engine, Node, StartError};

/// How long a part of the engine may take to start.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);

impl Engine {
    /// Starts all parts, one after the other.
    pub(crate) fn start(&self, node: &Node) -> Result<(), StartError> {
        for (name, part) in self.parts() {
            let started = node.wait_for(part.start(), START_TIMEOUT);
            let started = started.unwrap_or_else(|| {
                let why = format!("it has not answered within {START_TIMEOUT:?}");
                Err(EngineError::Uncertain(why.into()))
            });
            started.map_err(|error| StartError::Engine(name, error))?;
        }
        Ok(())
    }

    /// What does not work, of the first part that does not; says which.
    pub(crate) fn trouble(&self) -> Option<(&'static str, Cow<'static, str>)> {
        let mut parts = self.parts();
        parts.find_map(|(name, part)| Some((name, part.health().err()?)))
    }

    /// Closes all parts; those that answer later are still to be waited for.
    fn close(&self) -> Vec<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let closing = self.parts().map(|(_, part)| part.close());
        let later = closing.filter_map(|closing| match closing {
            Pending::Ready(()) => None,
            Pending::Later(future) => Some(future),
        });
        later.collect()
    }

    fn parts(&self) -> impl Iterator<Item = (&'static str, &dyn Lifecycle)> {
        let presence: &dyn Lifecycle = &*self.presence;
        let broker: &dyn Lifecycle = &*self.broker;
        let controller = self.controller.as_deref();
        let controller = controller.map(|it| ("controller", it as &dyn Lifecycle));
        [("presence manager", presence), ("broker", broker)]
            .into_iter()
            .chain(controller)
    }
}

impl Node {
    /// Waits until the engine has answered the last calls of this node, and closes it. All together has
    /// [`NodeConfig::drain_timeout`](crate::node::NodeConfig::drain_timeout).
    pub(crate) fn end_engine(&self) {
        let limit = self.config().drain_timeout;
        let deadline = Instant::now() + limit;
        // The sessions that asked are gone.
        self.answers().abort();
        if !self.tasks().is_idle() {
            let tasks = self.tasks().clone();
            let drained = async move { tasks.drain(limit).await };
            // The drain keeps the limit itself, unless the control runtime stands still.
            let left = self.wait_for(Pending::Later(Box::pin(drained)), limit * 2);
            if left != Some(0) {
                tracing::warn!(
                    left,
                    "the engine has not answered the last calls in time; leaves may be missing"
                );
            }
        }
        for closing in self.engine().close() {
            let rest = deadline.saturating_duration_since(Instant::now());
            if self.wait_for(Pending::Later(closing), rest).is_none() {
                tracing::warn!("a part of the engine did not close in time");
            }
        }
    }

    /// Waits for an answer on a thread that may block; `None` if it takes too long.
    pub(crate) fn wait_for<T: Send + 'static>(
        &self,
        pending: Pending<T>,
        limit: Duration,
    ) -> Option<T> {
        match pending {
            Pending::Ready(answer) => Some(answer),
            Pending::Later(future) => {
                let (tell, told) = mpsc::channel();
                let waiting = self.control().spawn(async move {
                    // Whoever waits may have given up.
                    let _ = tell.send(future.await);
                });
                let answer = told.recv_timeout(limit).ok();
                waiting.abort();
                answer
            }
        }
    }
}
