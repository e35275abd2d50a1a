//! The Centrifuge dialect in Protobuf.
//!
//! Written by hand: what is sent needs no copies, and what is read is bounded by what came. The tests hold it against
//! an independent implementation.

mod decode;
mod encode;
mod reader;
mod writer;

pub use decode::decode_command;
pub use encode::{
    encode_bare_publication_push, encode_bare_push, encode_publication_push, encode_push,
    encode_reply, encode_told,
};
pub use reader::split_length;
pub use writer::push_length;
