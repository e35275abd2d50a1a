//! `veche`: the server.

use crate::cli::ConfigArgs;
use crate::failure::Failure;
use crate::sources::{self, Purpose};
use crate::start;

/// Runs the server until it is told to stop.
///
/// # Errors
/// A configuration that is wrong, or a server that cannot start.
pub(crate) fn run(config_args: &ConfigArgs) -> Result<(), Failure> {
    start::server(sources::load(config_args, Purpose::Serve)?)
}
