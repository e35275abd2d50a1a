//! Bytes into events: the reading half of one connection.

use crate::close::{self, ProtocolError};
use crate::deflate::Inflater;
use crate::frame::{Header, Opcode, Role};
use crate::mask;
use crate::message::{Assembled, Incomplete};
use crate::utf8;

mod received;

pub use crate::message::{Limits, Loan};
pub use received::Received;

/// What the peer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// To be answered by a pong with the same payload, at most 125 bytes.
    Ping(&'a [u8]),
    /// An answer to a ping, or unasked.
    Pong(&'a [u8]),
    /// The last event: code and reason, if the frame held them.
    Close(Option<(u16, &'a str)>),
}

/// What the decoders of one worker share: an inflater, and the place where a message that was
/// put together from pieces lies while it is read.
#[derive(Debug, Default)]
pub struct Workspace {
    inflater: Inflater,
    assembled: Vec<u8>,
}

impl Workspace {
    /// An empty workspace. The inflater's state (some 40 KiB) is made when it is first needed.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Turns the bytes of one connection into events.
///
/// Owns heap memory only while a frame or message is incomplete, and then no more than twice
/// what has come, nor more than [`Limits::max_message`]. After a close frame or an error it ignores
/// whatever follows.
///
/// # Example
/// ```
/// use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
/// use veche_websocket::frame::Role;
///
/// let limits = Limits { max_message: 65536, max_inflated: 655_360 };
/// let mut workspace = Workspace::new();
/// let mut decoder = Decoder::new(Role::Client, false);
/// let mut scratch = *b"\x81\x05Hello\x89\x00";
/// let mut input = scratch.as_mut_slice();
/// let event = decoder.next(&mut input, &limits, &mut workspace);
/// assert_eq!(event, Ok(Some(Event::Text("Hello"))));
/// let event = decoder.next(&mut input, &limits, &mut workspace);
/// assert_eq!(event, Ok(Some(Event::Ping(b""))));
/// assert_eq!(decoder.next(&mut input, &limits, &mut workspace), Ok(None));
/// ```
#[derive(Debug)]
pub struct Decoder {
    incomplete: Option<Box<Incomplete>>,
    role: Role,
    deflate: bool,
    is_done: bool,
}

impl Decoder {
    /// A decoder at the first byte after the handshake; `deflate` says whether
    /// permessage-deflate was negotiated.
    pub fn new(role: Role, deflate: bool) -> Self {
        Self {
            incomplete: None,
            role,
            deflate,
            is_done: false,
        }
    }

    /// Takes the next event from the front of `input`, unmasking in place. To be called until it
    /// yields `None`: then the input is used up, and an incomplete rest was kept.
    ///
    /// An unfragmented message that lies whole in `input` is yielded as a borrow of it, without a
    /// copy or an allocation.
    ///
    /// # Errors
    /// What the peer did wrong; close with its code.
    /// # Source
    /// RFC 6455, sections 5 to 8; RFC 7692, section 7.2.2.
    pub fn next<'a, 'buf: 'a>(
        &mut self,
        input: &mut &'buf mut [u8],
        limits: &Limits,
        workspace: &'a mut Workspace,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        workspace.assembled = Vec::new();
        workspace.inflater.shrink();
        if self.is_done {
            *input = &mut [];
            return Ok(None);
        }
        let event = self.advance(input, limits).and_then(|found| match found {
            Some(found) => found.read(limits, workspace).map(Some),
            None => Ok(None),
        });
        if matches!(event, Err(_) | Ok(Some(Event::Close(_)))) {
            self.is_done = true;
            self.incomplete = None;
        }
        event
    }

    /// As [`Decoder::next`], for a caller that keeps what it gets: a payload that had to be put
    /// together or inflated is moved out, and only one that lies whole in `input` is borrowed.
    ///
    /// # Errors
    /// What the peer did wrong; close with its code.
    pub fn next_owned<'a, 'buf: 'a>(
        &mut self,
        input: &mut &'buf mut [u8],
        limits: &Limits,
        workspace: &mut Workspace,
    ) -> Result<Option<Received<'a>>, ProtocolError> {
        workspace.inflater.shrink();
        if self.is_done {
            *input = &mut [];
            return Ok(None);
        }
        let received = self.advance(input, limits).and_then(|found| match found {
            Some(found) => received::read(found, limits, &mut workspace.inflater).map(Some),
            None => Ok(None),
        });
        if matches!(received, Err(_) | Ok(Some(Received::Close(_)))) {
            self.is_done = true;
            self.incomplete = None;
        }
        received
    }

    /// Lends the buffer of a data frame of which at least `least` bytes are still to come, so that
    /// they can be read into it without a copy; `None` if there is no such frame.
    pub fn lend(&mut self, least: usize) -> Option<Loan> {
        self.incomplete.as_deref_mut()?.lend(least)
    }

    /// Takes a lent buffer back, which must be done before anything else, and yields the message
    /// if the frame and the message end with what was appended.
    ///
    /// # Errors
    /// What the peer did wrong; close with its code.
    pub fn give_back(
        &mut self,
        loan: Loan,
        limits: &Limits,
        workspace: &mut Workspace,
    ) -> Result<Option<Received<'static>>, ProtocolError> {
        workspace.inflater.shrink();
        let Some(incomplete) = self.incomplete.as_deref_mut() else {
            return Ok(None);
        };
        let assembled = incomplete.give_back(loan);
        self.incomplete.take_if(|incomplete| incomplete.is_empty());
        let received = assembled.and_then(|assembled| match assembled {
            Some(assembled) => {
                let found = Found::Assembled(assembled);
                received::read(found, limits, &mut workspace.inflater).map(Some)
            }
            None => Ok(None),
        });
        if received.is_err() {
            self.is_done = true;
            self.incomplete = None;
        }
        received
    }

    /// Bytes of heap this connection owns now; 0 between messages.
    pub fn heap_bytes(&self) -> usize {
        self.incomplete
            .as_ref()
            .map_or(0, |incomplete| incomplete.heap_bytes())
    }

    fn advance<'buf>(
        &mut self,
        input: &mut &'buf mut [u8],
        limits: &Limits,
    ) -> Result<Option<Found<'buf>>, ProtocolError> {
        while !input.is_empty() {
            let Some((header, offset)) = self.current_frame(input, limits)? else {
                break;
            };
            let left = usize::try_from(header.len).unwrap_or(usize::MAX) - offset;
            let piece = take(input, left);
            if let Some(key) = header.key {
                mask::apply(key, offset, piece);
            }
            let is_whole = offset == 0 && piece.len() == left;
            if is_whole && header.fin && header.opcode != Opcode::Continuation {
                self.incomplete.take_if(|incomplete| incomplete.is_empty());
                return Ok(Some(Found::Whole(header, piece)));
            }
            let incomplete = self.incomplete.get_or_insert_default();
            let assembled = incomplete.take(header, offset, piece, limits)?;
            self.incomplete.take_if(|incomplete| incomplete.is_empty());
            if let Some(assembled) = assembled {
                return Ok(Some(Found::Assembled(assembled)));
            }
        }
        Ok(None)
    }

    /// The frame that `input` goes on with and how much of its payload came before; `None` if
    /// its header is not complete.
    fn current_frame(
        &mut self,
        input: &mut &mut [u8],
        limits: &Limits,
    ) -> Result<Option<(Header, usize)>, ProtocolError> {
        if let Some(frame) = self
            .incomplete
            .as_mut()
            .and_then(|incomplete| incomplete.take_frame())
        {
            return Ok(Some(frame));
        }
        let is_begun = self
            .incomplete
            .as_ref()
            .is_some_and(|incomplete| incomplete.has_partial_header());
        let parsed = if is_begun {
            None
        } else {
            Header::parse(input, self.role)?
        };
        let parsed = match parsed {
            Some(parsed) => Some(parsed),
            None => self
                .incomplete
                .get_or_insert_default()
                .complete_header(input, self.role)?,
        };
        let Some((header, size)) = parsed else {
            take(input, usize::MAX);
            return Ok(None);
        };
        take(input, size);
        self.admit(&header, limits)?;
        Ok(Some((header, 0)))
    }

    /// Holds a new frame against what is under way and against the limits, before any of its
    /// payload is kept.
    fn admit(&self, header: &Header, limits: &Limits) -> Result<(), ProtocolError> {
        let begins = matches!(header.opcode, Opcode::Text | Opcode::Binary);
        if header.rsv1 && !(self.deflate && begins) {
            return Err(ProtocolError::Violation("reserved bit set"));
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        let message = self
            .incomplete
            .as_ref()
            .and_then(|incomplete| incomplete.message());
        if begins && message.is_some() {
            return Err(ProtocolError::Violation(
                "new message inside a fragmented one",
            ));
        }
        if !begins && message.is_none() {
            return Err(ProtocolError::Violation("continuation of nothing"));
        }
        let held = message.map_or(0, |message| message.len());
        let room = limits.max_message.saturating_sub(held);
        match usize::try_from(header.len) {
            Ok(len) if len <= room => Ok(()),
            _ => Err(ProtocolError::TooBig),
        }
    }
}

/// A complete payload, still as it came.
enum Found<'buf> {
    /// In the input.
    Whole(Header, &'buf [u8]),
    /// From pieces.
    Assembled(Assembled),
}

impl Found<'_> {
    fn read<'a>(
        self,
        limits: &Limits,
        workspace: &'a mut Workspace,
    ) -> Result<Event<'a>, ProtocolError>
    where
        Self: 'a,
    {
        let (opcode, compressed, payload) = match self {
            Self::Whole(header, payload) => (header.opcode, header.rsv1, payload),
            Self::Assembled(assembled) => {
                workspace.assembled = assembled.payload;
                (
                    assembled.opcode,
                    assembled.compressed,
                    workspace.assembled.as_slice(),
                )
            }
        };
        let payload = if compressed {
            workspace.inflater.inflate(payload, limits.max_inflated)?
        } else {
            payload
        };
        match opcode {
            Opcode::Text => utf8::check(payload).map(Event::Text),
            Opcode::Ping => Ok(Event::Ping(payload)),
            Opcode::Pong => Ok(Event::Pong(payload)),
            Opcode::Close => close::parse(payload).map(Event::Close),
            // A continuation is never whole: its message is, and has the opcode it began with.
            Opcode::Binary | Opcode::Continuation => Ok(Event::Binary(payload)),
        }
    }
}

/// Splits up to `len` bytes off the front of `input`.
fn take<'buf>(input: &mut &'buf mut [u8], len: usize) -> &'buf mut [u8] {
    let whole = std::mem::take(input);
    let (front, rest) = whole.split_at_mut(len.min(whole.len()));
    *input = rest;
    front
}

#[cfg(test)]
mod tests;
