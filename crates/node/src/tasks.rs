//! What the node runs beside its workers: answers that are waited for, and calls that are seen through.

use std::future::Future;
use std::mem;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

/// Tasks of a node. They run on the control runtime, and end with the node at the latest.
///
/// Each waits for an answer that the engine or the application owes, so there are as many as there are calls under way.
#[derive(Debug)]
pub(crate) struct Tasks {
    runtime: Handle,
    running: Mutex<JoinSet<()>>,
}

impl Tasks {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            running: Mutex::default(),
        }
    }

    /// Runs something to its end, or to the node's, or until the returned handle ends it.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut running = self.running.lock();
        // What has ended is let go of here, so the set holds no more than what runs at once.
        while let Some(ended) = running.try_join_next() {
            report(ended);
        }
        running.spawn_on(future, &self.runtime)
    }

    /// Whether nothing runs.
    pub(crate) fn is_idle(&self) -> bool {
        let mut running = self.running.lock();
        while let Some(ended) = running.try_join_next() {
            report(ended);
        }
        running.is_empty()
    }

    /// Ends everything that runs.
    pub(crate) fn abort(&self) {
        drop(mem::take(&mut *self.running.lock()));
    }

    /// Waits for everything that runs, also for what begins meanwhile. After `limit` what is left is aborted. Returns
    /// how much that was.
    pub(crate) async fn drain(&self, limit: Duration) -> usize {
        let deadline = Instant::now() + limit;
        loop {
            let mut running = mem::take(&mut *self.running.lock());
            if running.is_empty() {
                return 0;
            }
            loop {
                match timeout_at(deadline, running.join_next()).await {
                    Ok(Some(ended)) => report(ended),
                    Ok(None) => break,
                    Err(_) => {
                        // The set aborts what it holds when it is dropped.
                        let begun = mem::take(&mut *self.running.lock());
                        return running.len() + begun.len();
                    }
                }
            }
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a task of the node failed");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn draining_waits_for_what_runs_and_for_what_that_begins() {
        let tasks = Arc::new(Tasks::new(Handle::current()));
        let done = Arc::new(AtomicUsize::new(0));
        let (begins, counts) = (tasks.clone(), done.clone());
        tasks.spawn(async move {
            tokio::time::sleep(LIMIT / 4).await;
            begins.spawn(async move {
                tokio::time::sleep(LIMIT / 4).await;
                counts.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert!(!tasks.is_idle());
        assert_eq!(tasks.drain(LIMIT).await, 0);
        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert!(tasks.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_is_aborted_at_the_limit() {
        let tasks = Tasks::new(Handle::current());
        let (held, gone) = tokio::sync::oneshot::channel::<()>();
        tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        let began = Instant::now();
        assert_eq!(tasks.drain(LIMIT).await, 1);
        assert_eq!(began.elapsed(), LIMIT);
        assert!(gone.await.is_err(), "the task is dropped");
    }

    #[tokio::test]
    async fn what_has_ended_is_let_go_of() {
        let tasks = Tasks::new(Handle::current());
        for _ in 0..1000 {
            tasks.spawn(async {});
            tokio::task::yield_now().await;
        }
        assert!(tasks.running.lock().len() < 10);
    }
}
