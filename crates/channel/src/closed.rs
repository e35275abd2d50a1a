//! How a channel ended: the code, the reason, and who ended it.

use std::fmt;

use veche_websocket::close;

/// A close code that may be sent: 1000 to 1003, 1007 to 1014, or 3000 to 4999.
///
/// A code that may not be sent cannot be made, so [`crate::Channel::close`] never fails on one.
///
/// # Example
/// ```
/// use veche_channel::CloseCode;
///
/// const DONE: CloseCode = CloseCode::new(4000).expect("an application's code");
/// assert_eq!(DONE.get(), 4000);
/// assert!(CloseCode::new(1005).is_none(), "it stands for a frame without a code");
/// ```
/// # Source
/// RFC 6455, section 7.4; the IANA registry of close codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The channel has done what it was for.
    pub const NORMAL: Self = Self(close::NORMAL);
    /// The server goes down, or the client leaves.
    pub const GOING_AWAY: Self = Self(close::GOING_AWAY);
    /// The peer broke a rule of the protocol.
    pub const PROTOCOL_ERROR: Self = Self(close::PROTOCOL_ERROR);
    /// A message of a kind that is not taken, as binary where only text is.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// A message is not what its kind says.
    pub const INVALID_DATA: Self = Self(close::INVALID_DATA);
    /// A message breaks a rule of the application.
    pub const POLICY_VIOLATION: Self = Self(close::POLICY_VIOLATION);
    /// A message is too big.
    pub const TOO_BIG: Self = Self(close::TOO_BIG);
    /// The server did not agree to an extension that the client needs.
    pub const MISSING_EXTENSION: Self = Self(1010);
    /// The sender met a condition that it did not expect.
    pub const INTERNAL_ERROR: Self = Self(close::INTERNAL_ERROR);
    /// The server restarts; come back.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded; come back later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// The code, if it may be sent.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who ended a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// This side: it closed, or it refused what the peer sent.
    Local,
    /// The other side, by a close frame.
    Peer,
    /// Neither: the connection broke, or the peer fell silent.
    Transport,
}

/// How a channel ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Who ended it.
    pub by: By,
    /// The code of the close frame of that side; 1005 if the peer's held none, and 1006 if the
    /// transport ended without one.
    pub code: u16,
    /// The reason that came with the code, at most 123 bytes.
    pub reason: String,
    /// Whether both sides said goodbye: a close frame went out and one came in.
    pub clean: bool,
}

impl Closed {
    /// The connection ended without a close frame.
    pub(crate) fn lost() -> Self {
        Self {
            by: By::Transport,
            code: close::ABNORMAL,
            reason: String::new(),
            clean: false,
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            By::Local => f.write_str("closed by us")?,
            By::Peer => f.write_str("closed by the peer")?,
            By::Transport => f.write_str("the connection was lost")?,
        }
        write!(f, " with {}", self.code)?;
        if !self.reason.is_empty() {
            write!(f, ": {}", self.reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_codes_that_the_framing_accepts_can_be_made() {
        for code in 0..=u16::MAX {
            assert_eq!(
                CloseCode::new(code).is_some(),
                close::is_sendable(code),
                "{code}"
            );
        }
    }

    #[test]
    fn an_end_reads_as_a_sentence() {
        let by_peer = Closed {
            by: By::Peer,
            code: 3001,
            reason: "you asked me to".to_owned(),
            clean: true,
        };
        assert_eq!(
            by_peer.to_string(),
            "closed by the peer with 3001: you asked me to"
        );
        assert_eq!(
            Closed::lost().to_string(),
            "the connection was lost with 1006"
        );
    }
}
