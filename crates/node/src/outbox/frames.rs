//! Where messages begin and end in what waits.

use crate::framing::Framing;

/// Where the message begins that holds byte `at`; `bytes` are whole messages, perhaps behind the head of an answer,
/// which counts as one.
pub(super) fn message_start(framing: Framing, bytes: &[u8], at: usize) -> usize {
    let mut start = 0;
    while let Some(len) = bytes.get(start..).and_then(|next| len(framing, next)) {
        if start + len > at {
            break;
        }
        start += len;
    }
    start.min(at)
}

/// Where the message ends of which `at` bytes from the chunk's start are written; `at` itself if none is under way.
pub(super) fn message_end(framing: Framing, bytes: &[u8], at: usize) -> usize {
    let start = message_start(framing, bytes, at);
    if start == at {
        return at;
    }
    let next = bytes.get(start..);
    let len = next.and_then(|next| len(framing, next)).unwrap_or(0);
    (start + len).min(bytes.len())
}

/// Where a control frame may be put in, when `at` bytes from the chunk's start are written: behind the message that is
/// under way, and behind the head of the answer.
pub(super) fn gap(framing: Framing, bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..) {
        Some(next) if message_start(framing, bytes, at) == at && is_head(next) => {
            (at + len(framing, next).unwrap_or(0)).min(bytes.len())
        }
        _ => message_end(framing, bytes, at),
    }
}

/// Whether an answer of HTTP begins here. No message begins with these bytes: a frame of a server would be a close frame
/// that is compressed and not the last fragment, and a chunk begins with a digit.
pub(super) fn is_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/")
}

fn len(framing: Framing, bytes: &[u8]) -> Option<usize> {
    if is_head(bytes) {
        let end = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        return Some(end.map_or(bytes.len(), |end| end + 4));
    }
    framing.message_len(bytes)
}
