//! One measurement, from the first connection to the report.

mod connecting;
mod delivering;

use std::io;

use crate::clock::Clock;
use crate::generator::Generator;
pub use crate::generator::Progress;
use crate::limits;
use crate::options::{Mode, Options};
use crate::plan::Plan;
use crate::process::{Memory, Process};
use crate::report::Report;
use crate::script::Script;
use crate::snapshot::Snapshot;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The options make no sense, or the machine does not allow what they ask for.
    #[error("{0}")]
    Impossible(String),
    /// Nobody could connect, for this reason.
    #[error("no connection became ready: {0}")]
    NobodyReady(String),
    /// All publications were refused, for this reason.
    #[error("nothing could be published: {0}")]
    Refused(String),
    /// The poller failed.
    #[error("the event loop failed")]
    Loop(#[from] io::Error),
}

/// Measures, and tells `watch` a few times a second how it goes. Blocks until it is done.
///
/// # Errors
/// [`BenchError`]. Connections that fail and publications that are lost are no errors, but figures
/// of the report.
pub fn run(options: &Options, watch: &mut dyn FnMut(&Progress)) -> Result<Report, BenchError> {
    options.check().map_err(BenchError::Impossible)?;
    let plan = Plan::new(options);
    let connections = plan.roles.len();
    limits::make_room(connections).map_err(BenchError::Impossible)?;
    let script = Script::new(options, &plan, Clock::start()).map_err(BenchError::Impossible)?;
    let generator = Generator::new(options, plan, script, watch)?;
    let server = server(options)?;
    let mut report = Report::new(title(options));
    for warning in limits::warnings(connections, generator.sources(), server) {
        report.note(warning);
    }
    let mut run = Run {
        options,
        generator,
        server,
        report,
    };
    let opened = run.open()?;
    match options.mode {
        Mode::Fanout | Mode::Chat => run.deliver()?,
        Mode::Slow => run.be_slow()?,
        Mode::Idle => run.be_idle(&opened)?,
        Mode::Storm => run.weather(&opened)?,
    }
    run.finish()
}

/// A measurement that is under way.
struct Run<'o> {
    options: &'o Options,
    generator: Generator<'o>,
    server: Option<Process>,
    report: Report,
}

/// How it was before and after the connections were opened.
struct Opened {
    before: Snapshot,
    after: Snapshot,
    memory: Option<Memory>,
}

impl Run<'_> {
    fn snapshot(&self) -> Snapshot {
        Snapshot::take(&self.generator, self.server)
    }

    /// Tells what went wrong beside the figures.
    fn finish(mut self) -> Result<Report, BenchError> {
        let ear = &self.generator.desk.ear;
        let notes = ear.notes.iter().map(|(words, count)| match count {
            1 => words.clone(),
            count => format!("{words} ({count} times)"),
        });
        let notes: Vec<_> = notes.collect();
        if ear.refused > 0 && ear.refused >= self.generator.publishing.publications {
            return Err(BenchError::Refused(notes.join("; ")));
        }
        for note in notes {
            self.report.note(note);
        }
        Ok(self.report)
    }
}

fn server(options: &Options) -> Result<Option<Process>, BenchError> {
    match options.server_pid {
        Some(pid) => match Process::open(pid) {
            None => Err(BenchError::Impossible(format!(
                "--server-pid {pid}: there is no such process, or /proc does not tell"
            ))),
            found => Ok(found),
        },
        None if options.target.is_local() => Ok(Process::listening_on(options.target.address)),
        None => Ok(None),
    }
}

fn title(options: &Options) -> String {
    let target = &options.target;
    format!(
        "{} against ws://{}{}, {}",
        options.mode.name(),
        target.host,
        target.path,
        options.dialect.name()
    )
}
