//! The bodies of the fuzz targets: each takes any bytes, and panics when something is wrong.
//!
//! The folder `fuzz` gives them to libFuzzer; `tests/corpus.rs` runs them on stable Rust, over the corpus and over
//! mutations of it. A target is a function of bytes alone: what fails once fails again.

pub mod api;
pub mod channel;
pub mod client;
pub mod commands;
pub mod config;
pub mod delta;
pub mod frames;
pub mod head;
pub mod tokens;

#[cfg(unix)]
pub mod conversation;

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets. `fuzz/corpus` has a folder for each.
pub const TARGETS: &[Target] = &[
    ("frames", frames::run),
    ("head", head::run),
    ("channel", channel::run),
    ("client", client::run),
    ("json_commands", commands::json),
    ("protobuf_commands", commands::protobuf),
    ("plain_actions", commands::plain),
    ("filter", commands::filter),
    ("token", tokens::token),
    ("claims", tokens::claims),
    ("api", api::run),
    ("config", config::run),
    ("delta", delta::run),
    #[cfg(unix)]
    ("conversation", conversation::run),
];
