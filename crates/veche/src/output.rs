//! Lines for people: answers on standard output, warnings on standard error.

use std::io::Write;

use crate::failure::Failure;

/// Writes one line to standard output.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Writes each warning to standard error. A warning that cannot be written is lost.
pub(crate) fn warnings(warnings: &[String]) {
    let mut out = std::io::stderr().lock();
    for warning in warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
}
