//! Who looks at the first bytes of a socket and says what it is.

use std::fmt;

use crate::connection::Opening;
use crate::link::handover::Handover;
use crate::listener::Role;

/// Bytes of a request's head, at most.
pub const MAX_HEAD: usize = 16 << 10;

/// Looks at the beginning of a connection. Called on the worker's thread: it must not wait.
pub trait Reception: Send + Sync + fmt::Debug {
    /// Decides from what has come so far by a listener of this role. Of more than [`MAX_HEAD`] bytes it decides for good.
    fn receive(&self, received: &[u8], role: Role) -> Decision;

    /// Takes a connection that is not for a worker.
    fn pass_on(&self, handover: Handover);
}

/// What a socket is.
#[derive(Debug)]
pub enum Decision {
    /// More bytes are needed to tell.
    Incomplete,
    /// A client; its request took the first `consumed` bytes.
    Open {
        /// How to speak with it.
        opening: Box<Opening>,
        /// Bytes of the request.
        consumed: usize,
    },
    /// Nobody we want: answered with these bytes, and closed.
    Refuse(Vec<u8>),
    /// Other HTTP.
    PassOn,
}
