//! What a client has sent and the worker has not carried out yet.
//!
//! It is kept as it came, because parsed commands would take more memory. The driver that fills it bounds it: see [`PendingInput::is_full`].

use std::collections::VecDeque;

use veche_websocket::frame::Opcode;

/// Messages of a client that wait for their turn, in order, and what follows them.
#[derive(Debug, Default)]
pub(crate) struct PendingInput {
    messages: VecDeque<Message>,
    /// Memory that the messages take.
    bytes: usize,
    /// Read from the socket behind the messages, and not decoded.
    unread: Option<Unread>,
    end: Option<End>,
}

/// A message, of which some commands may be carried out.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) opcode: Opcode,
    payload: Box<[u8]>,
    /// Bytes of the commands that are carried out.
    done: usize,
}

/// Bytes of a socket.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    bytes: Vec<u8>,
    /// How many of them are decoded.
    done: usize,
}

/// What follows all that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client's close frame, with this code if any.
    Close(Option<u16>),
    /// The end of the socket.
    Socket,
}

/// Memory that a message takes beside its bytes.
const OVERHEAD: usize = size_of::<Message>() + 16;

impl PendingInput {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.unread.is_none() && self.end.is_none()
    }

    /// Whether a message that comes now must wait behind others.
    pub(crate) fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Whether nothing more is to be decoded: the messages take more than `limit` bytes, or nothing can follow.
    pub(crate) fn is_full(&self, limit: usize) -> bool {
        self.bytes > limit || self.end.is_some()
    }

    /// Whether nothing more is to be read from the socket.
    pub(crate) fn stops_reading(&self, limit: usize) -> bool {
        self.unread.is_some() || self.is_full(limit)
    }

    /// Keeps a message behind the others.
    pub(crate) fn push(&mut self, opcode: Opcode, payload: &[u8]) {
        self.bytes += payload.len() + OVERHEAD;
        self.messages.push_back(Message {
            opcode,
            payload: payload.into(),
            done: 0,
        });
    }

    /// Takes the first message.
    pub(crate) fn take_message(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.payload.len() + OVERHEAD;
        Some(message)
    }

    /// Puts the first message back, of which `left` bytes are still to be carried out.
    pub(crate) fn put_back(&mut self, message: Message, left: usize) {
        self.bytes += message.payload.len() + OVERHEAD;
        self.messages.push_front(Message {
            done: message.payload.len().saturating_sub(left),
            ..message
        });
    }

    /// Keeps bytes of the socket, behind those that are kept.
    pub(crate) fn keep_unread(&mut self, bytes: &[u8]) {
        let unread = self.unread.get_or_insert_default();
        unread.bytes.extend_from_slice(bytes);
    }

    /// Keeps what is left of the bytes that were taken.
    pub(crate) fn put_back_unread(&mut self, unread: Unread) {
        self.unread = Some(unread);
    }

    /// Takes the bytes of the socket that are not decoded.
    pub(crate) fn take_unread(&mut self) -> Option<Unread> {
        self.unread.take()
    }

    /// What follows all that waits.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Takes what follows all that waits.
    pub(crate) fn take_end(&mut self) -> Option<End> {
        self.end.take()
    }

    /// Nothing follows what waits but this.
    pub(crate) fn set_end(&mut self, end: End) {
        self.end.get_or_insert(end);
    }
}

impl Message {
    /// What is still to be carried out.
    pub(crate) fn left(&self) -> &[u8] {
        self.payload.get(self.done..).unwrap_or_default()
    }
}

impl Unread {
    /// What is not decoded yet.
    pub(crate) fn left(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.done..).unwrap_or_default()
    }

    /// All but the last `left` bytes are decoded now. `None` when nothing is left.
    pub(crate) fn decoded_but(self, left: usize) -> Option<Self> {
        let done = self.bytes.len().saturating_sub(left);
        (left > 0).then_some(Self { done, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_in_order_and_go_on_where_they_were_put_back() {
        let mut pending = PendingInput::default();
        pending.push(Opcode::Text, b"one two");
        pending.push(Opcode::Binary, b"three");
        let first = pending.take_message().expect("two wait");
        assert_eq!(first.left(), b"one two");
        pending.put_back(first, 3);
        let first = pending.take_message().expect("two wait");
        assert_eq!((first.opcode, first.left()), (Opcode::Text, &b"two"[..]));
        assert_eq!(pending.take_message().expect("one waits").left(), b"three");
        assert!(pending.take_message().is_none());
        assert!(pending.is_empty());
    }

    #[test]
    fn the_memory_that_messages_take_is_counted_to_the_last_byte() {
        let mut pending = PendingInput::default();
        for _ in 0..100 {
            pending.push(Opcode::Text, b"x");
        }
        assert!(!pending.is_full(100 * (OVERHEAD + 1)));
        assert!(pending.is_full(100 * (OVERHEAD + 1) - 1));
        let first = pending.take_message().expect("a hundred wait");
        pending.put_back(first, 1);
        assert!(pending.is_full(100 * (OVERHEAD + 1) - 1));
        while pending.take_message().is_some() {}
        assert!(!pending.is_full(0));
    }

    #[test]
    fn bytes_of_the_socket_are_kept_until_all_are_decoded() {
        let mut pending = PendingInput::default();
        pending.keep_unread(b"abcd");
        pending.keep_unread(b"ef");
        assert!(pending.stops_reading(100));
        let unread = pending.take_unread().expect("six are kept");
        let mut unread = unread.decoded_but(4).expect("four are left");
        assert_eq!(unread.left(), b"cdef");
        let mut unread = unread.decoded_but(1).expect("one is left");
        assert_eq!(unread.left(), b"f");
        assert!(unread.decoded_but(0).is_none());
    }
}
