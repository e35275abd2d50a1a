//! Where a client stands, and why: states and failures as values.

use crate::wire::ActionError;

/// Where the client stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A connection is being made: a token is awaited, the transport, or the login.
    #[default]
    Connecting,
    /// Connected and logged in.
    Online {
        /// The connection's id.
        client: String,
        /// Who the client is; `None` for an anonymous one.
        user: Option<String>,
    },
    /// No connection; the next attempt comes by itself.
    Waiting {
        /// Failures in a row, this one among them.
        attempt: u32,
        /// Milliseconds from the failure to the next attempt.
        retry_in_ms: u64,
        /// Why there is no connection.
        cause: Cause,
    },
    /// The client has ended, and does not come back.
    Ended(End),
}

/// Why there is no connection for the moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// No connection could be made; in the words of the transport.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// There was no connection and login in time.
    #[error("no connection in time")]
    ConnectTimeout,
    /// The connection broke; in the words of the transport.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server closed the connection.
    #[error("the server closed the connection with {code}: {reason}")]
    Closed {
        /// The close code, or that of the server's `disconnect`.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// The server gave no sign of life.
    #[error("the server fell silent")]
    Silent,
    /// The server is there, but an answer did not come.
    #[error("the server did not answer")]
    NoAnswer,
    /// The server said what the dialect does not allow.
    #[error("the server broke the protocol: {0}")]
    Violation(&'static str),
    /// The application could not give a token; in its words.
    #[error("no token: {0}")]
    Token(String),
    /// The login was refused for the moment, or its token had expired.
    #[error("the login was refused: {0}")]
    Login(ActionError),
}

/// Why the client has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum End {
    /// It was closed here, or nobody holds it any more.
    #[error("the client was closed")]
    Closed,
    /// The server closed the connection and does not want the client back.
    #[error("the server ended it with {code}: {reason}")]
    Server {
        /// The close code: 3500 to 3999, or 4500 to 4999.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// The server does not let this client in.
    #[error("the login was refused: {0}")]
    Login(ActionError),
    /// The application gives this client no token.
    #[error("no token: {0}")]
    NoToken(String),
    /// What was configured cannot be connected to; in the words of the transport.
    #[error("cannot be connected to: {0}")]
    Unusable(String),
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The server refused.
    #[error(transparent)]
    Refused(#[from] ActionError),
    /// There was no answer in time, or no connection. A call may have been carried out.
    #[error("no answer in time")]
    Timeout,
    /// The link broke after a call was sent: it may have been carried out.
    #[error("the connection was lost before the answer: the call may have been carried out")]
    Uncertain,
    /// Too many requests wait already.
    #[error("too many requests wait for their answers")]
    Full,
    /// The request is larger than a message may be.
    #[error("the request has more than {limit} bytes")]
    TooBig {
        /// What a message may have.
        limit: usize,
    },
    /// The arguments cannot be written as JSON, or are bytes.
    #[error("the data cannot be written as JSON: {0}")]
    Data(String),
    /// The client has ended.
    #[error(transparent)]
    Ended(#[from] End),
}

/// Why a publication was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The server refused.
    #[error(transparent)]
    Refused(#[from] ActionError),
    /// It was sent, and the link broke before the answer; sending it again might double it. It has
    /// been published once or not at all.
    #[error("the connection was lost before the answer, and the key cannot be used again")]
    Uncertain,
    /// The outbox is full.
    #[error("the outbox is full")]
    Full,
    /// It is larger than a message may be.
    #[error("the publication has more than {limit} bytes")]
    TooBig {
        /// What a message may have.
        limit: usize,
    },
    /// The data cannot be written as JSON.
    #[error("the data cannot be written as JSON: {0}")]
    Data(String),
    /// It could not be stored, and was not sent.
    #[error("the outbox cannot store it: {0}")]
    Store(String),
    /// The client has ended. What the outbox keeps on disk is sent by the next client that opens
    /// it.
    #[error(transparent)]
    Ended(#[from] End),
}

/// Why a subscription has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscriptionEnd {
    /// The server refused it.
    #[error(transparent)]
    Refused(#[from] ActionError),
    /// The server ended it.
    #[error("the server ended the subscription with {code}: {reason}")]
    Unsubscribed {
        /// The dialect's code, below 2500.
        code: u32,
        /// The reason that came with it.
        reason: String,
    },
    /// The application gives no token for it.
    #[error("no token: {0}")]
    NoToken(String),
    /// The client has ended.
    #[error(transparent)]
    Client(#[from] End),
}
