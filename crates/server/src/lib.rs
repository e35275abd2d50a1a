//! The whole server, wired.

pub mod config;
