//! How messages become bytes on the way to a client, and where one ends in bytes that wait.

use veche_protocol::disconnect::Disconnect;
use veche_websocket::close;
use veche_websocket::frame::{self, Opcode};

/// The form of what one client is sent, behind the head of the answer to its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Each message is a frame (RFC 6455).
    #[default]
    WebSocket,
    /// The same; long messages are compressed (RFC 7692, without context takeover).
    CompressedWebSocket,
    /// Each line of a message is an event of `text/event-stream` (HTML Living Standard, 9.2.5), and each message a chunk
    /// (RFC 9112, section 7.1). For messages that are text.
    EventStream,
    /// Each message is a chunk: a line of JSON, or Protobuf behind its length.
    Chunks,
}

impl Framing {
    /// Whether control frames can go between messages, and the client's own messages come by the same socket.
    #[must_use]
    pub fn is_websocket(self) -> bool {
        matches!(self, Self::WebSocket | Self::CompressedWebSocket)
    }

    /// Writes one message as it is; [`crate::encoder::Encoder::frame`] compresses where that is agreed.
    pub(crate) fn write(self, opcode: Opcode, message: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::WebSocket | Self::CompressedWebSocket => frame::write(out, opcode, message),
            Self::EventStream => write_chunk(out, |out| {
                let lines = message.split(|byte| *byte == b'\n');
                for line in lines.filter(|line| !line.is_empty()) {
                    for part in [b"data: ", line, b"\n\n"] {
                        out.extend_from_slice(part);
                    }
                }
            }),
            Self::Chunks => write_chunk(out, |out| {
                out.extend_from_slice(message);
                if opcode == Opcode::Text {
                    out.push(b'\n');
                }
            }),
        }
    }

    /// Writes the end of the conversation. Where it can't say why, a message has said that before.
    pub(crate) fn write_end(self, disconnect: &Disconnect, out: &mut Vec<u8>) {
        if self.is_websocket() {
            out.extend_from_slice(&close::frame(disconnect.code, &disconnect.reason));
        } else {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }

    /// Length of the message that begins here, with all that is around it; `None` where none begins.
    pub(crate) fn message_len(self, bytes: &[u8]) -> Option<usize> {
        if self.is_websocket() {
            frame_len(bytes)
        } else {
            chunk_len(bytes)
        }
    }
}

/// Writes a chunk of HTTP/1.1 around what `write` adds. A chunk is not empty: that would be the end.
fn write_chunk(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[b'0'; CHUNK_HEAD]);
    write(out);
    let len = out.len() - start - CHUNK_HEAD;
    if len == 0 {
        return out.truncate(start);
    }
    if let Some(head) = out.get_mut(start..start + CHUNK_HEAD) {
        head.copy_from_slice(&chunk_head(len));
    }
    out.extend_from_slice(b"\r\n");
}

/// Bytes before a chunk's data: eight digits, which hold more than a message can have, and the end of the line.
const CHUNK_HEAD: usize = 10;

fn chunk_head(len: usize) -> [u8; CHUNK_HEAD] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut head = *b"00000000\r\n";
    let mut left = len;
    for place in head.iter_mut().take(CHUNK_HEAD - 2).rev() {
        *place = DIGITS.get(left & 15).copied().unwrap_or(b'0');
        left >>= 4;
    }
    head
}

/// Length of the chunk that begins here, with its head and the end of its last line.
fn chunk_len(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"0\r\n") {
        return Some(bytes.len().min(b"0\r\n\r\n".len()));
    }
    let digits = std::str::from_utf8(bytes.get(..CHUNK_HEAD - 2)?).ok()?;
    let len = usize::from_str_radix(digits, 16).ok()?;
    len.checked_add(CHUNK_HEAD + 2)
}

/// Length of the unmasked frame that begins here, header included (RFC 6455, section 5.2).
fn frame_len(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, 127, a, b, c, d, e, f, g, h, ..] => {
            usize::try_from(u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
                .ok()?
                .checked_add(10)
        }
        [_, 126, a, b, ..] => Some(usize::from(u16::from_be_bytes([*a, *b])) + 4),
        [_, len, ..] if *len < 126 => Some(usize::from(*len) + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Framing; 4] = [
        Framing::WebSocket,
        Framing::CompressedWebSocket,
        Framing::EventStream,
        Framing::Chunks,
    ];

    fn written(framing: Framing, opcode: Opcode, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        framing.write(opcode, message, &mut out);
        out
    }

    #[test]
    fn a_message_ends_where_its_length_says_whatever_follows_it() {
        for framing in ALL {
            for len in [1, 2, 125, 126, 127, 4096, 65_535, 65_536, 100_000] {
                let one = written(framing, Opcode::Text, &vec![b'x'; len]);
                let mut two = one.clone();
                framing.write(Opcode::Binary, b"next", &mut two);
                assert_eq!(
                    framing.message_len(&two),
                    Some(one.len()),
                    "{framing:?} {len}"
                );
                let next = framing.message_len(&two[one.len()..]);
                assert_eq!(next, Some(two.len() - one.len()), "{framing:?} {len}");
            }
            assert_eq!(framing.message_len(b""), None);
            let mut end = Vec::new();
            framing.write_end(&Disconnect::SHUTDOWN, &mut end);
            assert_eq!(framing.message_len(&end), Some(end.len()), "{framing:?}");
        }
    }

    #[test]
    fn each_line_is_an_event_and_each_message_a_chunk() {
        let two = b"{\"id\":1}\n{\"push\":{}}";
        assert_eq!(
            written(Framing::EventStream, Opcode::Text, two),
            b"00000023\r\ndata: {\"id\":1}\n\ndata: {\"push\":{}}\n\n\r\n"
        );
        assert_eq!(
            written(Framing::Chunks, Opcode::Text, two),
            b"00000015\r\n{\"id\":1}\n{\"push\":{}}\n\r\n"
        );
        assert_eq!(
            written(Framing::Chunks, Opcode::Binary, &[1, 0]),
            b"00000002\r\n\x01\0\r\n"
        );
        assert_eq!(written(Framing::EventStream, Opcode::Text, b"\n"), b"");
    }
}
