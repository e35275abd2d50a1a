//! Which Veche this is.

/// The version of the server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
