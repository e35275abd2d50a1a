//! `veche version`.

use crate::failure::Failure;
use crate::output;

/// Prints name and version.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn run() -> Result<(), Failure> {
    output::line(concat!("veche ", env!("CARGO_PKG_VERSION")))
}
