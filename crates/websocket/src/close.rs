//! What a close frame holds (RFC 6455, section 5.5.1), and its codes.

pub use crate::close_code::{
    ABNORMAL, GOING_AWAY, INTERNAL_ERROR, INVALID_DATA, NO_STATUS, NORMAL, POLICY_VIOLATION,
    PROTOCOL_ERROR, ProtocolError, TOO_BIG, is_sendable,
};

use crate::frame::{self, Opcode};
use crate::utf8;

/// The payload of a close frame. A reason over 123 bytes is cut between characters.
pub fn payload(code: u16, reason: &str) -> Vec<u8> {
    let reason = reason
        .get(..reason.floor_char_boundary(REASON_LIMIT))
        .unwrap_or_default();
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    payload
}

/// A server's close frame; a client masks [`payload`] with [`frame::write_masked`].
pub fn frame(code: u16, reason: &str) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, Opcode::Close, &payload(code, reason));
    out
}

/// The payload that answers a close frame: its code, without the reason.
///
/// # Source
/// RFC 6455, section 5.5.1.
pub fn answer(received: Option<(u16, &str)>) -> Vec<u8> {
    received.map_or_else(Vec::new, |(code, _)| code.to_be_bytes().to_vec())
}

/// Reads the payload of a close frame.
///
/// # Errors
/// 1002 for half a code or one that must not be sent, 1007 for a reason that is not UTF-8.
pub(crate) fn parse(payload: &[u8]) -> Result<Option<(u16, &str)>, ProtocolError> {
    if payload.is_empty() {
        return Ok(None);
    }
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return Err(ProtocolError::Violation("close frame with half a code"));
    };
    let code = u16::from_be_bytes(*code);
    if !is_sendable(code) {
        return Err(ProtocolError::Violation("close code that must not be sent"));
    }
    Ok(Some((code, utf8::check(reason)?)))
}

/// What a control frame (RFC 6455, section 5.5: 125 bytes) leaves beside the code.
const REASON_LIMIT: usize = 123;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::{NORMAL, PROTOCOL_ERROR};

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let frame = frame(3000, &"ж".repeat(100));
        assert_eq!(frame.len(), 2 + 2 + 122);
        assert_eq!(frame[..4], [0x88, 124, 0x0b, 0xb8]);
        assert_eq!(
            parse(&frame[2..]),
            Ok(Some((3000, "ж".repeat(61).as_str())))
        );
    }

    #[test]
    fn a_reason_of_exactly_123_bytes_is_kept_whole() {
        let reason = "r".repeat(123);
        assert_eq!(
            parse(&payload(NORMAL, &reason)),
            Ok(Some((NORMAL, reason.as_str())))
        );
    }

    #[test]
    fn an_answer_repeats_the_code_and_not_the_reason() {
        assert_eq!(answer(Some((1001, "tab closed"))), [0x03, 0xe9]);
        assert_eq!(answer(None), []);
    }

    #[test]
    fn only_codes_that_may_be_sent_are_accepted() {
        for code in [1000, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(parse(&payload(code, "")), Ok(Some((code, ""))));
        }
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
        ] {
            let error = parse(&payload(code, "")).expect_err("an illegal code");
            assert_eq!(error.close_code(), PROTOCOL_ERROR, "{code}");
        }
    }
}
