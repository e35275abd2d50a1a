//! The whole server, wired.

pub mod configuration;
mod keys;
mod origins;
mod rules;

pub mod authority;
mod fetch;
pub mod issue;
mod jwks;
mod tokens;

pub mod explain;

pub mod engine;
pub mod listener;
pub mod logging;
pub mod server;

mod backend;
mod cursor;
mod drain;
mod grpc;
mod http;
mod index;
mod metrics;
mod path;
mod stall;
mod version;
