//! What `veche sub`, `pub`, `call`, `history` and `presence` do: one function for each command.
//!
//! Each connects by the Centrifuge protocol or in the plain dialect, prints lines for people or JSON for scripts, and
//! says by an [`exit::Exit`] how it went. The command line itself is the binary's.

pub mod address;
pub mod connection;
pub mod exit;
pub mod position;
pub mod printer;
pub mod token;

pub mod call;
pub mod history;
pub mod presence;
pub mod publish;
pub mod subscribe;

mod centrifuge;
mod event;
mod interrupt;
mod link;
mod payload;
mod plain;
mod question;
mod queue;
mod request;
mod request_failure;
mod text;
