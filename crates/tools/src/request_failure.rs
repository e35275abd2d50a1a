//! Why a request was not carried out.

/// Why a request was not carried out, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestFailure {
    /// The server's error code, if it was the server.
    pub(crate) code: Option<u32>,
    pub(crate) reason: String,
    /// Whether it may have been carried out all the same.
    pub(crate) is_uncertain: bool,
    /// Whether the connection has ended for good; how, is told elsewhere.
    pub(crate) is_end: bool,
}

impl RequestFailure {
    /// The server said no.
    pub(crate) fn server(code: u32, reason: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            reason: reason.into(),
            is_uncertain: false,
            is_end: false,
        }
    }

    /// It did not get to the server.
    pub(crate) fn local(reason: impl Into<String>) -> Self {
        Self {
            code: None,
            reason: reason.into(),
            is_uncertain: false,
            is_end: false,
        }
    }

    /// It may have got there; the answer did not come.
    pub(crate) fn uncertain(reason: impl Into<String>) -> Self {
        Self {
            code: None,
            reason: reason.into(),
            is_uncertain: true,
            is_end: false,
        }
    }

    /// The same, where the connection has ended for good.
    pub(crate) fn at_the_end(self) -> Self {
        Self {
            is_end: true,
            ..self
        }
    }
}
