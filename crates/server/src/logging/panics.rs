//! Reports panics in the log instead of on standard error, where writing could fail or block.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;
use std::time::Duration;

use crate::logging::lines::Lines;

/// How long a thread that panics waits for its line to be written: the process may end behind it.
const AT_PANIC: Duration = Duration::from_millis(100);

/// Makes each panic of this process a line of the log.
pub(crate) fn log_to(lines: Lines) {
    panic::set_hook(Box::new(move |info| {
        report(info);
        lines.flush(AT_PANIC);
    }));
}

fn report(info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("without a name");
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let what = info.payload_as_str().unwrap_or("something that is no text");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(thread = name, place, %backtrace, "panicked: {what}");
    } else {
        tracing::error!(thread = name, place, "panicked: {what}");
    }
}
