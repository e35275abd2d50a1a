//! Why a connection ends: close codes, close frames, and the errors that lead to them.

use crate::frame::{self, Opcode};
use crate::utf8;

/// The connection has done what it was for.
pub const NORMAL: u16 = 1000;
/// The server goes down, or the page was left.
pub const GOING_AWAY: u16 = 1001;
/// The peer broke a rule of the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Never sent: what an application is told when the close frame held no code.
pub const NO_STATUS: u16 = 1005;
/// Never sent: what an application is told when the connection ended without a close frame.
pub const ABNORMAL: u16 = 1006;
/// A message is not what its type says, as text that is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// A message breaks a rule of the application.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message is larger than the receiver takes.
pub const TOO_BIG: u16 = 1009;
/// The server met a condition that it did not expect.
pub const INTERNAL_ERROR: u16 = 1011;

/// The peer broke the protocol: it is sent [`ProtocolError::close_code`] and the connection ends.
///
/// # Source
/// RFC 6455, section 7.1.7 ("Fail the WebSocket Connection") and 7.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A rule of framing is broken; closed with 1002.
    #[error("{0}")]
    Violation(&'static str),
    /// Text that is not UTF-8, or compressed data that cannot be inflated; closed with 1007.
    #[error("{0}")]
    InvalidData(&'static str),
    /// A message beyond a limit; closed with 1009.
    #[error("message too big")]
    TooBig,
    /// A message that is beyond a limit when inflated; closed with 1009.
    #[error("message too big after decompression")]
    TooBigInflated,
}

impl ProtocolError {
    /// The code to close with.
    pub fn close_code(self) -> u16 {
        match self {
            Self::Violation(_) => PROTOCOL_ERROR,
            Self::InvalidData(_) => INVALID_DATA,
            Self::TooBig | Self::TooBigInflated => TOO_BIG,
        }
    }

    /// What was wrong, in words short enough for a close frame; none where the code says it all.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Violation(reason) | Self::InvalidData(reason) => reason,
            Self::TooBig => "",
            Self::TooBigInflated => "message too big after decompression",
        }
    }
}

/// Whether a close frame may carry `code`.
///
/// # Source
/// RFC 6455, section 7.4, and the IANA registry of close codes (1012 to 1014).
pub fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

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
