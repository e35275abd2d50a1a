//! The way bytes leave to one client, and come from it.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

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

impl Link {
    /// No more bytes will be sent; the client sees the end after what was.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.shutdown(Shutdown::Write),
            #[cfg(test)]
            Self::Metered(_) => Ok(()),
        }
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => uninterrupted(|| socket.read(buffer)),
            #[cfg(test)]
            Self::Metered(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
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
