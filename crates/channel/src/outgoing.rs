//! Bytes that wait to be written.

use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Frames in the order in which they are sent: short ones in a buffer, and behind them the payload
/// of a large one, which is written from where it lies.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    large: Bytes,
}

impl Outgoing {
    /// Bytes that were not written yet.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.sent + self.large.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was not written, as one or two slices.
    pub(crate) fn unsent(&self) -> [IoSlice<'_>; 2] {
        let short = self.bytes.get(self.sent..).unwrap_or_default();
        [IoSlice::new(short), IoSlice::new(&self.large)]
    }

    /// Where frames are appended.
    pub(crate) fn end(&mut self) -> &mut Vec<u8> {
        // What was sent is moved out of the way once it is the larger part.
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        if !self.large.is_empty() {
            self.bytes.extend_from_slice(&self.large);
            self.large = Bytes::new();
        }
        &mut self.bytes
    }

    /// Appends a frame with a large payload.
    pub(crate) fn push(&mut self, header: &[u8], payload: Bytes) {
        self.end().extend_from_slice(header);
        self.large = payload;
    }

    /// Notes that `count` bytes more were written.
    pub(crate) fn advance(&mut self, count: usize) {
        let short = count.min(self.bytes.len() - self.sent);
        self.sent += short;
        self.large.advance((count - short).min(self.large.len()));
        if self.is_empty() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.sent = 0;
        self.large = Bytes::new();
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

    fn unsent(outgoing: &Outgoing) -> Vec<u8> {
        outgoing
            .unsent()
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    #[test]
    fn what_was_written_in_part_is_written_on_and_a_large_buffer_is_given_back() {
        let mut outgoing = Outgoing::default();
        outgoing.end().extend_from_slice(&[1; 1000]);
        outgoing.advance(600);
        outgoing.end().extend_from_slice(&[2; 10]);
        assert_eq!(unsent(&outgoing), [[1; 400].as_slice(), &[2; 10]].concat());
        outgoing.advance(410);
        assert!(outgoing.is_empty());
        assert_eq!(outgoing.bytes.capacity(), 0);
    }

    #[test]
    fn large_payloads_keep_their_place_between_other_frames() {
        let mut outgoing = Outgoing::default();
        let mut expected = Vec::new();
        for n in 1..6_u8 {
            outgoing.end().push(n);
            outgoing.push(&[n; 2], vec![n; 300].into());
            expected.extend_from_slice(&[n; 303]);
        }
        let mut written = Vec::new();
        while !outgoing.is_empty() {
            assert_eq!(outgoing.len(), expected.len() - written.len());
            let next: Vec<u8> = unsent(&outgoing).into_iter().take(7).collect();
            outgoing.advance(next.len());
            written.extend(next);
        }
        assert_eq!(written, expected);
    }
}
