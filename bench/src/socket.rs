//! Sockets of clients: from source addresses of their own where one has too few ports.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

/// Opens sockets to one address, without waiting.
#[derive(Debug)]
pub(crate) struct Dialer {
    address: SocketAddr,
    sources: u32,
    next: u32,
}

impl Dialer {
    /// A dialer for `count` connections. On loopback in Linux it takes a source address from
    /// 127.1.0.0/16 for each 5000: one address has some 28 000 ports, and to find a free one
    /// among the last of them takes long.
    pub(crate) fn new(address: SocketAddr, count: usize) -> Self {
        let is_wide =
            cfg!(target_os = "linux") && matches!(address.ip(), IpAddr::V4(ip) if ip.is_loopback());
        let wanted = count.div_ceil(PER_SOURCE);
        let sources = match u32::try_from(wanted) {
            Ok(wanted) if is_wide && wanted > 1 => wanted.min(MAX_SOURCES),
            _ => 0,
        };
        // A connection that was closed holds its port for a minute: the next run begins elsewhere.
        let next = if sources == 0 {
            0
        } else {
            fastrand::u32(..MAX_SOURCES)
        };
        Self {
            address,
            sources,
            next,
        }
    }

    /// How many source addresses it uses; 0 if the system chooses.
    pub(crate) fn sources(&self) -> u32 {
        self.sources
    }

    /// Begins to connect; the socket is writable when it is done. `small` asks the system to
    /// keep little of what nobody reads.
    pub(crate) fn dial(&mut self, number: usize, small: bool) -> io::Result<TcpStream> {
        let socket = Socket::new(
            Domain::for_address(self.address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if small {
            socket.set_recv_buffer_size(SMALL_BUFFER)?;
        }
        if let Some(source) = self.source(number) {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&self.address.into()) {
            Ok(()) => {}
            Err(error) if is_under_way(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(TcpStream::from_std(socket.into()))
    }

    fn source(&self, number: usize) -> Option<IpAddr> {
        let number = u32::try_from(number).ok()?.checked_rem(self.sources)?;
        let [_, _, high, low] = ((self.next + number) % MAX_SOURCES).to_be_bytes();
        // Never .0 and never .255, which are no host's.
        Some(Ipv4Addr::new(127, 1, high.wrapping_mul(2) | (low >> 7), (low & 0x7f) + 1).into())
    }
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::WouldBlock
    }
}

const PER_SOURCE: usize = 5000;
/// 127.1.x.1 to 127.1.x.128, for every x.
const MAX_SOURCES: u32 = 128 * 256;
const SMALL_BUFFER: usize = 4096;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Dialer, MAX_SOURCES};

    #[test]
    fn few_connections_leave_the_source_to_the_system() {
        let address = "127.0.0.1:8000".parse().expect("an address");
        assert_eq!(Dialer::new(address, 5000).source(0), None);
        let far = "192.0.2.1:8000".parse().expect("an address");
        assert_eq!(Dialer::new(far, 50_000).source(0), None);
    }

    #[test]
    fn every_source_is_a_host_of_its_own_on_loopback() {
        let dialer = Dialer {
            address: "127.0.0.1:8000".parse().expect("an address"),
            sources: MAX_SOURCES,
            next: 17,
        };
        let sources: HashSet<_> = (0..32_768)
            .filter_map(|number| dialer.source(number))
            .collect();
        assert_eq!(sources.len(), 32_768);
        let is_host = |source: &IpAddr| match source {
            IpAddr::V4(source) => {
                let [a, b, _, d] = source.octets();
                (a, b) == (127, 1) && d != 0 && d != 255 && *source != Ipv4Addr::LOCALHOST
            }
            IpAddr::V6(_) => false,
        };
        assert!(sources.iter().all(is_host));
    }
}
