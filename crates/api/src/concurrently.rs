//! Many commands: at once, but not too many, or one after the other.

use std::future::Future;

use tokio::task::JoinSet;

/// Runs all of `tasks`, at most [`LIMIT`] at a time, and gives their values in the order of the tasks.
///
/// # Cancel safety
/// When this is dropped, tasks that wait are dropped, and later ones are not begun.
pub(crate) async fn run_all<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let mut running = JoinSet::new();
    let mut values = Vec::new();
    for (index, task) in tasks.into_iter().enumerate() {
        if running.len() >= LIMIT {
            values.extend(running.join_next().await);
        }
        running.spawn(async move { (index, task.await) });
    }
    while let Some(value) = running.join_next().await {
        values.push(value);
    }
    let mut values: Vec<_> = values
        .into_iter()
        .map(|value| match value {
            Ok(value) => value,
            // Nobody cancels these tasks, so it panicked; so does the call, and hyper ends it.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        })
        .collect();
    values.sort_unstable_by_key(|(index, _)| *index);
    values.into_iter().map(|(_, value)| value).collect()
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
}
