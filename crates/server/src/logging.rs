//! The log of the server.
//!
//! Lines go into a bounded queue that a thread of its own writes, so that no reader of the log, slow or gone, holds up
//! the server: lines that find the queue full, or whose write fails, are dropped and counted.

mod lines;
mod panics;
mod sink;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::logging::lines::Lines;
pub(crate) use crate::logging::lines::dropped;
use crate::logging::sink::Sink;
use veche_config::schema::server::{Log as Settings, LogLevel};

/// How long the end of the process waits for lines that are not written yet.
const AT_END: Duration = Duration::from_secs(1);

/// A running log. Dropping it waits at most a second until the queue is written.
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    style: Style,
    to_file: bool,
    /// The terminal, where the log goes to a file.
    terminal: Option<Lines>,
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// For people at a terminal.
    Text,
    /// An object a line, for programs.
    Json,
}

/// Begins to log as the configuration says: in colour to a terminal, as JSON lines to anything else. Panics are
/// logged too from now on.
///
/// # Errors
/// When the file cannot be written.
pub fn start(settings: &Settings) -> io::Result<Log> {
    let is_terminal = io::stdout().is_terminal();
    let to_file = !settings.file.is_empty();
    let sink = if to_file {
        Sink::file(Path::new(&settings.file))?
    } else {
        Sink::standard_output()?
    };
    let log = Log {
        lines: Lines::start(sink, report_dropped)?,
        style: if is_terminal && !to_file {
            Style::Text
        } else {
            Style::Json
        },
        to_file,
        terminal: (is_terminal && to_file)
            .then(|| Lines::start(Sink::standard_output()?, |_| {}))
            .transpose()?,
    };
    let subscriber = fmt()
        .with_max_level(level(settings.level))
        .log_internal_errors(false)
        .with_writer(log.lines.clone());
    match log.style {
        Style::Text => subscriber.compact().with_target(false).init(),
        Style::Json => subscriber.json().flatten_event(true).init(),
    }
    panics::log_to(log.lines.clone());
    Ok(log)
}

impl Log {
    /// Prints a message for the person who started the server: plain at a terminal, else as a line of the log.
    pub fn announce(&self, text: &str) {
        let line = format!("{text}\n");
        match self.style {
            Style::Text => self.lines.push(line.as_bytes()),
            Style::Json => tracing::info!("{text}"),
        }
        if let Some(terminal) = &self.terminal {
            terminal.push(line.as_bytes());
        }
    }

    /// Whether the log is for programs, which must not find any text in it.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.style == Style::Json
    }

    /// Opens the file again under its name, if the log goes to one: somebody has moved it away. Says whether it does.
    pub fn reopen(&self) -> bool {
        if self.to_file {
            self.lines.reopen();
        }
        self.to_file
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        for lines in std::iter::once(&self.lines).chain(&self.terminal) {
            lines.flush(AT_END);
        }
    }
}

fn report_dropped(lines: u64) {
    tracing::warn!(
        lines,
        "lines of the log were dropped, since they were not read, or could not be written, for a while"
    );
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error | LogLevel::Fatal => LevelFilter::ERROR,
        LogLevel::None => LevelFilter::OFF,
    }
}
