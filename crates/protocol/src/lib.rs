//! The Centrifuge client protocol and the plain dialect: their messages, and how they are encoded.
//!
//! Words come first, then the sentences made of them, then the spellings of the sentences. Nothing here knows a
//! clock, a task or a socket.

// Words.
pub mod channel;
pub mod claims;
pub mod filter;
pub mod headers;
pub mod history;
pub mod idempotency;
pub mod identity;
pub mod payload;
pub mod position;
pub mod publication;

// Sentences.
pub mod command;
pub mod disconnect;
pub mod error_code;
pub mod push;
pub mod reply;

// Spellings.
pub mod batch;
pub mod decode_error;
pub mod delta;
pub mod json;
mod parts;
pub mod plain;
pub mod protobuf;
