//! How a command went, as the status of its process.

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked for, or was interrupted.
    Done,
    /// The server refused something, or did not answer in time.
    Failed,
    /// The connection ended for good: the server does not want this client back.
    Ended,
}

impl Exit {
    /// The status of the process. A wrong command line is 2, and never gets here.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Ended => 3,
        }
    }
}
