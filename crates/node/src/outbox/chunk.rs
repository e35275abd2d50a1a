//! A piece of what short writes leave behind for a client.

use bytes::Bytes;

/// Whole messages that wait.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    /// The client asked for them.
    pub(super) is_reply: bool,
    /// The bytes are this chunk's own; else they are part of a run.
    pub(super) is_copied: bool,
}

impl Chunk {
    /// Bytes of memory that are this chunk's own.
    pub(super) fn copied(&self) -> usize {
        if self.is_copied { self.bytes.len() } else { 0 }
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> Self {
        Self {
            bytes: self.bytes.slice(start..end),
            ..*self
        }
    }
}
