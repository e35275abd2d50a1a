//! Storing the outbox, in a task of its own: a disk may be slow, and the client is not to wait for it.

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::machine::Change;
use crate::outbox_file::OutboxFile;

/// A task that stores changes in their order. The outbox bounds how many there can be.
pub(super) struct Storing {
    changes: mpsc::UnboundedSender<Change>,
    reports: mpsc::UnboundedReceiver<Report>,
    task: JoinHandle<()>,
}

/// What became of the next so many changes; an error says why they were not stored.
pub(super) struct Report {
    pub(super) count: usize,
    pub(super) error: Option<String>,
}

impl Storing {
    pub(super) fn start(file: OutboxFile) -> Self {
        let (changes, received) = mpsc::unbounded_channel();
        let (reporter, reports) = mpsc::unbounded_channel();
        Self {
            changes,
            reports,
            task: tokio::spawn(store(file, received, reporter)),
        }
    }

    pub(super) fn store(&self, change: Change) {
        // The task ends when this sender is dropped, and not before.
        self.changes.send(change).ok();
    }

    /// Waits for the next report. Dropped early, none is lost.
    pub(super) async fn report(&mut self) -> Report {
        match self.reports.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }

    /// Waits until everything is stored.
    pub(super) async fn finish(self) {
        drop(self.changes);
        self.task.await.ok();
    }
}

/// Stores what has come in one go, so that one sync does for all of it.
async fn store(
    mut file: OutboxFile,
    mut changes: mpsc::UnboundedReceiver<Change>,
    reports: mpsc::UnboundedSender<Report>,
) {
    let mut batch = Vec::new();
    while changes.recv_many(&mut batch, BATCH).await > 0 {
        let these = std::mem::take(&mut batch);
        let count = these.len();
        let applied = spawn_blocking(move || {
            let result = file.apply(&these);
            (file, result)
        });
        let Ok((returned, result)) = applied.await else {
            // The runtime goes down.
            return;
        };
        file = returned;
        let error = result.err().map(|error| error.to_string());
        reports.send(Report { count, error }).ok();
    }
}

/// Changes that are stored in one go.
const BATCH: usize = 256;
