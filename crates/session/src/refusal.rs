//! Why something a client asked for is not done.

use veche_protocol::disconnect::Disconnect;
use veche_protocol::error_code::{CommandError, ErrorCode};

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Answered in the reply; the connection lives on.
    Reply(Box<CommandError>),
    /// The connection ends with this code.
    Disconnect(Disconnect),
}

impl Refusal {
    /// An error that says why.
    #[must_use]
    pub fn because(code: ErrorCode, why: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::Reply(Box::new(CommandError::because(code, why)))
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self::Reply(Box::new(error))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::from(CommandError::from(code))
    }
}

impl From<Disconnect> for Refusal {
    fn from(disconnect: Disconnect) -> Self {
        Self::Disconnect(disconnect)
    }
}
