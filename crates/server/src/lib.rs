//! The whole server, wired.

pub mod config;

pub mod explain;
pub mod listener;
pub mod logging;
pub mod server;

mod authority;
mod backend;
mod cursor;
mod drain;
mod fetch;
mod grpc;
mod http;
mod index;
mod jwks;
mod metrics;
mod path;
mod replayed;
mod rules;
mod stall;
mod tokens;
