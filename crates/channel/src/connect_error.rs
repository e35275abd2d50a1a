//! Why there is no channel.

use std::io;
use std::time::Duration;

use crate::refused::RefusedUpgrade;
use crate::url::UrlError;

/// Why a connection was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not one to connect to. Nothing was tried.
    #[error("{0}")]
    Url(#[from] UrlError),
    /// This header, or a subprotocol, holds what a request cannot, or is one that the handshake
    /// sets itself. Nothing was sent.
    #[error("the header {0} cannot be sent")]
    Header(String),
    /// The name has no address, or could not be looked up.
    #[error("cannot find the address of {host}")]
    Resolve {
        /// The server's name, or the proxy's.
        host: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No address of the host could be connected to.
    #[error("cannot connect to {address}")]
    Connect {
        /// Host and port of the server, or of the proxy.
        address: String,
        /// Of the last address that was tried.
        #[source]
        source: io::Error,
    },
    /// The proxy did not let us through.
    #[error("the proxy refused: {reason}")]
    Proxy {
        /// What it said.
        reason: String,
        /// Whether it may say otherwise later.
        is_temporary: bool,
    },
    /// The proxy's address in this variable, or as it was given, cannot be understood.
    #[error("{0} is not the address of a proxy (http://, https://, socks5:// or socks5h://)")]
    ProxyAddress(String),
    /// TLS failed: a certificate that is not trusted, a key that is not the pinned one, or a
    /// server that does not speak it.
    #[error("no TLS with {host}")]
    Tls {
        /// The server's name, or the proxy's.
        host: String,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// What was given for TLS cannot be used. Nothing was tried.
    #[error("the TLS options cannot be used: {0}")]
    TlsOptions(String),
    /// The URL is `wss://`, and the crate was built without the feature `tls`.
    #[error("this program was built without TLS")]
    NoTls,
    /// The server answered with another HTTP status than 101.
    #[error("{0}")]
    Refused(Box<RefusedUpgrade>),
    /// The answer was 101, but this header of it is missing or wrong: whoever answered does not
    /// speak WebSocket, or a proxy before it does not pass the upgrade on.
    #[error(
        "the connection was not upgraded to websocket: the server's {0} header is missing or wrong"
    )]
    Handshake(&'static str),
    /// What came was no answer of HTTP/1.1, or one whose head is larger than 16 KiB.
    #[error("the server did not answer in HTTP")]
    NotHttp,
    /// The server chose none of the subprotocols, or another one.
    #[error("the server agreed to none of the subprotocols that were offered")]
    Subprotocol,
    /// The connection broke before the answer was complete.
    #[error("the connection was lost before the server answered")]
    Lost(#[source] io::Error),
    /// All steps together took longer than this.
    #[error("no connection within {0:?}")]
    Timeout(Duration),
}

pub(crate) type ConnectResult<T> = Result<T, ConnectError>;

impl ConnectError {
    /// Whether the same attempt may go well later: the network failed, nobody answered in time,
    /// or the server said so by its status (408, 425, 429, 500, 502, 503, 504).
    ///
    /// An attempt with other credentials is another attempt: see [`RefusedUpgrade::status`] for 401 and
    /// 403.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Resolve { .. } | Self::Connect { .. } | Self::Lost(_) | Self::Timeout(_) => true,
            Self::Proxy { is_temporary, .. } => *is_temporary,
            Self::Refused(refused) => refused.is_temporary(),
            // A certificate that is not trusted comes as invalid data.
            Self::Tls { source, .. } => source.kind() != io::ErrorKind::InvalidData,
            Self::Url(_)
            | Self::Header(_)
            | Self::ProxyAddress(_)
            | Self::TlsOptions(_)
            | Self::NoTls
            | Self::Handshake(_)
            | Self::NotHttp
            | Self::Subprotocol => false,
        }
    }

    /// The answer of the server that refused the upgrade.
    pub fn refused(&self) -> Option<&RefusedUpgrade> {
        match self {
            Self::Refused(refused) => Some(refused),
            _ => None,
        }
    }
}
