//! The doors through which clients come.
//!
//! A door looks at the head of a request and says how the client is to be spoken with; the worker does the rest.
//! What a client says is never looked at here.

pub mod doors;
pub mod head;
pub mod host;
pub mod host_header;
pub mod origin;
mod plain;
pub mod reception;
pub mod refusal;
pub mod refusals;
