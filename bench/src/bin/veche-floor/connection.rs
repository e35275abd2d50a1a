//! One connection: a socket, its decoder, and what a short write left.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::TcpStream;
use veche_websocket::decoder::{Decoder, Event, Limits, Workspace};
use veche_websocket::frame::Role;
use veche_websocket::handshake::server;

#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    /// `None` before the upgrade.
    decoder: Option<Decoder>,
    pending: Vec<u8>,
    pub(crate) channels: Vec<usize>,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            decoder: None,
            pending: Vec::new(),
            channels: Vec::new(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.decoder.is_some()
    }

    pub(crate) fn take_decoder(&mut self) -> Decoder {
        self.decoder
            .take()
            .unwrap_or_else(|| Decoder::new(Role::Server, false))
    }

    pub(crate) fn put_decoder(&mut self, decoder: Decoder) {
        self.decoder = Some(decoder);
    }

    pub(crate) fn read(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        self.socket.read(scratch)
    }

    /// Answers the request to upgrade, which is taken to come in one piece; false if it is none.
    pub(crate) fn upgrade(&mut self, head: &[u8]) -> bool {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        if !request.parse(head).is_ok_and(|status| status.is_complete()) {
            return false;
        }
        let headers = request
            .headers
            .iter()
            .map(|header| (header.name, header.value));
        let Ok(upgrade) = server::check(request.method.unwrap_or_default(), 1, headers, false)
        else {
            return false;
        };
        let mut answer = Vec::new();
        upgrade.write_answer(None, &mut answer);
        self.decoder = Some(Decoder::new(Role::Server, false));
        self.write(&answer);
        true
    }

    /// Writes at once what the system takes, and keeps the rest; drops all of it where much is kept.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let written = if self.pending.is_empty() {
            self.socket.write(bytes).unwrap_or(0)
        } else {
            0
        };
        if written < bytes.len() && self.pending.len() < MOST_PENDING {
            self.pending
                .extend_from_slice(bytes.get(written..).unwrap_or_default());
        }
    }

    /// Goes on with what is kept; false if the connection is broken.
    pub(crate) fn resume(&mut self) -> bool {
        while !self.pending.is_empty() {
            match self.socket.write(&self.pending) {
                Ok(written) => drop(self.pending.drain(..written)),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }
}

/// The next message; `Err` at the end of the conversation.
pub(crate) fn next<'a, 'buf: 'a>(
    decoder: &mut Decoder,
    input: &mut &'buf mut [u8],
    workspace: &'a mut Workspace,
) -> Result<Option<&'a [u8]>, ()> {
    match decoder.next(input, &LIMITS, workspace) {
        Ok(Some(Event::Text(text))) => Ok(Some(text.as_bytes())),
        Ok(Some(Event::Binary(bytes) | Event::Ping(bytes) | Event::Pong(bytes))) => Ok(Some(bytes)),
        Ok(None) => Ok(None),
        Ok(Some(Event::Close(_))) | Err(_) => Err(()),
    }
}

const LIMITS: Limits = Limits {
    max_message: 16 << 20,
    max_inflated: 16 << 20,
};
const MOST_PENDING: usize = 4 << 20;
