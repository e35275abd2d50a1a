//! Where a checked configuration becomes a running server.

use std::path::Path;

use veche_server::config::Loaded;

use crate::failure::Failure;
use crate::output;

/// Starts the server.
///
/// # Errors
/// A server that cannot start.
pub(crate) fn server(loaded: Loaded) -> Result<(), Failure> {
    output::warnings(&loaded.warnings);
    Err(Failure::new("this build has no server"))
}

/// Starts the server with the chat, whose messages are kept in `data`.
///
/// # Errors
/// A server that cannot start.
pub(crate) fn demo(loaded: Loaded, data: Option<&Path>) -> Result<(), Failure> {
    output::warnings(&loaded.warnings);
    let place = data.map_or_else(String::new, |data| format!(" for {}", data.display()));
    Err(Failure::new(format!("this build has no chat{place}")))
}
