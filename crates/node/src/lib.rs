//! Many conversations on one server: workers, the hub, the fan-out, and the node that holds them together.
//!
//! A [`node::Node`] starts workers. A worker owns sockets, sessions and outboxes; it learns of the world through its
//! inbox. Read in this order: `node`, `worker` (the turns, and in its folder a connection's life), `questions` and
//! `notices` (what sessions ask and tell), `hub`, `fanout`, `outbox`.

pub mod node;

pub mod life;

pub mod connection;
pub mod counters;
pub mod emulation;
pub mod framing;
pub mod gate;
pub mod inquiry;
pub mod listener;
pub mod listing;
pub mod reception;
pub mod refusal_log;

pub mod authority;
pub mod backend;
pub mod nodes;

mod application;
mod apps;
mod asked;
mod clock;
mod cluster;
mod compared;
mod context;
mod encoder;
mod fanout;
mod format;
mod hub;
pub mod inbox;
mod interest;
mod line_budget;
pub mod link;
mod notices;
mod outbox;
mod pending_input;
mod printable;
mod questions;
mod requests;
mod shortage;
mod sink;
mod start;
mod sync;
mod tasks;
mod trouble_log;
mod users;
mod wheel;
mod worker;

#[doc(hidden)]
pub mod simulate;

#[cfg(test)]
mod sizes;
