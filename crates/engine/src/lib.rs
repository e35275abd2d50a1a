//! Channel traffic and presence: the cluster's side of the server.
//!
//! An engine never sees a session. Whatever it has to tell comes back through the [`sink::Sink`] that the node gives it.

pub mod pending;

pub mod broker;
pub mod presence;
pub mod sink;

pub mod memory;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
