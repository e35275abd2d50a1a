//! The veche binary: reads the command line, does one thing, and says in words how it went.

mod allocator;
mod bench;
mod checkconfig;
mod checktoken;
mod cli;
mod data_folder;
mod demo;
mod doctor;
mod explain;
mod failure;
mod genconfig;
mod gensubtoken;
mod gentoken;
mod open_files;
mod output;
mod private_file;
mod serve;
mod signals;
mod sources;
mod start;
mod store;
#[cfg(test)]
mod testing;
#[cfg(feature = "tools")]
mod tools;
mod version;
#[cfg(not(feature = "tools"))]
mod without_tools;

use std::process::ExitCode;

use crate::cli::{Command, Invocation};
use crate::failure::Failure;
#[cfg(not(feature = "tools"))]
use crate::without_tools as tools;

fn main() -> ExitCode {
    allocator::configure();
    let arguments = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match cli::parse(arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(invocation: Invocation) -> Result<(), Failure> {
    let Invocation {
        command,
        config_args,
    } = invocation;
    match command {
        Command::Serve => serve::run(&config_args),
        Command::Demo(options) => demo::run(&config_args, &options),
        Command::Genconfig(options) => genconfig::run(&config_args, &options),
        Command::Checkconfig(options) => checkconfig::run(&config_args, &options),
        Command::Gentoken(options) => gentoken::run(&config_args, &options),
        Command::Gensubtoken(options) => gensubtoken::run(&config_args, &options),
        Command::Checktoken(options) => {
            checktoken::run(&config_args, &options, checktoken::Kind::Connection)
        }
        Command::Checksubtoken(options) => {
            checktoken::run(&config_args, &options, checktoken::Kind::Subscription)
        }
        Command::Explain(options) => explain::run(&config_args, &options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Backup(options) => store::backup(&config_args, &options.folder),
        Command::Restore(options) => store::restore(&config_args, &options.folder),
        Command::Store(options) => store::run(&config_args, options.command),
        Command::Bench(options) => bench::run(options),
        Command::Sub(options) => tools::run_sub(options),
        Command::Pub(options) => tools::run_pub(options),
        Command::Call(options) => tools::run_call(options),
        Command::History(options) => tools::run_history(options),
        Command::Presence(options) => tools::run_presence(options),
        Command::Version => version::run(),
    }
}
