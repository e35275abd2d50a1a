//! What a decoder found, owned as far as that costs no copy.

use std::borrow::Cow;

use super::{Found, Limits};
use crate::close::{self, ProtocolError};
use crate::deflate::Inflater;
use crate::frame::Opcode;
use crate::utf8;

/// What the peer said, to be kept. As [`super::Event`], but what had to be put together or
/// inflated is owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A text message.
    Text(Cow<'a, str>),
    /// A binary message.
    Binary(Cow<'a, [u8]>),
    /// To be answered by a pong with the same payload, at most 125 bytes.
    Ping(Cow<'a, [u8]>),
    /// An answer to a ping, or unasked.
    Pong(Cow<'a, [u8]>),
    /// The last: code and reason, if the frame held them.
    Close(Option<(u16, String)>),
}

/// Reads a complete payload.
pub(super) fn read<'a>(
    found: Found<'a>,
    limits: &Limits,
    inflater: &mut Inflater,
) -> Result<Received<'a>, ProtocolError> {
    let (opcode, compressed, payload) = match found {
        Found::Whole(header, payload) => (header.opcode, header.rsv1, Cow::Borrowed(payload)),
        Found::Assembled(assembled) => (
            assembled.opcode,
            assembled.compressed,
            Cow::Owned(assembled.payload),
        ),
    };
    let payload = if compressed {
        inflater.inflate(&payload, limits.max_inflated)?;
        Cow::Owned(inflater.take())
    } else {
        payload
    };
    match opcode {
        Opcode::Text => text(payload).map(Received::Text),
        Opcode::Ping => Ok(Received::Ping(payload)),
        Opcode::Pong => Ok(Received::Pong(payload)),
        Opcode::Close => close::parse(&payload)
            .map(|close| Received::Close(close.map(|(code, reason)| (code, reason.to_owned())))),
        // A continuation is never whole: its message is, and has the opcode it began with.
        Opcode::Binary | Opcode::Continuation => Ok(Received::Binary(payload)),
    }
}

fn text(payload: Cow<'_, [u8]>) -> Result<Cow<'_, str>, ProtocolError> {
    match payload {
        Cow::Borrowed(payload) => utf8::check(payload).map(Cow::Borrowed),
        Cow::Owned(payload) => String::from_utf8(payload)
            .map(Cow::Owned)
            .map_err(|_| utf8::NOT_UTF8),
    }
}
