//! How the server loads its configuration: each value is also checked by the part of the server that uses it.

use veche_config::{Config, ConfigError, Loaded, Sources};

use crate::{keys, origins};

#[cfg(test)]
mod extremes;

/// Loads a configuration that the server can start with.
///
/// # Errors
/// All that [`Config::load`] refuses, keys for tokens that cannot be used, and origins that are not patterns.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    Config::load(sources, &[keys::check, origins::check])
}
