//! The way to the server: names, addresses, TCP, and TLS over it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::target::Target;
use crate::tls::Tls;

/// Something that reads and writes, over TCP at the end.
pub(crate) trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// A connection to the server.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    /// The same connection below, for its timeouts.
    socket: TcpStream,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    /// So many bytes.
    Bytes(usize),
    /// The other side has ended it.
    End,
    /// Nothing, until the deadline.
    Nothing,
}

/// The addresses that a name stands for.
pub(crate) fn resolve(target: &Target) -> io::Result<Vec<SocketAddr>> {
    let mut addresses: Vec<SocketAddr> = (target.host.as_str(), target.port)
        .to_socket_addrs()?
        .collect();
    addresses.dedup();
    Ok(addresses)
}

impl Wire {
    /// Connects to an address, and speaks TLS there if it is to.
    pub(crate) fn open(
        address: SocketAddr,
        tls: Option<&Tls>,
        timeout: Duration,
    ) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&address, timeout)?;
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(timeout))?;
        socket.set_read_timeout(Some(timeout))?;
        let below = socket.try_clone()?;
        let stream: Box<dyn Stream> = match tls {
            Some(tls) => Box::new(tls.secure(below)?),
            None => Box::new(below),
        };
        Ok(Self { stream, socket })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Reads what comes until the deadline.
    pub(crate) fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<Came> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Came::Nothing);
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Came::End),
                Ok(count) => return Ok(Came::Bytes(count)),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::Interrupted => {}
                    // A peer that ends TLS without saying so has ended it all the same.
                    io::ErrorKind::UnexpectedEof => return Ok(Came::End),
                    _ => return Err(error),
                },
            }
        }
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
