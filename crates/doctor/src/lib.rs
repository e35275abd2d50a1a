//! Looks at a deployment from outside, as a client does, and says in plain words what is wrong and what to change.
//!
//! It knows no more of the server than any client: an address. Everything between the two is looked at with it:
//! names, networks, certificates, proxies. One thread and blocking sockets are enough for one client.

pub mod check;
pub mod examine;
pub mod target;

pub use tls::authorities;

// What a client does.
mod conversation;
mod http;
mod tls;
mod wire;

// What is said about it.
mod advice;
