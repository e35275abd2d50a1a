//! The error of decoding a command.

use std::borrow::Cow;
use std::fmt;

/// Bytes of a client that are not a command, with the reason for the log. The client is disconnected with 3501.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Cow<'static, str>);

impl DecodeError {
    pub(crate) const fn fixed(why: &'static str) -> Self {
        Self(Cow::Borrowed(why))
    }

    pub(crate) fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> Self {
        Self(Cow::Owned(error.to_string()))
    }
}
