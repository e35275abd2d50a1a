//! The server's address: a URL, read and resolved.

use std::net::{SocketAddr, ToSocketAddrs};

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The first address that the name stands for.
    pub address: SocketAddr,
    /// Host and port, for the request.
    pub host: String,
    /// Path and query.
    pub path: String,
}

impl Target {
    /// Reads `ws://host:port/path`; without a path it is `default_path`, without a port 80.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(url: &str, default_path: &str) -> Result<Self, String> {
        let Some(rest) = url.strip_prefix("ws://") else {
            return Err(format!(
                "--url {url}: it begins with ws:// (TLS is not measured: put the generator behind the proxy that ends it)"
            ));
        };
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(split);
        let path = match path {
            "" => default_path.to_owned(),
            query if query.starts_with('?') => format!("{default_path}{query}"),
            path => path.to_owned(),
        };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let with_port = if has_port {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let addresses = with_port.to_socket_addrs();
        let first = addresses.ok().and_then(|mut addresses| addresses.next());
        Ok(Self {
            address: first.ok_or_else(|| {
                format!("--url {url}: {host:?} is not an address and no name of one")
            })?,
            host: host.to_owned(),
            path,
        })
    }

    /// Whether the server is on this machine, as far as the address tells.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.address.ip().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_url_is_an_address_and_a_path() {
        for (url, address, path) in [
            ("ws://127.0.0.1:8000", "127.0.0.1:8000", "/default"),
            ("ws://127.0.0.1:8000/", "127.0.0.1:8000", "/"),
            ("ws://127.0.0.1/a/b?c=d", "127.0.0.1:80", "/a/b?c=d"),
            ("ws://127.0.0.1:1?c=d", "127.0.0.1:1", "/default?c=d"),
            ("ws://[::1]:9/x", "[::1]:9", "/x"),
        ] {
            let target = Target::parse(url, "/default").expect(url);
            assert_eq!(
                (target.address.to_string().as_str(), target.path.as_str()),
                (address, path)
            );
        }
    }

    #[test]
    fn other_schemes_and_no_host_are_refused() {
        for url in ["wss://127.0.0.1:1", "127.0.0.1:8000", "ws://", "ws://:x"] {
            assert!(Target::parse(url, "/").is_err(), "{url}");
        }
    }
}
