//! Sockets that clients connect to: one for each worker, on one port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use veche_node::listener::{Listener, Role};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4096;
/// Bytes that may wait in the kernel, unsent, for one client.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOT_SENT_LOW_WATER: u32 = 64 << 10;

/// Sockets that listen, per worker. Where the system does not spread connections over several sockets, the first
/// worker has all, and deals.
#[derive(Debug)]
pub struct Listeners {
    /// The addresses, with the ports that the system chose.
    pub addresses: Vec<SocketAddr>,
    per_worker: Vec<Vec<TcpListener>>,
}

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port of this section of the configuration is in use.
    #[error("port {0} is in use: stop what uses it, or choose another with {1}.port")]
    PortInUse(u16, &'static str),
    /// The host that this section of the configuration names has no address here.
    #[error("{1}.address {0:?} is no address of this machine")]
    BadAddress(String, &'static str, #[source] io::Error),
    /// Anything else.
    #[error("cannot listen on {0}")]
    Failed(SocketAddr, #[source] io::Error),
}

impl Listeners {
    /// Listens on a host (empty for every interface) and port (0 for a free one).
    ///
    /// # Errors
    /// [`ListenError`] says what to change.
    pub fn on_host(host: &str, port: u16, workers: usize) -> Result<Self, ListenError> {
        if host.is_empty() {
            // One socket for both families, or the older alone where there is no other.
            let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            return match Self::on(&[every], workers) {
                Err(ListenError::Failed(..)) => {
                    Self::on(&[(Ipv4Addr::UNSPECIFIED, port).into()], workers)
                }
                other => other,
            };
        }
        let addresses: Vec<_> = (host, port)
            .to_socket_addrs()
            .map_err(|error| ListenError::BadAddress(host.to_owned(), CLIENTS, error))?
            .collect();
        Self::on(&addresses, workers)
    }

    /// Listens on 127.0.0.1 and, if the machine has it, on `::1`.
    ///
    /// # Errors
    /// [`ListenError`] says what to change.
    pub fn on_loopback(port: u16, workers: usize) -> Result<Self, ListenError> {
        let mut listeners = Self::on(&[(Ipv4Addr::LOCALHOST, port).into()], workers)?;
        let port = listeners.addresses.first().map_or(port, SocketAddr::port);
        match Self::on(&[(Ipv6Addr::LOCALHOST, port).into()], workers) {
            Ok(newer) => {
                listeners.addresses.extend(newer.addresses);
                for (mine, its) in listeners.per_worker.iter_mut().zip(newer.per_worker) {
                    mine.extend(its);
                }
            }
            Err(error @ ListenError::PortInUse(..)) => return Err(error),
            Err(error) => tracing::debug!(%error, "not listening on ::1"),
        }
        Ok(listeners)
    }

    /// The sockets of each worker.
    pub(crate) fn for_workers(self) -> Vec<Vec<Listener>> {
        let listener = |socket| Listener {
            socket,
            role: Role::OUTSIDE,
        };
        let of_worker = |sockets: Vec<TcpListener>| sockets.into_iter().map(listener).collect();
        self.per_worker.into_iter().map(of_worker).collect()
    }

    fn on(addresses: &[SocketAddr], workers: usize) -> Result<Self, ListenError> {
        let mut listeners = Self {
            addresses: Vec::new(),
            per_worker: (0..workers).map(|_| Vec::new()).collect(),
        };
        for &address in addresses {
            let explain = |error| explained(CLIENTS, address, error);
            // Shared ports would let a second server take half of the connections in silence, so ask alone first.
            let alone = bind(address, false)
                .and_then(|socket| local(&socket))
                .map_err(explain)?;
            listeners.addresses.push(alone);
            for own in listeners
                .per_worker
                .iter_mut()
                .take(if SPREADS { workers } else { 1 })
            {
                own.push(listen(alone).map_err(explain)?);
            }
        }
        Ok(listeners)
    }
}

/// The section of the configuration with the address for clients.
const CLIENTS: &str = "http_server";

/// Listens on a host (empty for every interface) and port, alone; `section` of the configuration says which.
///
/// # Errors
/// [`ListenError`] says what to change.
pub(crate) fn on_host_alone(
    section: &'static str,
    host: &str,
    port: u16,
) -> Result<Vec<TcpListener>, ListenError> {
    if host.is_empty() {
        let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
        let listening = match listen_alone(section, every) {
            Err(ListenError::Failed(..)) => {
                listen_alone(section, (Ipv4Addr::UNSPECIFIED, port).into())
            }
            other => other,
        };
        return Ok(vec![listening?]);
    }
    let addresses = (host, port).to_socket_addrs();
    let addresses =
        addresses.map_err(|error| ListenError::BadAddress(host.to_owned(), section, error))?;
    addresses
        .map(|address| listen_alone(section, address))
        .collect()
}

fn listen_alone(section: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listening = || {
        let socket = bind(address, false)?;
        socket.set_nonblocking(true)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listening().map_err(|error| explained(section, address, error))
}

fn explained(section: &'static str, address: SocketAddr, error: io::Error) -> ListenError {
    match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::PortInUse(address.port(), section),
        io::ErrorKind::AddrNotAvailable => {
            ListenError::BadAddress(address.ip().to_string(), section, error)
        }
        _ => ListenError::Failed(address, error),
    }
}

/// Whether the system spreads connections over all sockets that share a port.
const SPREADS: bool = cfg!(any(target_os = "linux", target_os = "android"));

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bind(address, SPREADS)?;
    // Accepted sockets inherit these.
    socket.set_tcp_nodelay(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_notsent_lowat(NOT_SENT_LOW_WATER)?;
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if matches!(address.ip(), IpAddr::V6(ip) if ip.is_unspecified()) {
        socket.set_only_v6(false)?;
    }
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_reuse_port(share)?;
    let _ = share;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    let address = socket.local_addr()?;
    address
        .as_socket()
        .ok_or_else(|| io::Error::other("not an IP address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_somebody_has_is_refused_by_name() {
        let first = Listeners::on_loopback(0, 2).unwrap();
        let port = first.addresses[0].port();
        let error = Listeners::on_loopback(port, 2).unwrap_err();
        assert!(
            matches!(error, ListenError::PortInUse(taken, _) if taken == port),
            "{error}"
        );
        assert!(error.to_string().contains("http_server.port"));
    }

    #[test]
    fn a_port_for_one_listener_alone_is_not_shared_either() {
        let first = on_host_alone("grpc_api", "127.0.0.1", 0).unwrap();
        let port = first[0].local_addr().unwrap().port();
        let error = on_host_alone("grpc_api", "127.0.0.1", port).unwrap_err();
        let words = format!("port {port} is in use");
        assert!(error.to_string().contains(&words), "{error}");
        assert!(error.to_string().contains("grpc_api.port"), "{error}");
        let error = on_host_alone("grpc_api", "192.0.2.1", 0).unwrap_err();
        assert!(error.to_string().contains("grpc_api.address"), "{error}");
    }

    #[test]
    fn every_worker_has_a_socket_on_the_same_port() {
        let listeners = Listeners::on_host("127.0.0.1", 0, 3).unwrap();
        assert_eq!(listeners.addresses.len(), 1);
        let sockets = listeners.per_worker.iter().flatten().count();
        assert_eq!(sockets, if SPREADS { 3 } else { 1 });
        for socket in listeners.per_worker.iter().flatten() {
            assert_eq!(socket.local_addr().unwrap(), listeners.addresses[0]);
        }
    }

    #[test]
    fn a_foreign_address_is_refused_by_name() {
        let error = Listeners::on_host("192.0.2.1", 0, 1).unwrap_err();
        assert!(matches!(error, ListenError::BadAddress(..)), "{error}");
    }
}
