//! What is logged, and where.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::config::schema::server::{Log, LogLevel};

/// Begins to log as the configuration says: in colour to a terminal, as JSON lines to anything else.
///
/// # Errors
/// When the file cannot be written.
pub fn start(log: &Log) -> io::Result<()> {
    let level = level(log.level);
    if !log.file.is_empty() {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(Path::new(&log.file))?;
        fmt()
            .json()
            .flatten_event(true)
            .with_max_level(level)
            .with_writer(Mutex::new(file))
            .init();
    } else if io::stdout().is_terminal() {
        fmt()
            .compact()
            .with_target(false)
            .with_max_level(level)
            .init();
    } else {
        fmt()
            .json()
            .flatten_event(true)
            .with_max_level(level)
            .init();
    }
    Ok(())
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
