//! The spelling of the plain dialect, on the client's side: actions out, frames in.

mod action;
mod frame;
mod reader;

pub(crate) use action::{Verb, since};
pub use frame::ActionError;
pub(crate) use frame::{Announced, Frame, Reply, Welcome};
pub(crate) use reader::{Malformed, decode};
