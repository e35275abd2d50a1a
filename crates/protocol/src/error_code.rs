//! Why a command failed.

use std::borrow::Cow;
use std::fmt;

/// The code of a failed command: 100 to 399 are the protocol's, 400 to 1999 the application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    /// The server failed; trying again may help.
    pub const INTERNAL: Self = Self(100);
    /// No credentials.
    pub const UNAUTHORIZED: Self = Self(101);
    /// No such namespace.
    pub const UNKNOWN_CHANNEL: Self = Self(102);
    /// Not allowed.
    pub const PERMISSION_DENIED: Self = Self(103);
    /// No such method.
    pub const METHOD_NOT_FOUND: Self = Self(104);
    /// Subscribed already.
    pub const ALREADY_SUBSCRIBED: Self = Self(105);
    /// Too many of something.
    pub const LIMIT_EXCEEDED: Self = Self(106);
    /// The command makes no sense.
    pub const BAD_REQUEST: Self = Self(107);
    /// The feature is off.
    pub const NOT_AVAILABLE: Self = Self(108);
    /// The token's time ran out; the client gets a new one.
    pub const TOKEN_EXPIRED: Self = Self(109);
    /// The connection's or subscription's time ran out.
    pub const EXPIRED: Self = Self(110);
    /// Too often; trying later helps.
    pub const TOO_MANY_REQUESTS: Self = Self(111);
    /// The position is not in the stream.
    pub const UNRECOVERABLE_POSITION: Self = Self(112);
    /// Two readings of one map at once.
    pub const CONCURRENT_PAGINATION: Self = Self(113);

    /// The words that go with the code on the wire; empty for the application's codes.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self.0 {
            100 => "internal server error",
            101 => "unauthorized",
            102 => "unknown channel",
            103 => "permission denied",
            104 => "method not found",
            105 => "already subscribed",
            106 => "limit exceeded",
            107 => "bad request",
            108 => "not available",
            109 => "token expired",
            110 => "expired",
            111 => "too many requests",
            112 => "unrecoverable position",
            113 => "concurrent pagination",
            _ => "",
        }
    }

    /// Whether the same command may succeed later.
    #[must_use]
    pub fn is_temporary(self) -> bool {
        matches!(self.0, 100 | 111 | 113)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.message())
    }
}

/// Why one command failed, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// The code.
    pub code: ErrorCode,
    /// The words of the wire.
    pub message: Cow<'static, str>,
    /// Whether the same command may succeed later.
    pub temporary: bool,
    /// The rule that decided and what to change; told in the plain dialect and in logs.
    pub why: Option<Cow<'static, str>>,
}

impl CommandError {
    /// An error that says why.
    #[must_use]
    pub fn because(code: ErrorCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            why: Some(why.into()),
            ..Self::from(code)
        }
    }
}

impl From<ErrorCode> for CommandError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: Cow::Borrowed(code.message()),
            temporary: code.is_temporary(),
            why: None,
        }
    }
}
