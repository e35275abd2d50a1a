//! A connection on its way between a worker and whoever speaks other HTTP with it.

use bytes::Bytes;

use super::Link;
use crate::listener::Role;

// Tokio has no sockets where its synchronization is modelled.
#[cfg(not(loom))]
mod stream;
#[cfg(not(loom))]
pub use stream::Stream;

/// A connection that one side gives away, with what it has read and not used.
#[derive(Debug)]
pub struct Handover {
    link: Link,
    received: Bytes,
    role: Role,
}

impl Handover {
    pub(crate) fn new(link: Link, received: Vec<u8>, role: Role) -> Self {
        Self {
            link,
            received: received.into(),
            role,
        }
    }

    /// What the listener is for by which it came.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The link, what was read from it, and its role.
    pub(crate) fn into_parts(self) -> (Link, Vec<u8>, Role) {
        (self.link, self.received.into(), self.role)
    }
}
