//! How far the connection has come.

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not started, or ended.
    Off,
    /// Waits for a token; there is no link.
    Token,
    /// Waits for the next attempt.
    Waiting,
    /// The transport is being made.
    Opening,
    /// The transport stands; the welcome, or the answer to the login, is to come.
    Greeting,
    Online,
}
