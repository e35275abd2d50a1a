//! Lines on their way to a descriptor: a bounded queue, and the thread that writes it.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::logging::sink::Sink;

/// Most bytes that wait to be written. Beyond it lines are dropped and counted.
const QUEUE: usize = 1 << 20;
/// A buffer that has grown beyond this is not kept.
const KEPT: usize = 64 << 10;

/// The number of lines that were dropped in this process: the queue was full, or the write failed.
static DROPPED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread writes a queue. What it logs itself, the number of dropped lines, is never dropped.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// How many lines of this process were dropped so far.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Where lines are put. Nobody who puts one waits for the reader of the log: the thread behind the queue does.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    limit: usize,
    /// Wakes the thread that writes.
    filled: Condvar,
    /// All that was there has been written, or could not be.
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whole lines.
    waiting: Vec<u8>,
    is_writing: bool,
    /// Lines that found the queue full, and are not reported yet.
    dropped: u64,
    /// The file is to be opened again before more is written.
    reopen: bool,
}

impl Lines {
    /// Begins to write to `sink`, and calls `report` with the number of lines that were dropped, once writing works.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(sink: Sink, report: impl Fn(u64) + Send + 'static) -> io::Result<Self> {
        Self::with_limit(QUEUE, sink, report)
    }

    fn with_limit(
        limit: usize,
        sink: Sink,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            limit,
            filled: Condvar::new(),
            emptied: Condvar::new(),
        });
        let writing = queue.clone();
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writing.write_to(sink, &report))?;
        Ok(Self(queue))
    }

    /// Puts a line, with its line break, into the queue. Where it is full, the line is dropped and counted.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.0.lock();
        let is_full = state.waiting.len() + line.len() > self.0.limit;
        if is_full && !WRITES.get() {
            state.dropped += 1;
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.extend_from_slice(line);
        drop(state);
        self.0.filled.notify_one();
    }

    /// Has the file opened again before the next line is written: somebody has moved it.
    pub(crate) fn reopen(&self) {
        self.0.lock().reopen = true;
        self.0.filled.notify_one();
    }

    /// Waits until all lines are written, but no longer than `limit`.
    pub(crate) fn flush(&self, limit: Duration) {
        let is_busy = |state: &mut State| !state.waiting.is_empty() || state.is_writing;
        // Past the limit the lines are lost: who reads them has stopped.
        let _ = self
            .0
            .emptied
            .wait_timeout_while(self.0.lock(), limit, is_busy);
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes, until the process ends.
    fn write_to(&self, mut sink: Sink, report: &dyn Fn(u64)) {
        WRITES.set(true);
        let mut batch = Vec::new();
        let mut unreported = 0;
        loop {
            let (dropped, reopen) = self.next(&mut batch);
            unreported += dropped;
            if reopen && let Err(error) = sink.reopen() {
                tracing::error!(%error, "log.file cannot be opened again; the log goes on where it was");
            }
            match sink.write(&batch) {
                // A report that cannot be written either would be one more line to report.
                Err(lost) => {
                    unreported += lost;
                    DROPPED.fetch_add(lost, Ordering::Relaxed);
                }
                Ok(()) if unreported > 0 && !batch.is_empty() => {
                    report(unreported);
                    unreported = 0;
                }
                Ok(()) => {}
            }
            batch.clear();
            if batch.capacity() > KEPT {
                batch = Vec::new();
            }
        }
    }

    /// Waits for something to do, and takes it: all that waits, how many lines were dropped behind that, and whether
    /// the file is to be opened again.
    fn next(&self, batch: &mut Vec<u8>) -> (u64, bool) {
        let mut state = self.lock();
        state.is_writing = false;
        while state.waiting.is_empty() && !state.reopen {
            self.emptied.notify_all();
            let woken = self.filled.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        std::mem::swap(&mut state.waiting, batch);
        (
            std::mem::take(&mut state.dropped),
            std::mem::take(&mut state.reopen),
        )
    }
}

/// One line: `tracing-subscriber` writes each event at once.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A writer that asks for leave before each write, and fails where it is not given.
    struct Gated {
        asked: Sender<()>,
        leave: Receiver<bool>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asked.send(()).unwrap();
            if !self.leave.recv().unwrap() {
                return Err(io::Error::from(ErrorKind::BrokenPipe));
            }
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Stage {
        lines: Lines,
        asked: Receiver<()>,
        leave: Sender<bool>,
        written: Arc<Mutex<Vec<u8>>>,
        reports: Receiver<u64>,
    }

    impl Stage {
        fn new(limit: usize) -> Self {
            let (asks, asked) = channel();
            let (leave, left) = channel();
            let (report, reports) = channel();
            let written = Arc::<Mutex<Vec<u8>>>::default();
            let gated = Gated {
                asked: asks,
                leave: left,
                written: written.clone(),
            };
            let sink = Sink::new(Box::new(gated));
            let lines = Lines::with_limit(limit, sink, move |count| {
                let _ = report.send(count);
            });
            Self {
                lines: lines.unwrap(),
                asked,
                leave,
                written,
                reports,
            }
        }

        fn written(&self) -> String {
            String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn while_nobody_reads_lines_are_dropped_and_then_reported() {
        let stage = Stage::new(4);
        let before = dropped();
        stage.lines.push(b"a\n");
        stage.asked.recv_timeout(SOON).unwrap();
        // The thread waits in its write; the queue takes two more lines, and no third.
        for line in ["b\n", "c\n", "d\n", "e\n", "f\n"] {
            stage.lines.push(line.as_bytes());
        }
        assert!(dropped() >= before + 3);
        stage.leave.send(true).unwrap();
        stage.leave.send(true).unwrap();
        assert_eq!(stage.reports.recv_timeout(SOON), Ok(3));
        stage.lines.flush(SOON);
        assert_eq!(stage.written(), "a\nb\nc\n");
    }

    #[test]
    fn a_write_that_fails_loses_its_lines_and_no_others() {
        let stage = Stage::new(100);
        stage.lines.push(b"a\nb\n");
        stage.asked.recv_timeout(SOON).unwrap();
        stage.leave.send(false).unwrap();
        stage.lines.push(b"c\n");
        stage.asked.recv_timeout(SOON).unwrap();
        stage.leave.send(true).unwrap();
        assert_eq!(stage.reports.recv_timeout(SOON), Ok(2));
        stage.lines.flush(SOON);
        assert_eq!(stage.written(), "c\n");
    }

    #[test]
    fn a_flush_ends_in_time_while_nobody_reads() {
        let stage = Stage::new(100);
        stage.lines.push(b"a\n");
        stage.asked.recv_timeout(SOON).unwrap();
        stage.lines.flush(Duration::from_millis(1));
        assert_eq!(stage.written(), "");
    }
}
