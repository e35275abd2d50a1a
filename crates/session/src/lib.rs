//! One client's conversation as a pure state machine.
//!
//! Commands, answers, deliveries, orders and time go in; effects come out. There is no clock, no runtime, no socket
//! and no encoding here, so a test is a list of inputs and a list of effects.

// The conversation and its vocabulary.
pub mod application;
pub mod driver;
pub mod effect;
pub mod order;
pub mod profile;
pub mod question;
pub mod rules;
pub mod session;
pub mod turn;

// Shared by all commands.
pub mod authorities;
pub mod limits;
pub mod namespace;
pub mod permission;
pub mod refusal;
pub mod rule;
mod timers;

// Subscriptions.
mod making;
mod recovery;
mod subscription;

// One file a command.
mod connect;
mod history;
mod personal;
mod ping;
mod presence;
mod publish;
mod publish_queue;
mod refresh;
mod rpc;
mod send;
mod subscribe;
mod unsubscribe;

// The plain dialect.
pub mod plain;

// The same decisions, explained step by step.
pub mod explain;

#[cfg(test)]
mod tests;
