//! `veche bench`: measures a server, and tells what came of it.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use clap::{Args, ValueEnum};
use veche_bench::dialect::Dialect;
use veche_bench::options::{Mode, Options};
use veche_bench::run::{BenchError, Progress, run as measure};
use veche_bench::target::Target;

use crate::failure::Failure;
use crate::output;

/// `bench`.
#[derive(Debug, Args)]
#[command(after_help = MODES)]
pub(crate) struct BenchOptions {
    /// What to measure
    #[arg(value_enum)]
    mode: Kind,
    /// The server; without a path it is the dialect's own
    #[arg(long, default_value = "ws://127.0.0.1:8000")]
    url: String,
    /// centrifuge-json, centrifuge-protobuf or plain
    #[arg(long, default_value = "centrifuge-json")]
    dialect: Dialect,
    /// Subscribers of each channel (fanout, slow) [default: 1000; slow: 100]
    #[arg(long, value_name = "N")]
    subs: Option<u32>,
    /// Channels (fanout, chat) [default: 1; chat: 100]
    #[arg(long, value_name = "N")]
    channels: Option<u32>,
    /// Members of each channel, who all publish (chat) [default: 10]
    #[arg(long, value_name = "N")]
    members: Option<u32>,
    /// Connections, each in a channel of its own (idle, storm) [default: 10000]
    #[arg(long, value_name = "N")]
    conns: Option<u32>,
    /// Subscribers that stop reading (slow) [default: 1]
    #[arg(long, value_name = "N")]
    slow: Option<u32>,
    /// Publications per second in all; 0: the next leaves when the last has arrived
    /// [default: 0; chat: 1000; slow: 200]
    #[arg(long)]
    rate: Option<f64>,
    /// Publications that leave together, with --rate [default: 1]
    #[arg(long, value_name = "N")]
    burst: Option<u32>,
    /// Publications on their way at once, without --rate [default: 1]
    #[arg(long, value_name = "N")]
    window: Option<u32>,
    /// Bytes of a payload [default: 128]
    #[arg(long, value_name = "BYTES")]
    size: Option<usize>,
    /// Seconds to measure [default: 10]
    #[arg(long, value_name = "SECONDS")]
    time: Option<f64>,
    /// Seconds to publish before that [default: 1]
    #[arg(long, value_name = "SECONDS")]
    warmup: Option<f64>,
    /// Publications after which it ends, those of the warm-up among them
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
    /// What the channels' names begin with, as a namespace [default: bench]
    #[arg(long, value_name = "PREFIX")]
    channel: Option<String>,
    /// Connection token of every client
    #[arg(long)]
    token: Option<String>,
    /// The server's process, where its port does not tell
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Fanout,
    Chat,
    Idle,
    Storm,
    Slow,
}

impl From<Kind> for Mode {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Fanout => Self::Fanout,
            Kind::Chat => Self::Chat,
            Kind::Idle => Self::Idle,
            Kind::Storm => Self::Storm,
            Kind::Slow => Self::Slow,
        }
    }
}

const MODES: &str = "\
Modes:
  fanout  one publisher in each channel, many subscribers
  chat    everyone in a channel publishes and is subscribed
  idle    connections that do nothing: memory, and processor time of pings
  storm   everyone connects at once
  slow    some subscribers stop reading: what the others and the server notice

The server is any that speaks the Centrifuge protocol, with client publishing allowed; docs/benchmark.md says how.";

/// Measures, and prints a table or JSON on standard output.
///
/// # Errors
/// Options that make no sense, a server that cannot be reached, one that refuses all publications.
pub(crate) fn run(options: BenchOptions) -> Result<(), Failure> {
    let json = options.json;
    let options = options.into_options().map_err(Failure::new)?;
    let mut watching = Watching::new();
    let report = measure(&options, &mut |progress| watching.show(progress));
    watching.clear();
    let report = report.map_err(|error| match error {
        BenchError::Loop(cause) => Failure::new(format!("the event loop failed: {cause}")),
        error => Failure::new(error.to_string()),
    })?;
    if json {
        output::line(&report.json())
    } else {
        output::line(report.table().trim_end())?;
        output::line(&format!("\n{}", report.summary()))
    }
}

impl BenchOptions {
    fn into_options(self) -> Result<Options, String> {
        let target = Target::parse(&self.url, self.dialect.path())?;
        let mut options = Options::new(self.mode.into(), target, self.dialect);
        set(&mut options.subs, self.subs);
        set(&mut options.channels, self.channels);
        set(&mut options.members, self.members);
        set(&mut options.conns, self.conns);
        set(&mut options.slow, self.slow);
        set(&mut options.rate, self.rate);
        set(&mut options.burst, self.burst);
        set(&mut options.window, self.window);
        set(&mut options.size, self.size);
        set(&mut options.time, seconds("--time", self.time)?);
        set(&mut options.warmup, seconds("--warmup", self.warmup)?);
        set(&mut options.channel, self.channel);
        options.messages = self.messages;
        options.token = self.token;
        options.server_pid = self.server_pid;
        Ok(options)
    }
}

fn set<T>(config_args: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *config_args = given;
    }
}

fn seconds(name: &str, given: Option<f64>) -> Result<Option<Duration>, String> {
    given
        .map(Duration::try_from_secs_f64)
        .transpose()
        .map_err(|_| format!("{name} is a number of seconds, from 0 up"))
}

fn line(progress: &Progress) -> String {
    let Progress {
        elapsed,
        ready,
        connections,
        failed,
        publications,
        deliveries,
    } = progress;
    let failed = if *failed > 0 {
        format!(" ({failed} failed)")
    } else {
        String::new()
    };
    format!(
        "{:6.1} s  {ready} of {connections} connections{failed}  {publications} publications  {deliveries} deliveries",
        elapsed.as_secs_f64()
    )
}

/// What a person sees who waits: on a terminal a line that is rewritten, elsewhere one every [`SELDOM`].
struct Watching {
    is_terminal: bool,
    next: Duration,
}

/// Between two lines about the progress that nobody can rewrite.
const SELDOM: Duration = Duration::from_secs(5);

impl Watching {
    fn new() -> Self {
        Self {
            is_terminal: stderr().is_terminal(),
            next: SELDOM,
        }
    }

    fn show(&mut self, progress: &Progress) {
        if self.is_terminal {
            write(&format!("\r\x1b[K{}", line(progress)));
        } else if progress.elapsed >= self.next {
            self.next = progress.elapsed + SELDOM;
            write(&format!("{}\n", line(progress)));
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            write("\r\x1b[K");
        }
    }
}

/// Writes to standard error. What cannot be written is lost.
fn write(text: &str) {
    let mut out = stderr().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;
    use veche_bench::options::{Mode, Options};
    use veche_bench::run::Progress;

    use super::{BenchOptions, line};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        bench: BenchOptions,
    }

    fn options(line: &str) -> Result<Options, String> {
        let arguments = std::iter::once("bench").chain(line.split_whitespace());
        let line = Line::try_parse_from(arguments).map_err(|error| error.to_string())?;
        line.bench.into_options()
    }

    #[test]
    fn a_mode_alone_is_enough() {
        let options = options("chat").unwrap();
        assert_eq!(
            (options.mode, options.channels, options.members),
            (Mode::Chat, 100, 10)
        );
        assert_eq!(options.target.path, "/connection/websocket");
        assert_eq!(options.check(), Ok(()));
    }

    #[test]
    fn the_path_is_the_dialects_own_if_none_is_named() {
        let path = |line: &str| options(line).unwrap().target.path;
        assert_eq!(path("idle --dialect plain"), "/connection/plain");
        assert_eq!(
            path("idle --dialect plain --url ws://127.0.0.1:1/ws"),
            "/ws"
        );
    }

    #[test]
    fn numbers_are_taken_and_nonsense_is_named() {
        let options_given =
            options("fanout --subs 20 --rate 160 --burst 32 --time 0.5 --messages 200").unwrap();
        assert_eq!(
            (
                options_given.subs,
                options_given.burst,
                options_given.messages
            ),
            (20, 32, Some(200))
        );
        assert_eq!(options_given.time, Duration::from_millis(500));
        assert!(options("fanout --time=-1").unwrap_err().contains("--time"));
        assert!(
            options("fanout --dialect json")
                .unwrap_err()
                .contains("centrifuge-json")
        );
        assert!(options("race").is_err());
    }

    #[test]
    fn progress_names_failures_only_if_there_are_some() {
        let mut progress = Progress {
            elapsed: Duration::from_millis(1500),
            ready: 9,
            connections: 10,
            failed: 0,
            publications: 2,
            deliveries: 18,
        };
        assert_eq!(
            line(&progress),
            "   1.5 s  9 of 10 connections  2 publications  18 deliveries"
        );
        progress.failed = 1;
        assert!(line(&progress).contains("10 connections (1 failed)  2"));
    }
}
