//! The official SDK of the Centrifuge protocol against our server, and what it does otherwise than one expects.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod faults;
mod hearing;
mod peer;
#[path = "../../../client/tests/whole/proxy.rs"]
mod proxy;
mod routes;
mod server;
mod tokens;
mod usual;
