//! The address of a server, completed: people type `localhost:8000`.

use std::fmt;

/// How bytes travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket.
    #[default]
    WebSocket,
    /// A streamed HTTP response, and a request for each command.
    HttpStream,
}

impl Transport {
    /// The name by which the command line knows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::HttpStream => "http_stream",
        }
    }
}

/// Where a client connects: a URL with a scheme of the transport, a host and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Completes what was typed. `ws` and `http` are the same here, and so are `wss` and `https`: the transport says
    /// which one it is. Without a scheme there is no TLS; without a path it is `default_path`.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn complete(typed: &str, transport: Transport, default_path: &str) -> Result<Self, String> {
        let typed = typed.trim();
        let (scheme, rest) = typed.split_once("://").unwrap_or(("ws", typed));
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => false,
            "wss" | "https" => true,
            _ => {
                return Err(format!(
                    "{typed}: a URL begins with ws://, wss://, http:// or https://"
                ));
            }
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(format!("{typed}: there is no host in it"));
        }
        let scheme = match (transport, is_secure) {
            (Transport::WebSocket, false) => "ws",
            (Transport::WebSocket, true) => "wss",
            (Transport::HttpStream, false) => "http",
            (Transport::HttpStream, true) => "https",
        };
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        let path = if matches!(path, "" | "/") {
            default_path
        } else {
            path
        };
        Ok(Self(format!("{scheme}://{host}{path}{query}")))
    }

    /// The whole URL. Its query may hold a secret.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.starts_with("wss:") || self.0.starts_with("https:")
    }
}

/// Without the query.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Transport};

    fn complete(typed: &str, transport: Transport) -> Result<String, String> {
        Address::complete(typed, transport, "/door").map(|it| it.0)
    }

    #[test]
    fn what_was_left_out_is_added_and_the_transport_says_the_scheme() {
        for (typed, expected) in [
            ("localhost:8000", "ws://localhost:8000/door"),
            ("https://example.com", "wss://example.com/door"),
            ("WS://example.com/?a=b", "ws://example.com/door?a=b"),
            (" wss://[::1]:9/x?y#z ", "wss://[::1]:9/x?y"),
        ] {
            assert_eq!(complete(typed, Transport::WebSocket).unwrap(), expected);
        }
        let stream = complete("wss://example.com/x", Transport::HttpStream);
        assert_eq!(stream.unwrap(), "https://example.com/x");
        for wrong in ["", "ws://", "ftp://x", "ws:///path", "a b"] {
            assert!(complete(wrong, Transport::WebSocket).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_in_the_query_is_not_shown() {
        let address = Address::complete("x/y?token=secret", Transport::WebSocket, "/").unwrap();
        assert_eq!(address.to_string(), "ws://x/y");
        assert!(address.as_str().contains("secret"));
    }
}
