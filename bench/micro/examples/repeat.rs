//! Repeats one operation, for tools that count: `repeat NAME TIMES`; without arguments it names them all.

use std::io::{self, Write};
use std::process::ExitCode;

use veche_micro::operations::OPERATIONS;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(wanted), Some(times)) = (arguments.next(), arguments.next()) else {
        for (name, _) in OPERATIONS {
            // Nobody listens: nothing to be done.
            let _ = writeln!(io::stdout(), "{name}");
        }
        return ExitCode::SUCCESS;
    };
    let operation = OPERATIONS.iter().find(|(name, _)| *name == wanted);
    let (Some((_, prepare)), Ok(times)) = (operation, times.parse::<u32>()) else {
        return ExitCode::FAILURE;
    };
    let mut step = prepare();
    for _ in 0..times {
        step();
    }
    // What comes down with the process is not part of it.
    std::process::exit(0)
}
