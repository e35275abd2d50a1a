//! Why a connection ends: close codes, and the errors that lead to them.

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
