//! A message or control frame that has not come whole: its bytes so far.

use crate::close_code::ProtocolError;
use crate::frame::{self, Header, Opcode, Role};
use crate::mask;
use crate::utf8;

/// What a peer may ask of our memory. Shared by many connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one message on the wire, all its frames together.
    pub max_message: usize,
    /// Bytes of one message after it was inflated.
    pub max_inflated: usize,
}

/// All that a connection keeps between two reads, and only while something is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Incomplete {
    header: PartialHeader,
    /// The frame whose payload is still coming, and how many bytes of it have come.
    frame: Option<(Header, usize)>,
    control: Vec<u8>,
    message: Option<Message>,
}

/// A message or control frame put together from pieces.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) opcode: Opcode,
    pub(crate) compressed: bool,
    pub(crate) payload: Vec<u8>,
}

/// The buffer of a message, lent to be read into.
#[derive(Debug)]
pub struct Loan {
    /// The message so far, to be appended to.
    pub buffer: Vec<u8>,
    /// Bytes that may be appended; the buffer has room for them. What is appended beyond is
    /// dropped.
    pub room: usize,
    /// Bytes of the message before anything was appended.
    len: usize,
}

/// Bytes that a buffer may be larger than what has come, when it is lent: a round trip of the
/// socket's buffer for a usual message. A larger one grows to twice what has come.
const AHEAD: usize = 64 << 10;

impl Incomplete {
    /// Lends the buffer of the message under way.
    pub(crate) fn lend(&mut self, least: usize) -> Option<Loan> {
        let (header, offset) = self.frame?;
        let left = usize::try_from(header.len).unwrap_or(usize::MAX) - offset;
        let message = self.message.as_mut()?;
        if header.opcode.is_control() || left < least {
            return None;
        }
        let mut buffer = std::mem::take(&mut message.payload);
        let len = buffer.len();
        let room = left.min(len.max(AHEAD));
        buffer.reserve_exact(room);
        Some(Loan { buffer, room, len })
    }

    /// Takes a lent buffer back; yields the message if it is whole now.
    pub(crate) fn give_back(&mut self, loan: Loan) -> Result<Option<Assembled>, ProtocolError> {
        let Loan {
            mut buffer,
            room,
            len,
        } = loan;
        buffer.truncate(len + room);
        let (Some((header, offset)), Some(message)) = (self.frame, self.message.as_mut()) else {
            return Ok(None);
        };
        let piece = buffer.get_mut(len..).unwrap_or_default();
        let arrived = offset + piece.len();
        if let Some(key) = header.key {
            mask::apply(key, offset, piece);
        }
        message.payload = buffer;
        message.check()?;
        if arrived as u64 != header.len {
            self.frame = Some((header, arrived));
            return Ok(None);
        }
        self.frame = None;
        Ok(self.finish(header))
    }

    /// The message, if its last frame was `header`'s.
    fn finish(&mut self, header: Header) -> Option<Assembled> {
        let message = self.message.take_if(|_| header.fin)?;
        Some(Assembled {
            opcode: message.opcode,
            compressed: message.compressed,
            payload: message.payload,
        })
    }

    /// The frame whose payload is still coming, and how much of it has come; to be given back to
    /// [`Incomplete::take`] with the next piece.
    pub(crate) fn take_frame(&mut self) -> Option<(Header, usize)> {
        self.frame.take()
    }

    pub(crate) fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// Whether a header ended with the input before it did.
    pub(crate) fn has_partial_header(&self) -> bool {
        self.header.len > 0
    }

    /// Keeps the beginning of a header; takes from `input` only what the header needs.
    pub(crate) fn complete_header(
        &mut self,
        input: &[u8],
        role: Role,
    ) -> Result<Option<(Header, usize)>, ProtocolError> {
        for (taken, byte) in input.iter().enumerate() {
            self.header.push(*byte);
            if let Some((header, _)) = Header::parse(self.header.bytes(), role)? {
                self.header = PartialHeader::default();
                return Ok(Some((header, taken + 1)));
            }
        }
        Ok(None)
    }

    /// Takes a piece of the payload of `header`, already unmasked, that begins at `offset`;
    /// yields what became whole by it.
    ///
    /// # Errors
    /// 1007 as soon as a text cannot be UTF-8 any more.
    pub(crate) fn take(
        &mut self,
        header: Header,
        offset: usize,
        piece: &[u8],
        limits: &Limits,
    ) -> Result<Option<Assembled>, ProtocolError> {
        let arrived = offset + piece.len();
        let is_last = arrived as u64 == header.len;
        self.frame = if is_last {
            None
        } else {
            Some((header, arrived))
        };
        if piece.is_empty() && !is_last {
            // Only the header has come. The message begins with its first byte: until then the
            // frame may still be found whole in the next input.
            return Ok(None);
        }
        if header.opcode.is_control() {
            self.control.extend_from_slice(piece);
            return Ok(is_last.then(|| Assembled {
                opcode: header.opcode,
                compressed: false,
                payload: std::mem::take(&mut self.control),
            }));
        }
        let message = self.message.get_or_insert_with(|| Message::begin(header));
        // Where the message ends, as far as this header tells.
        let rest = usize::try_from(header.len).unwrap_or(usize::MAX) - offset;
        let announced = if header.fin {
            message.len().saturating_add(rest)
        } else {
            limits.max_message
        };
        message.append(piece, announced)?;
        Ok(if is_last { self.finish(header) } else { None })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frame.is_none() && self.message.is_none() && self.header.len == 0
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let message = self
            .message
            .as_ref()
            .map_or(0, |message| message.payload.capacity());
        size_of::<Self>() + self.control.capacity() + message
    }
}

/// The data frames of one message, joined.
#[derive(Debug)]
pub(crate) struct Message {
    opcode: Opcode,
    compressed: bool,
    payload: Vec<u8>,
    utf8: utf8::Progress,
}

impl Message {
    fn begin(header: Header) -> Self {
        Self {
            opcode: header.opcode,
            compressed: header.rsv1,
            payload: Vec::new(),
            utf8: utf8::Progress::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.payload.len()
    }

    /// Appends a piece of a message that will not be longer than `announced`.
    fn append(&mut self, piece: &[u8], announced: usize) -> Result<(), ProtocolError> {
        // Grows with what has come, not with what a header promises: at most to its double.
        let len = self.payload.len();
        let needed = len + piece.len();
        if needed > self.payload.capacity() {
            let capacity = needed.max((2 * needed).min(announced));
            self.payload.reserve_exact(capacity - len);
        }
        self.payload.extend_from_slice(piece);
        self.check()
    }

    /// Checks what was appended.
    fn check(&mut self) -> Result<(), ProtocolError> {
        if self.opcode == Opcode::Text && !self.compressed {
            self.utf8.advance(&self.payload)?;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct PartialHeader {
    bytes: [u8; frame::LONGEST],
    len: usize,
}

impl PartialHeader {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
