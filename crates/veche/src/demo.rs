//! `veche demo`: the chat on this machine.

use crate::cli::{DemoOptions, Place};
use crate::failure::Failure;
use crate::sources::{self, Purpose};
use crate::start;

/// Runs the server and the chat until it is told to stop.
///
/// # Errors
/// A configuration that is wrong, or a server that cannot start.
pub(crate) fn run(place: &Place, options: &DemoOptions) -> Result<(), Failure> {
    start::demo(
        sources::load(place, Purpose::Demo)?,
        options.data.as_deref(),
    )
}
