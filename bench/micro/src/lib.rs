//! Single operations of the hot path, each ready to be repeated: for `cargo bench` and for counting instructions.

pub mod client;
pub mod operations;
