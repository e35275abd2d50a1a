//! The configuration of the server: a file, variables and flags become one checked [`Config`].
//!
//! Flags have precedence over `VECHE_*` variables, these over `CENTRIFUGO_*` variables, and these over the file. Every
//! key is declared once, in [`schema`]: the names of variables and flags, the defaults and the search for unknown keys
//! are derived from the declaration.
//!
//! This crate reads text and opens nothing: no file, no socket. Some values belong to another crate, for example a
//! public key or a pattern for origins. The server passes a [`load::Check`] for each of these to [`Config::load`].

pub mod load;

pub mod schema;
mod section;
pub mod setting;
pub mod value;
mod variable;

mod duration;
mod environment;
mod file;
pub mod findings;
pub mod flags;
mod short;

pub mod origin;
pub mod table;

mod commercial;
mod demo;
pub mod support;
mod validate;

#[cfg(test)]
mod tests;

pub use crate::load::{ConfigError, File, Loaded, Sources};
pub use crate::schema::Config;
