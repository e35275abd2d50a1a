//! A chat on Veche: rooms, history, people, and nothing lost.
//!
//! It is an application like any other: it knows a server's address, an API key and a token
//! secret, and uses public interfaces alone. [`open`] gives a [`Chat`]; its router carries the page
//! at `/`, its assets below `/chat/assets/` and the interface of the page (and of `curl`) below
//! `/chat/api/`.
//!
//! # The way of a message
//!
//! 1. The page makes a *message id* (a UUID), keeps the message in its own outbox, which survives a
//!    reload, and posts it until it is answered. The id is a unique key: a resend is the same message.
//! 2. One SQLite transaction gives it a *server id* (`seq`, the order within its room), stores it and
//!    puts its publications into the outbox table.
//! 3. The room's publisher sends the rows in their order to the server's `publish`, the message id as
//!    idempotency key, and deletes them once they are taken. At a start, rows left behind go first.
//! 4. The server gives the publication a *stream offset* and delivers it; clients merge what they
//!    get from the answer, the channel, recovery and history by the message id.
//!
//! So nothing is stored that is not published, and nothing published that is not stored.

pub mod limits;
mod words;

mod channels;
mod error;
mod hosts;
mod token;

mod api_client;
mod store;

mod announcer;
mod bot;
mod publisher;
mod rates;

mod assets;
mod http;

mod chat;

pub use channels::namespaces;
pub use chat::{Chat, ChatConfig, open};
pub use error::{ChatError, StoreError};
pub use hosts::Hosts;
