//! What is done once a worker has had nothing to do for a while.

use std::time::Duration;

use super::Worker;

/// How long nothing comes until a worker counts as quiet.
const QUIET: Duration = Duration::from_secs(1);

impl Worker {
    /// Something came.
    pub(super) fn note_work(&mut self) {
        if self.node.config().when_quiet.is_some() {
            self.quiet_at = Some(self.now.monotonic + QUIET);
        }
    }

    /// Calls what is to be called in quiet times, once for each.
    pub(super) fn act_when_quiet(&mut self) {
        let now = self.now.monotonic;
        if self.quiet_at.take_if(|at| *at <= now).is_some()
            && let Some(when_quiet) = self.node.config().when_quiet
        {
            when_quiet();
        }
    }
}
