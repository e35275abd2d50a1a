//! The way bytes leave to one client, and come from it: from the moment a worker accepts it to its end.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

pub mod handover;

#[cfg(test)]
pub(crate) mod metered;

/// The way to one client.
#[derive(Debug)]
pub(crate) enum Link {
    /// A bare socket.
    Socket(TcpStream),
    /// A test's reader.
    #[cfg(test)]
    Metered(metered::Metered),
}

/// What a link gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes; none at the end.
    pub(crate) count: usize,
    /// There may be more, and the event loop will not tell of it again.
    pub(crate) has_more: bool,
}

impl Link {
    /// Has the event loop tell, once for each change, that bytes came or can be written.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Socket(socket) => {
                registry.register(socket, token, Interest::READABLE | Interest::WRITABLE)
            }
            #[cfg(test)]
            Self::Metered(_) => Ok(()),
        }
    }

    /// The event loop forgets the link.
    pub(crate) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Self::Socket(socket) => registry.deregister(socket),
            #[cfg(test)]
            Self::Metered(_) => Ok(()),
        }
    }

    /// Takes what has come, as much as `buffer` holds.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        match self {
            Self::Socket(socket) => {
                let count = uninterrupted(|| socket.read(buffer))?;
                // A short read has emptied the socket.
                let has_more = count == buffer.len();
                Ok(Received { count, has_more })
            }
            #[cfg(test)]
            Self::Metered(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// The socket, for whoever reads and writes it without an event loop of ours.
    fn into_socket(self) -> io::Result<TcpStream> {
        match self {
            Self::Socket(socket) => Ok(socket),
            #[cfg(test)]
            Self::Metered(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// No more bytes will be sent; the client sees the end after what was.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.shutdown(Shutdown::Write),
            #[cfg(test)]
            Self::Metered(_) => Ok(()),
        }
    }
}

impl From<TcpStream> for Link {
    fn from(socket: TcpStream) -> Self {
        Self::Socket(socket)
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => uninterrupted(|| socket.write(bytes)),
            #[cfg(test)]
            Self::Metered(pipe) => pipe.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => uninterrupted(|| socket.write_vectored(slices)),
            #[cfg(test)]
            Self::Metered(pipe) => pipe.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Repeats a call that a signal interrupted: the event loop would not tell of the socket again.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
