//! A connection that was handed over, as the tasks of a runtime read and write it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Handover;
use crate::link::Link;
use crate::listener::Role;

impl Handover {
    /// A stream for the runtime on which this is called. What was read already comes first.
    ///
    /// # Errors
    /// When the runtime does not take the socket.
    pub fn into_stream(self) -> io::Result<Stream> {
        let socket = self.link.into_socket()?;
        Ok(Stream {
            received: self.received,
            socket: tokio::net::TcpStream::from_std(socket.into())?,
            role: self.role,
        })
    }
}

/// A connection as tasks read and write it.
#[derive(Debug)]
pub struct Stream {
    received: Bytes,
    socket: tokio::net::TcpStream,
    role: Role,
}

impl Stream {
    /// A socket of which `received` was read already.
    #[must_use]
    pub fn new(received: &[u8], socket: tokio::net::TcpStream, role: Role) -> Self {
        Self {
            received: Bytes::copy_from_slice(received),
            socket,
            role,
        }
    }

    /// Takes the connection back from the runtime, with what is still to be read, and `more` that was read behind it.
    ///
    /// # Errors
    /// When the runtime does not give the socket back.
    pub fn into_handover(self, more: &[u8]) -> io::Result<Handover> {
        let socket = mio::net::TcpStream::from_std(self.socket.into_std()?);
        let received = [&self.received, more].concat();
        Ok(Handover::new(Link::Socket(socket), received, self.role))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received.is_empty() {
            return Pin::new(&mut self.socket).poll_read(context, buffer);
        }
        let count = self.received.len().min(buffer.remaining());
        buffer.put_slice(self.received.get(..count).unwrap_or_default());
        self.received.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
