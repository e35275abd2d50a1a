//! What the operator's log says of an engine that fails, and of deliveries that did not come: each case, but a flood of
//! them only in numbers.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use veche_engine::error::EngineError;
use veche_protocol::channel::Channel;
use veche_protocol::position::StreamPosition;

use crate::line_budget::{LineBudget, report_omitted};
use crate::printable::printable;

/// Reports failures of the engine. All threads of a node share it: an engine that is down fails every question.
#[derive(Debug)]
pub(crate) struct EngineLog {
    began: Instant,
    lines: Mutex<LineBudget>,
}

impl EngineLog {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            lines: Mutex::default(),
        }
    }

    /// Reports what the engine could not do, and why. Not to be called under a lock of the engine.
    pub(crate) fn report(&self, what: &str, error: &EngineError) {
        let line = self.lines.lock().take(self.began.elapsed());
        if let Some(omitted) = line {
            report_omitted(omitted, "failures of the engine");
            tracing::warn!(%error, "the engine could not {what}");
        }
    }
}

/// Reports deliveries that did not come to a worker's subscribers.
#[derive(Debug, Default)]
pub(crate) struct LossLog(LineBudget);

impl LossLog {
    /// Reports that the worker's inbox was full: so many deliveries were dropped, among them some of a channel. `now` is
    /// monotonic.
    pub(crate) fn report_dropped(
        &mut self,
        dropped: usize,
        channel: Option<&Channel>,
        worker: usize,
        now: Duration,
    ) {
        if self.has_line(now) {
            let channel = channel.map(|channel| printable(channel.as_str()));
            tracing::warn!(
                worker,
                dropped,
                channel = channel.as_deref(),
                "the worker's inbox was full: deliveries were dropped"
            );
        }
    }

    /// Reports that publications of a channel after a position did not come. `now` is monotonic.
    pub(crate) fn report_lost(&mut self, channel: &Channel, stood: &StreamPosition, now: Duration) {
        if self.has_line(now) {
            tracing::warn!(
                channel = &*printable(channel.as_str()),
                ?stood,
                "publications did not come; subscribers are told"
            );
        }
    }

    fn has_line(&mut self, now: Duration) -> bool {
        let line = self.0.take(now);
        if let Some(omitted) = line {
            report_omitted(omitted, "losses");
        }
        line.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Counts what would be logged.
    #[derive(Clone, Debug, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl Subscriber for Counting {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    fn lines(log: impl FnOnce()) -> usize {
        let counting = Counting::default();
        tracing::subscriber::with_default(counting.clone(), log);
        counting.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_failing_engine_and_a_full_inbox_fill_no_log() {
        let (channel, stood) = (Channel::new("news"), StreamPosition::default());
        let written = lines(|| {
            let log = EngineLog::new();
            for _ in 0..10_000 {
                log.report(
                    "answer",
                    &EngineError::Unavailable("the test wants it".into()),
                );
            }
        });
        // It takes less than some seconds, each of which may have ten lines and a number.
        assert!((1..=110).contains(&written), "{written}");
        let written = lines(|| {
            let mut log = LossLog::default();
            for ms in 0..2000 {
                let now = Duration::from_millis(ms);
                log.report_dropped(3, Some(&channel), 0, now);
                log.report_lost(&channel, &stood, now);
            }
        });
        assert_eq!(written, 10 + 1 + 10);
    }
}
