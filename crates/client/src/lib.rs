#![doc = include_str!("../README.md")]

mod data;
mod position;
mod publication;
mod state;
mod wire;

pub mod machine;

#[cfg(feature = "tokio")]
mod client;

#[cfg(feature = "tokio")]
mod outbox_file;

#[cfg(feature = "tokio")]
pub use client::{
    Builder, Client, GetHistory, History, Outcome, PresenceStats, Publish, Published, Receipt,
    StartError, Subscribe, Subscription,
};
#[cfg(feature = "tokio")]
pub use outbox_file::OutboxError;

pub use data::Data;
pub use machine::{
    Recovery, SubscribeError, SubscriptionEvent, TokenError, TokenReason, TokenRequest,
    WhenUncertain,
};
pub use position::{InvalidPosition, Position};
pub use publication::{ClientInfo, Publication};
pub use state::{Cause, End, PublishError, RequestError, State, SubscriptionEnd};
pub use wire::ActionError;

/// The examples of the documentation's page on this crate.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../../docs/rust-client.md")]
struct Documentation;
