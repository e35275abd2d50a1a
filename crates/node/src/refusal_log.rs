//! What the operator's log says of refusals: each one, but a flood of them only in numbers.

use std::time::Duration;

use veche_session::refusal::RefusalReport;

use crate::line_budget::{LineBudget, report_omitted};
use crate::printable::printable;

/// Tells refusals to the log, within bounds. What a client has sent is escaped.
#[derive(Debug, Default)]
pub struct RefusalLog(LineBudget);

impl RefusalLog {
    /// Tells what a session has refused. `now` is monotonic.
    pub(crate) fn tell(&mut self, refused: &RefusalReport, now: Duration) {
        if !self.has_line(now) {
            return;
        }
        let some = |text: &str| (!text.is_empty()).then(|| printable(text).into_owned());
        tracing::info!(
            client = %refused.client,
            user = &*printable(refused.user.as_str()),
            operation = refused.operation,
            channel = some(&refused.channel),
            code = refused.code,
            rule = refused.rule.map(|rule| rule.name()),
            option = some(&refused.option),
            change = some(&refused.change),
            "refused: {}",
            printable(&refused.why)
        );
    }

    /// Tells that a request for an upgrade was answered with `status`. `now` is monotonic.
    pub fn tell_upgrade(&mut self, status: u16, path: &str, why: &str, now: Duration) {
        if self.has_line(now) {
            let (path, why) = (printable(path), printable(why));
            tracing::info!(status, path = &*path, "an upgrade was refused: {why}");
        }
    }

    /// Whether one more line may be written; says how many were left out, as soon as there is room.
    fn has_line(&mut self, now: Duration) -> bool {
        let line = self.0.take(now);
        if let Some(omitted) = line {
            report_omitted(omitted, "refusals");
        }
        line.is_some()
    }
}
