//! The chat against a small server of its own: through its router and its database only.

#![expect(
    clippy::indexing_slicing,
    reason = "what is missing in an answer fails the test"
)]

mod server;
mod stage;

mod accounts;
mod changes;
mod interface;
mod members;
mod messages;
mod names;
mod reads;
mod rooms;
