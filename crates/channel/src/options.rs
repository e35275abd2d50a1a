//! What both sides of a channel may set, and what they get if they do not.

use std::time::Duration;

use veche_websocket::deflate::Deflate;
use veche_websocket::frame::Role;

use crate::conversation::Terms;
use crate::liveness::Ping;

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) ping: Option<Ping>,
    pub(crate) close_timeout: Duration,
    /// Offer or accept compression, and compress messages from this many bytes on.
    pub(crate) compress_from: Option<usize>,
    pub(crate) max_message: usize,
    pub(crate) max_unsent: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ping: Some(Ping {
                every: Duration::from_secs(30),
                within: Duration::from_secs(15),
            }),
            close_timeout: Duration::from_secs(5),
            compress_from: None,
            max_message: 16 << 20,
            max_unsent: 64 << 10,
        }
    }
}

impl Options {
    /// The terms of a conversation in which `deflate` was agreed.
    pub(crate) fn terms(&self, role: Role, deflate: Option<Deflate>) -> Terms {
        Terms {
            role,
            deflate,
            compress_from: self.compress_from.unwrap_or(usize::MAX),
            max_message: self.max_message,
            max_unsent: self.max_unsent.max(1),
            ping: self.ping,
            close_timeout: self.close_timeout,
        }
    }
}

/// The builder's functions that a client and a server have in common.
macro_rules! setters {
    () => {
        /// Pings a peer that was silent for `every`, and gives it up when it is then silent for
        /// `within` (default: 30 and 15 seconds). Any byte of the peer is a sign of life.
        ///
        /// The clock of this only runs while the channel is awaited, and a peer is not given up
        /// while a message of it lies unread.
        pub fn ping(mut self, every: Duration, within: Duration) -> Self {
            self.options.ping = Some($crate::liveness::Ping { every, within });
            self
        }

        /// Never pings: a link that died without a word is noticed when something is sent, or
        /// never.
        pub fn no_ping(mut self) -> Self {
            self.options.ping = None;
            self
        }

        /// How long [`crate::Channel::close`] waits for the peer, and how long any end may take
        /// (default: 5 seconds).
        pub fn close_timeout(mut self, timeout: Duration) -> Self {
            self.options.close_timeout = timeout;
            self
        }

        /// Agrees to permessage-deflate (RFC 7692), and compresses messages of at least `from`
        /// bytes where that makes them smaller. Without this call there is no compression.
        ///
        /// Neither side keeps context between messages, so that an idle channel costs no memory
        /// for it.
        pub fn compression(mut self, from: usize) -> Self {
            self.options.compress_from = Some(from);
            self
        }

        /// Bytes of the largest message that is taken, also after it was inflated (default: 16
        /// MiB). A larger one ends the channel with 1009. Memory grows with what comes, not with
        /// what is announced.
        pub fn max_message(mut self, bytes: usize) -> Self {
            self.options.max_message = bytes;
            self
        }

        /// Bytes that may wait to be written before sending waits (default: 64 KiB). One message
        /// may exceed it.
        pub fn max_unsent(mut self, bytes: usize) -> Self {
            self.options.max_unsent = bytes;
            self
        }
    };
}
pub(crate) use setters;
