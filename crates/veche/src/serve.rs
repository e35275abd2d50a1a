//! `veche`: the server.

use crate::cli::Place;
use crate::failure::Failure;
use crate::sources::{self, Purpose};
use crate::start;

/// Runs the server until it is told to stop.
///
/// # Errors
/// A configuration that is wrong, or a server that cannot start.
pub(crate) fn run(place: &Place) -> Result<(), Failure> {
    start::server(sources::load(place, Purpose::Serve)?)
}
