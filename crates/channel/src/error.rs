//! Why a connected channel failed.

use std::io;
use std::time::Duration;

use crate::closed::Closed;

/// Why a channel failed, or why a message was not sent.
///
/// A [`crate::Channel`] yields such an error once, as the last item of its stream; a close by the
/// peer is no error. Afterwards [`crate::Channel::closed`] says how it ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection broke without a close frame. The message that was being sent may or may
    /// not have arrived.
    #[error("the connection was lost")]
    Lost(#[source] io::Error),
    /// The peer was silent, and did not answer a ping within this time.
    #[error("the peer did not answer a ping within {0:?}")]
    NoPong(Duration),
    /// The peer broke a rule of the protocol, and was told so by this close code.
    #[error("the peer broke the protocol ({code}): {reason}")]
    Protocol {
        /// 1002, or 1007 for text that is not UTF-8 and for compressed data that is broken.
        code: u16,
        /// What was wrong.
        reason: &'static str,
    },
    /// The peer sent a message of more than this many bytes, and was told so by 1009.
    #[error("the peer sent a message of more than {limit} bytes")]
    TooBig {
        /// What [`crate::Connect::max_message`] was set to.
        limit: usize,
    },
    /// Nothing can be sent any more: the channel was closed before.
    #[error("the channel is {0}")]
    Closed(Closed),
}

impl Error {
    /// Whether the same conversation may go well on a new connection: the network failed, or the
    /// peer said that it goes away.
    ///
    /// A peer that breaks the protocol will do so again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lost(_) | Self::NoPong(_) => true,
            Self::Protocol { .. } | Self::TooBig { .. } => false,
            Self::Closed(closed) => matches!(closed.code, 1001 | 1006 | 1011..=1014),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed::By;

    #[test]
    fn only_what_another_connection_may_heal_is_retryable() {
        let closed = |code| {
            Error::Closed(Closed {
                by: By::Peer,
                code,
                reason: String::new(),
                clean: true,
            })
        };
        assert!(Error::Lost(io::ErrorKind::ConnectionReset.into()).is_retryable());
        assert!(Error::NoPong(Duration::from_secs(1)).is_retryable());
        assert!(closed(1012).is_retryable());
        assert!(!closed(1000).is_retryable());
        assert!(!closed(4403).is_retryable());
        let protocol = Error::Protocol {
            code: 1002,
            reason: "unknown opcode",
        };
        assert!(!protocol.is_retryable());
    }
}
