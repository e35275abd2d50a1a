//! The address to look at: a URL, read.

use std::fmt;

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
