//! A link for tests: it takes as many bytes as the test allows, and shows what it took.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::link::Link;

/// The reader's end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metered(Arc<Mutex<Pipe>>);

#[derive(Debug, Default)]
struct Pipe {
    room: usize,
    got: Vec<u8>,
    /// Somebody wanted to write more than there was room for.
    is_waited_for: bool,
    is_broken: bool,
}

impl Metered {
    /// A reader that takes `room` bytes for now.
    pub(crate) fn new(room: usize) -> Self {
        let pipe = Self::default();
        pipe.0.lock().room = room;
        pipe
    }

    /// The writer's end.
    pub(crate) fn link(&self) -> Link {
        Link::Metered(self.clone())
    }

    /// Takes `room` bytes more. Returns whether the event loop would tell the writer.
    pub(crate) fn allow(&self, room: usize) -> bool {
        let mut pipe = self.0.lock();
        pipe.room = pipe.room.saturating_add(room);
        pipe.room > 0 && std::mem::take(&mut pipe.is_waited_for)
    }

    /// Every write fails from now on.
    pub(crate) fn break_off(&self) {
        self.0.lock().is_broken = true;
    }

    /// What has arrived.
    pub(crate) fn got(&self) -> Vec<u8> {
        self.0.lock().got.clone()
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.lock();
        if pipe.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(pipe.room);
        pipe.is_waited_for |= count < bytes.len();
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        pipe.room -= count;
        pipe.got.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    pub(crate) fn write_vectored(&self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let whole: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        self.write(&whole)
    }
}
