//! Where frames begin and end in what waits.

/// Where the frame begins that holds byte `at`; `frames` are whole WebSocket frames of a server.
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
