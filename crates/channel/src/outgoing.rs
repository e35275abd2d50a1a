//! Bytes that wait to be written.

/// Frames in the order in which they are sent.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    /// Bytes that were not written yet.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Where frames are appended.
    pub(crate) fn end(&mut self) -> &mut Vec<u8> {
        // What was sent is moved out of the way once it is the larger part.
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.bytes
    }

    /// Notes that `count` bytes more were written.
    pub(crate) fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.sent = 0;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
    }
}

/// Bytes of a buffer that an idle channel keeps for its next short message.
const KEPT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_in_part_is_written_on_and_a_large_buffer_is_given_back() {
        let mut outgoing = Outgoing::default();
        outgoing.end().extend_from_slice(&[1; 1000]);
        outgoing.advance(600);
        outgoing.end().extend_from_slice(&[2; 10]);
        assert_eq!(outgoing.unsent(), [[1; 400].as_slice(), &[2; 10]].concat());
        outgoing.advance(410);
        assert!(outgoing.is_empty());
        assert_eq!(outgoing.bytes.capacity(), 0);
    }
}
