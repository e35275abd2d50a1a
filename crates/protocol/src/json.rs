//! The Centrifuge dialect in JSON.
//!
//! Bytes are those of the reference server: the order of fields, what is left out, what is escaped.

mod decode;
mod encode;
pub(crate) mod object;
pub mod raw;
pub(crate) mod reader;
pub mod text;

pub use decode::decode_command;
pub use encode::{
    encode_bare_publication_push, encode_bare_push, encode_publication, encode_publication_push,
    encode_push, encode_reply, encode_told,
};
