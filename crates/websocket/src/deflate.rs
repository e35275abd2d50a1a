//! permessage-deflate without context takeover: each message is compressed on its own.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::close_code::ProtocolError;
use crate::frame::{self, Opcode};

/// What permessage-deflate came to in a handshake; neither side keeps context between messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// The window, as a power of two from 8 to 15, that what we send must be inflatable with.
    pub window_bits: u8,
}

impl Deflate {
    /// Whether this peer may be sent a compressed message that is `len` bytes before
    /// compression.
    ///
    /// A message no longer than the peer's window cannot refer back past it, so frames made by
    /// one [`Deflater`] suit every peer; a longer message goes uncompressed to a peer with a
    /// small window, as RFC 7692, section 6, allows.
    pub fn may_compress(self, len: usize) -> bool {
        self.window_bits >= MAX_WINDOW_BITS || len <= 1 << self.window_bits
    }
}

/// Compresses messages; one serves any number of connections.
pub struct Deflater {
    state: Compress,
    compressed: Vec<u8>,
}

impl Deflater {
    /// `level` is 1 (fast) to 9 (small); more is taken as 9. The state is some 300 KiB.
    pub fn new(level: u32) -> Self {
        Self {
            state: Compress::new(Compression::new(level.min(9)), false),
            compressed: Vec::new(),
        }
    }

    /// Appends the payload of a compressed message: what `message` deflates to, without the
    /// four bytes that every such payload would end with.
    ///
    /// # Source
    /// RFC 7692, section 7.2.1.
    pub fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) {
        self.state.reset();
        let mut rest = message;
        loop {
            // Room for the worst case, so that the first turn is the only one.
            out.reserve(rest.len() + rest.len() / 8 + 64);
            let before = self.state.total_in();
            self.state
                .compress_vec(rest, out, FlushCompress::Sync)
                .expect("a reset compressor takes any input");
            let taken = usize::try_from(self.state.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            if rest.is_empty() && out.len() < out.capacity() {
                break;
            }
        }
        debug_assert!(out.ends_with(&EMPTY_BLOCK));
        out.truncate(out.len() - EMPTY_BLOCK.len());
    }

    /// Appends a server's frame with `message` compressed, or as it is where compression does
    /// not make it smaller.
    pub fn write(&mut self, out: &mut Vec<u8>, opcode: Opcode, message: &[u8]) {
        let (payload, compressed) = self.smaller(message);
        let header = frame::header(opcode, compressed, payload.len());
        out.reserve(header.len() + payload.len());
        out.extend_from_slice(&header);
        out.extend_from_slice(payload);
    }

    /// As [`Deflater::write`], for a client.
    pub fn write_masked(
        &mut self,
        out: &mut Vec<u8>,
        opcode: Opcode,
        message: &[u8],
        key: [u8; 4],
    ) {
        let (payload, compressed) = self.smaller(message);
        frame::write_masked(out, opcode, compressed, payload, key);
    }

    /// The shorter of `message` and its compression, and whether that is the compression.
    fn smaller<'a>(&'a mut self, message: &'a [u8]) -> (&'a [u8], bool) {
        if message.len() <= NEVER_SMALLER {
            return (message, false);
        }
        let mut compressed = std::mem::take(&mut self.compressed);
        compressed.clear();
        compressed.shrink_to(KEPT);
        self.compress(message, &mut compressed);
        self.compressed = compressed;
        if self.compressed.len() < message.len() {
            (&self.compressed, true)
        } else {
            (message, false)
        }
    }
}

impl std::fmt::Debug for Deflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflater").finish_non_exhaustive()
    }
}

/// Inflates messages; one serves any number of connections.
#[derive(Debug, Default)]
pub(crate) struct Inflater {
    state: Option<Decompress>,
    out: Vec<u8>,
}

impl Inflater {
    /// Inflates one message; never writes much more than `max` bytes.
    ///
    /// # Errors
    /// 1009 if the message is longer than `max`, 1007 if it is not a complete deflate stream.
    /// # Source
    /// RFC 7692, section 7.2.2.
    pub(crate) fn inflate(
        &mut self,
        compressed: &[u8],
        max: usize,
    ) -> Result<&[u8], ProtocolError> {
        let state = self.state.get_or_insert_with(|| Decompress::new(false));
        state.reset(false);
        self.out.clear();
        let left = feed(state, &mut self.out, compressed, max)?;
        match left {
            // The peer ended its stream by a final block; RFC 7692, section 7.2.3.4, has one
            // empty byte follow it.
            Some([] | [0]) => {}
            Some(_) => return Err(NOT_DEFLATE),
            None => {
                // What the sender left out, and an end. A stream cut short does not reach that
                // end, or takes some of it for data.
                let len = self.out.len();
                let left = feed(state, &mut self.out, &TAIL, max)?;
                if left != Some(&[]) || self.out.len() != len {
                    return Err(NOT_DEFLATE);
                }
            }
        }
        Ok(&self.out)
    }

    /// Moves the message out that was inflated last.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Gives back what an unusually large message took.
    pub(crate) fn shrink(&mut self) {
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
    }
}

/// Inflates all of `input`, or up to the end of the stream; then yields what follows that end.
fn feed<'a>(
    state: &mut Decompress,
    out: &mut Vec<u8>,
    mut input: &'a [u8],
    max: usize,
) -> Result<Option<&'a [u8]>, ProtocolError> {
    loop {
        if out.len() > max {
            return Err(ProtocolError::TooBigInflated);
        }
        if out.len() == out.capacity() {
            let capacity = (2 * out.capacity())
                .max(input.len() * 4)
                .max(1024)
                .min(max.saturating_add(1));
            out.reserve_exact(capacity.saturating_sub(out.len()).max(1));
        }
        let before = state.total_in();
        let status = state.decompress_vec(input, out, FlushDecompress::None);
        let taken = usize::try_from(state.total_in() - before).unwrap_or(usize::MAX);
        input = input.get(taken..).unwrap_or_default();
        match status {
            Ok(Status::StreamEnd) if out.len() <= max => return Ok(Some(input)),
            Ok(Status::StreamEnd) => {}
            // Output may still be waiting inside when the room was used up.
            Ok(Status::Ok | Status::BufError) if input.is_empty() && out.len() < out.capacity() => {
                return Ok(None);
            }
            Ok(Status::BufError) if out.len() < out.capacity() => return Err(NOT_DEFLATE),
            Ok(_) => {}
            Err(_) => return Err(NOT_DEFLATE),
        }
    }
}

const NOT_DEFLATE: ProtocolError = ProtocolError::InvalidData("compressed data is broken");

/// The largest window of deflate: 32 KiB.
pub(crate) const MAX_WINDOW_BITS: u8 = 15;
/// The end of every flushed block, left out on the wire (RFC 7692, section 7.2.1).
const EMPTY_BLOCK: [u8; 4] = [0, 0, 0xff, 0xff];
/// The same, and an empty final block.
const TAIL: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];
/// Buffers are kept between messages up to this many bytes, the size of a usual message limit.
const KEPT: usize = 65536;
/// Messages up to this size never become shorter. A ping is one, and each attempt clears some 200 KiB of state.
const NEVER_SMALLER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inflate(compressed: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        Inflater::default()
            .inflate(compressed, 1 << 20)
            .map(<[u8]>::to_vec)
    }

    #[test]
    fn examples_of_the_rfc_are_inflated() {
        assert_eq!(
            inflate(b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
            Ok(b"Hello".to_vec())
        );
        let uncompressed_block = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
        assert_eq!(inflate(uncompressed_block), Ok(b"Hello".to_vec()));
        let final_block = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
        assert_eq!(inflate(final_block), Ok(b"Hello".to_vec()));
        let two_blocks = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
        assert_eq!(inflate(two_blocks), Ok(b"Hello".to_vec()));
        assert_eq!(inflate(b"\x00"), Ok(Vec::new()));
    }

    #[test]
    fn hello_is_compressed_as_in_the_rfc() {
        let mut out = b"kept".to_vec();
        Deflater::new(6).compress(b"Hello", &mut out);
        assert_eq!(out, b"kept\xf2\x48\xcd\xc9\xc9\x07\x00");
    }

    #[test]
    fn what_is_never_smaller_is_not_tried() {
        for byte in [0, b'a', 0xff] {
            for len in 0..=NEVER_SMALLER {
                let (message, mut out) = (vec![byte; len], Vec::new());
                let mut deflater = Deflater::new(9);
                deflater.compress(&message, &mut out);
                assert!(out.len() >= len, "{len} bytes became {}", out.len());
                assert_eq!(deflater.smaller(&message), (&*message, false));
            }
        }
    }

    #[test]
    fn broken_streams_are_refused() {
        for broken in [
            b"\xff\xff\xff".as_slice(),
            b"",
            b"\xf2\x48\xcd",
            b"\x00\x05\x00\xfa\xff\x48",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00more",
        ] {
            assert_eq!(inflate(broken), Err(NOT_DEFLATE), "{broken:02x?}");
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let mut bomb = Vec::new();
        Deflater::new(9).compress(&vec![0; 8 << 20], &mut bomb);
        assert!(bomb.len() < 10_000);
        let mut inflater = Inflater::default();
        let error = inflater.inflate(&bomb, 100_000).expect_err("a bomb");
        assert_eq!(error.close_code(), 1009);
        assert!(
            inflater.out.capacity() < 200_000,
            "{}",
            inflater.out.capacity()
        );
    }

    #[test]
    fn a_message_exactly_at_the_limit_is_accepted() {
        let mut compressed = Vec::new();
        Deflater::new(1).compress(&[7; 5000], &mut compressed);
        let mut inflater = Inflater::default();
        assert_eq!(
            inflater.inflate(&compressed, 5000).map(<[u8]>::len),
            Ok(5000)
        );
        assert_eq!(
            inflater
                .inflate(&compressed, 4999)
                .map_err(ProtocolError::close_code),
            Err(1009)
        );
        assert_eq!(
            inflater.inflate(&compressed, 5000).map(<[u8]>::len),
            Ok(5000)
        );
    }

    #[test]
    fn a_frame_that_would_grow_is_sent_as_it_is() {
        let mut out = Vec::new();
        Deflater::new(1).write(&mut out, Opcode::Text, b"abc");
        assert_eq!(out, b"\x81\x03abc");
        out.clear();
        Deflater::new(1).write(&mut out, Opcode::Text, &[b'a'; 100]);
        assert_eq!(out[0], 0xc1);
    }

    #[test]
    fn a_peer_with_a_small_window_gets_long_messages_uncompressed() {
        assert!(Deflate { window_bits: 15 }.may_compress(1 << 20));
        assert!(Deflate { window_bits: 9 }.may_compress(512));
        assert!(!Deflate { window_bits: 9 }.may_compress(513));
    }

    proptest! {
        #[test]
        fn what_is_compressed_is_inflated(
            message in proptest::collection::vec(0..4_u8, 0..5000),
            level in 0..10_u32,
        ) {
            let mut compressed = Vec::new();
            Deflater::new(level).compress(&message, &mut compressed);
            prop_assert_eq!(inflate(&compressed), Ok(message));
        }

        #[test]
        fn noise_is_inflated_within_the_limit_or_refused(
            noise in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let mut inflater = Inflater::default();
            let _ = inflater.inflate(&noise, 3000).map(<[u8]>::len);
            prop_assert!(inflater.out.capacity() <= 3002);
        }
    }
}
