//! Where frames begin and end in what waits.

/// Where the frame begins that holds byte `at`; `frames` are whole WebSocket frames of a server, perhaps behind the
/// answer to the upgrade, which counts as one.
pub(super) fn frame_start(frames: &[u8], at: usize) -> usize {
    let mut start = 0;
    while let Some(len) = frames.get(start..).and_then(frame_len) {
        if start + len > at {
            break;
        }
        start += len;
    }
    start.min(at)
}

/// Where the frame ends of which `at` bytes from the chunk's start are written; `at` itself if no frame is under way.
pub(super) fn frame_end(frames: &[u8], at: usize) -> usize {
    let start = frame_start(frames, at);
    if start == at {
        return at;
    }
    let len = frames.get(start..).and_then(frame_len).unwrap_or(0);
    (start + len).min(frames.len())
}

/// Where a control frame may be put in, when `at` bytes from the chunk's start are written: behind the frame that is
/// under way, and behind the answer to the upgrade.
pub(super) fn gap(frames: &[u8], at: usize) -> usize {
    match frames.get(at..) {
        Some(next) if frame_start(frames, at) == at && is_head(next) => {
            (at + frame_len(next).unwrap_or(0)).min(frames.len())
        }
        _ => frame_end(frames, at),
    }
}

/// Whether an answer of HTTP begins here. No frame of a server begins with these bytes: its first would be a close
/// frame that is compressed and not the last fragment.
pub(super) fn is_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/")
}

/// Length of the unmasked frame that begins here, header included (RFC 6455, section 5.2).
fn frame_len(bytes: &[u8]) -> Option<usize> {
    if is_head(bytes) {
        let end = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        return Some(end.map_or(bytes.len(), |end| end + 4));
    }
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
