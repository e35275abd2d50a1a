//! Many commands: at once, but not too many, or one after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::iter::Fuse;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinHandle};

/// Runs tasks, at most [`LIMIT`] at a time, and gives their values in the order of the tasks.
///
/// A task is taken from the iterator when it can start, so that waiting tasks cost nothing.
///
/// # Cancel safety
/// When this is dropped, tasks that wait are dropped, and later ones are not begun.
pub(crate) struct InOrder<I, T> {
    tasks: Fuse<I>,
    /// Begun, the oldest first; the values of some are there already.
    begun: VecDeque<Task<T>>,
}

impl<I, F> InOrder<I, F::Output>
where
    I: Iterator<Item = F>,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    /// Nothing is begun yet.
    pub(crate) fn new(tasks: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            tasks: tasks.into_iter().fuse(),
            begun: VecDeque::new(),
        }
    }

    /// The value of the next task; `None` after the last.
    ///
    /// # Panics
    /// When the task panicked.
    pub(crate) async fn next(&mut self) -> Option<F::Output> {
        while self.begun.len() < LIMIT
            && let Some(task) = self.tasks.next()
        {
            self.begun.push_back(Task::begin(task));
        }
        let mut oldest = self.begun.pop_front()?;
        Some(oldest.value().await)
    }

    /// The values of all tasks.
    ///
    /// # Panics
    /// When a task panicked.
    pub(crate) async fn all(mut self) -> Vec<F::Output> {
        let mut values = Vec::new();
        while let Some(value) = self.next().await {
            values.push(value);
        }
        values
    }
}

/// A task that is cancelled when its value is no longer needed.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn begin(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(future))
    }
}

impl<T> Task<T> {
    /// Whether it ended, and whether it panicked. Must not be called again after that.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        Pin::new(&mut self.0).poll(cx)
    }

    /// Waits for the value.
    ///
    /// # Panics
    /// When the task panicked.
    pub(crate) async fn value(&mut self) -> T {
        match (&mut self.0).await {
            Ok(value) => value,
            // Nobody cancels it, so it panicked; so does the call, and hyper ends it.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs all of `tasks`, as [`InOrder`] does.
pub(crate) async fn run_all<F>(tasks: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    InOrder::new(tasks).all().await
}

/// Runs all of `tasks`, each when the one before it is done.
pub(crate) async fn run_in_order<T>(
    tasks: impl IntoIterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await);
    }
    values
}

/// As many as in Centrifugo.
const LIMIT: usize = 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn values_come_in_order_and_no_more_than_the_limit_run_at_once() {
        let running = Arc::new(AtomicUsize::new(0));
        let highest = Arc::new(AtomicUsize::new(0));
        let tasks = (0..3 * LIMIT).map(|number| {
            let (running, highest) = (Arc::clone(&running), Arc::clone(&highest));
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                highest.fetch_max(now, Ordering::SeqCst);
                for _ in 0..number % 7 {
                    tokio::task::yield_now().await;
                }
                running.fetch_sub(1, Ordering::SeqCst);
                number
            }
        });
        let values = run_all(tasks).await;
        assert_eq!(values, (0..3 * LIMIT).collect::<Vec<_>>());
        let highest = highest.load(Ordering::SeqCst);
        assert!((2..=LIMIT).contains(&highest), "{highest}");
    }

    #[tokio::test]
    async fn who_is_dropped_drops_what_it_began() {
        let alive = Arc::new(());
        let tasks = (0..10).map(|number| {
            let alive = Arc::clone(&alive);
            async move {
                if number > 0 {
                    std::future::pending::<()>().await;
                }
                drop(alive);
            }
        });
        let mut tasks = InOrder::new(tasks);
        tasks.next().await;
        drop(tasks);
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
