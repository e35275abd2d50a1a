//! The address to look at: a URL, read.

use std::fmt;
use std::net::IpAddr;

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether TLS is spoken.
    pub is_secure: bool,
    /// The name or address of the host, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query of the WebSocket.
    pub path: String,
}

/// The address of the door, where a URL names none.
const DEFAULT_PATH: &str = "/connection/websocket";

impl Target {
    /// Reads `https://host:port/path`, or `http`, `wss`, `ws`; without a path, the default one of the WebSocket.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(format!(
                "{url}: a URL begins with https://, wss://, http:// or ws://"
            ));
        };
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            other => {
                return Err(format!(
                    "{url}: {other}:// is not looked at; write https://, wss://, http:// or ws://"
                ));
            }
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        let path = match path {
            "" | "/" => DEFAULT_PATH.to_owned(),
            query if query.starts_with('?') => format!("{DEFAULT_PATH}{query}"),
            path => path.to_owned(),
        };
        if authority.contains('@') {
            return Err(format!("{url}: a user and password in a URL are not sent"));
        }
        let (host, port) = split_port(authority);
        let port = match port {
            Some(port) => port
                .parse()
                .map_err(|_| format!("{url}: {port:?} is no port"))?,
            None if is_secure => 443,
            None => 80,
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(format!("{url}: there is no host in it"));
        }
        Ok(Self {
            is_secure,
            host: host.to_owned(),
            port,
            path,
        })
    }

    /// Reads a URL, or an address that leaves the scheme away, as people type it: this machine is then spoken with by
    /// `http`, any other host by `https`. Returns what was put before the address, too.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_address(address: &str) -> Result<(Self, Option<&'static str>), String> {
        if address.contains("://") {
            return Ok((Self::parse(address)?, None));
        }
        let as_local = Self::parse(&format!("http://{address}"))?;
        let is_local = match as_local.host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
            Err(_) => as_local.host.eq_ignore_ascii_case("localhost"),
        };
        if is_local {
            return Ok((as_local, Some("http://")));
        }
        Ok((
            Self::parse(&format!("https://{address}"))?,
            Some("https://"),
        ))
    }

    /// The value of the header `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match (self.is_secure, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// Splits `host:port`; an IPv6 address stands in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        return (host, rest.strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_url_is_read_with_the_ports_and_the_path_that_it_leaves_out() {
        for (url, expected) in [
            (
                "https://chat.example",
                "wss://chat.example/connection/websocket",
            ),
            (
                "HTTP://chat.example/",
                "ws://chat.example/connection/websocket",
            ),
            (
                "ws://chat.example:8000?a=b",
                "ws://chat.example:8000/connection/websocket?a=b",
            ),
            ("wss://chat.example:443/x/y#z", "wss://chat.example/x/y"),
            ("ws://[::1]:9", "ws://[::1]:9/connection/websocket"),
            ("ws://[::1]/x", "ws://[::1]/x"),
        ] {
            assert_eq!(Target::parse(url).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn the_scheme_of_an_address_may_be_left_away() {
        for (address, expected, assumed) in [
            (
                "localhost:8000",
                "ws://localhost:8000/connection/websocket",
                Some("http://"),
            ),
            ("127.0.0.1:9/x", "ws://127.0.0.1:9/x", Some("http://")),
            (
                "[::1]:9",
                "ws://[::1]:9/connection/websocket",
                Some("http://"),
            ),
            (
                "chat.example",
                "wss://chat.example/connection/websocket",
                Some("https://"),
            ),
            (
                "http://chat.example",
                "ws://chat.example/connection/websocket",
                None,
            ),
        ] {
            let (target, before) = Target::parse_address(address).unwrap();
            assert_eq!((target.to_string().as_str(), before), (expected, assumed));
        }
        assert!(Target::parse_address("localhost:x").is_err());
        assert!(Target::parse_address("").is_err());
    }

    #[test]
    fn what_is_no_url_is_refused_in_words() {
        for url in [
            "chat.example",
            "ftp://a",
            "http://",
            "http://a:x",
            "http://u:p@a",
            "http://:1",
        ] {
            let words = Target::parse(url).unwrap_err();
            assert!(words.starts_with(url), "{words}");
        }
    }
}
