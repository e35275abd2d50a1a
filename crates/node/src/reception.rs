//! Who looks at the first bytes of a socket and says what it is.

use std::fmt;
use std::net::TcpStream;

use crate::connection::Opening;

/// Bytes of a request's head; a longer one is answered with 431.
pub const MAX_HEAD: usize = 16 << 10;

/// Looks at the beginning of a connection. Called on the worker's thread: it must not wait.
pub trait Reception: Send + Sync + fmt::Debug {
    /// Decides from what has come so far.
    fn receive(&self, received: &[u8]) -> Decision;

    /// Takes a socket that is not for a worker, with what was read from it.
    fn pass_on(&self, socket: TcpStream, received: Vec<u8>);
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
    /// Its head has more than [`MAX_HEAD`] bytes.
    TooLarge,
    /// Nobody we want: answered with these bytes, and closed.
    Refuse(Vec<u8>),
    /// Other HTTP.
    PassOn,
}
