#![doc = include_str!("../README.md")]

mod message;

mod closed;

mod error;

mod channel;

mod split;

mod connect;

mod proxy;

#[cfg(feature = "tls")]
mod tls;

mod options;

mod pair;

#[cfg(feature = "hyper")]
pub mod server;

#[cfg(feature = "axum")]
pub mod axum;

mod connect_error;

mod driver;

mod head;

mod refused;

mod conversation;

mod liveness;

mod outgoing;

mod scratch;

mod socket;

mod random;

mod url;

pub use channel::Channel;
pub use closed::{By, CloseCode, Closed};
pub use connect::{Connect, connect};
pub use connect_error::ConnectError;
pub use error::Error;
pub use message::Message;
pub use pair::pair;
pub use proxy::Proxy;
pub use refused::RefusedUpgrade;
pub use socket::Transport;
pub use split::{Receiver, Sender};
#[cfg(feature = "tls")]
pub use tls::Tls;
pub use url::UrlError;

/// The examples of the documentation's page on this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust-channel.md")]
struct Documentation;
