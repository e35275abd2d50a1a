//! What a session weighs: a million subscriptions in one process, without sockets.
//!
//!     cargo run --release -p veche-micro --example million
//!
//! Each session is connected, and subscribed to channels in which it is alone: the dearest way. Each line is measured
//! in a process of its own, as growth of resident memory over an empty node.

use std::io::{self, Write};
use std::process::Command;

use veche_micro::client::{History, connect, simulation, subscribe};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Subscriptions in all.
const SUBSCRIPTIONS: usize = 1_000_000;
/// A page of memory, in bytes.
const PAGE: usize = 4096;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [each, history] = arguments.as_slice() {
        let history = if history == "on" {
            History::On
        } else {
            History::Off
        };
        return measure(each.parse().map_err(io::Error::other)?, history);
    }
    let mut out = io::stdout();
    writeln!(
        out,
        "subscriptions each  history   sessions  bytes/session  bytes/subscription"
    )?;
    for history in ["off", "on"] {
        for each in ["0", "1", "10", "100"] {
            let status = Command::new(std::env::current_exe()?)
                .args([each, history])
                .status()?;
            if !status.success() {
                return Err(io::Error::other("a measurement failed"));
            }
        }
    }
    Ok(())
}

fn measure(each: usize, history: History) -> io::Result<()> {
    let sessions = SUBSCRIPTIONS / each.max(1);
    let mut simulation = simulation(history);
    let before = resident()?;
    for session in 0..sessions {
        let slot = connect(&mut simulation);
        for subscription in 0..each {
            subscribe(
                &mut simulation,
                slot,
                &format!("user-{session}-{subscription}"),
            );
        }
        if session % 256 == 0 {
            simulation.turn();
        }
    }
    simulation.turn();
    let bytes = resident()?.saturating_sub(before);
    assert_eq!(simulation.population(), (sessions, sessions * each));
    let per_subscription = bytes.checked_div(sessions * each);
    writeln!(
        io::stdout(),
        "{each:18}  {:7}  {sessions:9}  {:13}  {:>18}",
        if history == History::On { "on" } else { "off" },
        bytes / sessions,
        per_subscription.map_or_else(String::new, |bytes| bytes.to_string()),
    )
}

/// Resident memory of this process, in bytes.
fn resident() -> io::Result<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).unwrap_or_default();
    Ok(pages.parse::<usize>().map_err(io::Error::other)? * PAGE)
}
