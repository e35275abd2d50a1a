//! One frame: its header read and written, and whole frames appended to a buffer.

use std::ops::Deref;

use crate::close_code::ProtocolError;
use crate::mask;

/// Which end of the connection a [`crate::decoder::Decoder`] works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads masked frames, writes unmasked ones.
    Server,
    /// Reads unmasked frames, writes masked ones.
    Client,
}

/// What a frame is.
///
/// # Source
/// RFC 6455, section 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message that an earlier frame began.
    Continuation = 0,
    /// UTF-8.
    Text = 1,
    /// Bytes.
    Binary = 2,
    /// The last frame of its direction.
    Close = 8,
    /// To be answered by a pong with the same payload.
    Ping = 9,
    /// Answers a ping, or comes unasked.
    Pong = 10,
}

impl Opcode {
    /// Whether it is close, ping or pong: never fragmented, never over 125 bytes.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn parse(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }
}

/// The header of a server's final frame with `len` bytes of payload, ready to be sent before it.
///
/// `compressed` sets RSV1: the payload is what [`crate::deflate::Deflater::compress`] made.
pub fn header(opcode: Opcode, compressed: bool, len: usize) -> HeaderBytes {
    encode(opcode, compressed, len, None)
}

/// The header of a client's final frame, whose payload is then masked with `key` by
/// [`mask::apply`]; the key is as in [`write_masked`].
pub fn masked_header(opcode: Opcode, compressed: bool, len: usize, key: [u8; 4]) -> HeaderBytes {
    encode(opcode, compressed, len, Some(key))
}

/// Appends a server's frame.
pub fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    let header = header(opcode, false, payload.len());
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
}

/// Appends a client's frame, masked with `key`, which must be new and unpredictable each time.
///
/// `compressed` is as in [`header`].
///
/// # Source
/// RFC 6455, section 5.3.
pub fn write_masked(
    out: &mut Vec<u8>,
    opcode: Opcode,
    compressed: bool,
    payload: &[u8],
    key: [u8; 4],
) {
    let header = encode(opcode, compressed, payload.len(), Some(key));
    out.reserve(header.len() + payload.len());
    out.extend_from_slice(&header);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(key, 0, out.get_mut(start..).unwrap_or_default());
}

/// An encoded header: 2 to 14 bytes, without a heap.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderBytes {
    bytes: [u8; LONGEST],
    len: usize,
}

impl HeaderBytes {
    /// Appends as much of `bytes` as fits; a header never needs more.
    fn push(&mut self, bytes: &[u8]) {
        for (place, byte) in self.bytes.iter_mut().skip(self.len).zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
    }
}

impl Deref for HeaderBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

fn encode(opcode: Opcode, compressed: bool, len: usize, key: Option<[u8; 4]>) -> HeaderBytes {
    let mut header = HeaderBytes::default();
    let masked = if key.is_some() { MASKED } else { 0 };
    header.push(&[FIN | if compressed { RSV1 } else { 0 } | opcode as u8]);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < LENGTH_16 => header.push(&[masked | len]),
        (_, Ok(len)) => {
            header.push(&[masked | LENGTH_16]);
            header.push(&len.to_be_bytes());
        }
        _ => {
            header.push(&[masked | LENGTH_64]);
            header.push(&(len as u64).to_be_bytes());
        }
    }
    header.push(key.as_ref().map_or(&[], |key| key.as_slice()));
    header
}

/// A frame's header as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) rsv1: bool,
    pub(crate) opcode: Opcode,
    pub(crate) key: Option<[u8; 4]>,
    /// Bytes of payload; up to 2^63, not yet held against any limit.
    pub(crate) len: u64,
}

impl Header {
    /// Reads the header at the start of `input`, and how many bytes it took; `None` until all of
    /// it is there. What its first two bytes show to be wrong is refused without the rest. A
    /// length spelled longer than it needs to be is accepted.
    ///
    /// # Errors
    /// 1002 for whatever no state of the connection would make right.
    pub(crate) fn parse(input: &[u8], role: Role) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some((&[first, second], rest)) = input.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let opcode = Self::check(first, second, role)?;
        let (len, rest) = match second & LENGTH {
            LENGTH_16 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), rest),
                None => return Ok(None),
            },
            LENGTH_64 => match rest.split_first_chunk() {
                Some((len, rest)) => (u64::from_be_bytes(*len), rest),
                None => return Ok(None),
            },
            len => (u64::from(len), rest),
        };
        if len >> 63 != 0 {
            return Err(ProtocolError::Violation(
                "frame length with its highest bit set",
            ));
        }
        let (key, rest) = match (role, rest.split_first_chunk()) {
            (Role::Client, _) => (None, rest),
            (Role::Server, Some((key, rest))) => (Some(*key), rest),
            (Role::Server, None) => return Ok(None),
        };
        let header = Self {
            fin: first & FIN != 0,
            rsv1: first & RSV1 != 0,
            opcode,
            key,
            len,
        };
        Ok(Some((header, input.len() - rest.len())))
    }

    fn check(first: u8, second: u8, role: Role) -> Result<Opcode, ProtocolError> {
        if first & (RSV2 | RSV3) != 0 {
            return Err(ProtocolError::Violation("reserved bit set"));
        }
        let Some(opcode) = Opcode::parse(first & OPCODE) else {
            return Err(ProtocolError::Violation("unknown opcode"));
        };
        if opcode.is_control() && first & FIN == 0 {
            return Err(ProtocolError::Violation("fragmented control frame"));
        }
        if opcode.is_control() && second & LENGTH > CONTROL_LIMIT {
            return Err(ProtocolError::Violation("control frame over 125 bytes"));
        }
        match (role, second & MASKED != 0) {
            (Role::Server, false) => Err(ProtocolError::Violation("client frame without a mask")),
            (Role::Client, true) => Err(ProtocolError::Violation("server frame with a mask")),
            _ => Ok(opcode),
        }
    }
}

/// Two bytes, a length of eight, a key of four.
pub(crate) const LONGEST: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2: u8 = 0x20;
const RSV3: u8 = 0x10;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// The length follows in 16 bits.
const LENGTH_16: u8 = 126;
/// The length follows in 64 bits.
const LENGTH_64: u8 = 127;
const CONTROL_LIMIT: u8 = 125;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc_are_written_byte_for_byte() {
        let mut out = Vec::new();
        write(&mut out, Opcode::Text, b"Hello");
        assert_eq!(out, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        out.clear();
        write_masked(
            &mut out,
            Opcode::Text,
            false,
            b"Hello",
            [0x37, 0xfa, 0x21, 0x3d],
        );
        assert_eq!(
            out,
            [
                0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
            ]
        );
        assert_eq!(
            *header(Opcode::Binary, false, 256),
            [0x82, 0x7e, 0x01, 0x00]
        );
        assert_eq!(
            *header(Opcode::Binary, false, 65536),
            [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]
        );
    }

    #[test]
    fn the_length_takes_the_shortest_spelling() {
        for (len, expected) in [(0, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)] {
            assert_eq!(header(Opcode::Text, true, len).len(), expected, "{len}");
        }
    }

    #[test]
    fn a_written_header_is_read_back() {
        for len in [0, 1, 125, 126, 255, 256, 65535, 65536, 1 << 30] {
            let bytes = encode(Opcode::Binary, true, len, Some([1, 2, 3, 4]));
            let expected = Header {
                fin: true,
                rsv1: true,
                opcode: Opcode::Binary,
                key: Some([1, 2, 3, 4]),
                len: len as u64,
            };
            assert_eq!(
                Header::parse(&bytes, Role::Server),
                Ok(Some((expected, bytes.len())))
            );
            for cut in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..cut], Role::Server), Ok(None));
            }
        }
    }

    #[test]
    fn a_length_with_its_highest_bit_set_is_refused() {
        let frame = [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(
            Header::parse(&frame, Role::Client),
            Err(ProtocolError::Violation(_))
        ));
    }
}
