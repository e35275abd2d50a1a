//! The client against a real server over routes that break, and against servers that do not keep to the protocol.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod disk;
mod hostile;
mod narrow;
mod peer;
mod proxy;
mod routes;
mod server;
mod usual;
mod wait;
