//! Where to connect to: a `ws://` or `wss://` URL, taken apart and checked.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// A WebSocket URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) is_secure: bool,
    /// A name or an address; an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Path and query, from the slash.
    pub(crate) target: String,
    /// `user:password`, decoded.
    pub(crate) user_info: Option<String>,
}

/// What is wrong with a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is another one, or there is none.
    #[error("the URL must begin with ws:// or wss://")]
    Scheme,
    /// There is no host, or it holds what a host cannot. A name beyond ASCII has to be given in
    /// its encoded form (`xn--…`).
    #[error("the URL has no valid host; a name beyond ASCII is written as xn--…")]
    Host,
    /// The port is 0, or no number up to 65535.
    #[error("the port of the URL must be a number from 1 to 65535")]
    Port,
    /// It has a `#`, which a WebSocket URL must not have (RFC 6455, section 3).
    #[error("a WebSocket URL must not have a fragment; write %23 for a # in it")]
    Fragment,
    /// A space, a control character or one beyond ASCII stands in it, and is not
    /// percent-encoded.
    #[error("the URL holds a character that has to be percent-encoded")]
    Character,
}

impl Url {
    /// # Source
    /// RFC 6455, section 3; RFC 3986, section 3.
    pub(crate) fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            _ => return Err(UrlError::Scheme),
        };
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if target.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(UrlError::Character);
        }
        let authority = Authority::parse(authority)?;
        Ok(Self {
            is_secure,
            host: authority.host,
            port: (authority.port).unwrap_or(if is_secure { 443 } else { 80 }),
            target: if target.starts_with('/') {
                target.to_owned()
            } else {
                format!("/{target}")
            },
            user_info: authority.user_info,
        })
    }

    /// The value of `Host`: with the port where it is not the scheme's own.
    pub(crate) fn host_header(&self) -> String {
        if self.port == if self.is_secure { 443 } else { 80 } {
            bracketed(&self.host).to_string()
        } else {
            self.host_and_port()
        }
    }

    /// Host and port, as a proxy is asked for them.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }
}

/// `user:password@host:port`, as a URL of any scheme has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) user_info: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Authority {
    pub(crate) fn parse(authority: &str) -> Result<Self, UrlError> {
        let (user_info, address) = match authority.rsplit_once('@') {
            Some((user_info, address)) => (Some(decode(user_info)?), address),
            None => (None, authority),
        };
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(UrlError::Host)?;
                host.parse::<std::net::Ipv6Addr>()
                    .map_err(|_| UrlError::Host)?;
                let port = match port.strip_prefix(':') {
                    Some(port) => port,
                    None if port.is_empty() => "",
                    None => return Err(UrlError::Host),
                };
                (host, port)
            }
            None => address.split_once(':').unwrap_or((address, "")),
        };
        let may_name = |c: char| c.is_ascii_alphanumeric() || "-._~:".contains(c);
        if host.is_empty() || !host.chars().all(may_name) {
            return Err(UrlError::Host);
        }
        let port = match port {
            "" => None,
            port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(
                port.parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or(UrlError::Port)?,
            ),
            _ => return Err(UrlError::Port),
        };
        Ok(Self {
            user_info,
            host: host.to_owned(),
            port,
        })
    }
}

/// What `Authorization: Basic` and `Proxy-Authorization: Basic` say.
pub(crate) fn basic(user_info: &str) -> String {
    let user_info = if user_info.contains(':') {
        STANDARD.encode(user_info)
    } else {
        STANDARD.encode(format!("{user_info}:"))
    };
    format!("Basic {user_info}")
}

fn decode(text: &str) -> Result<String, UrlError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| UrlError::Character)
}

/// A host as it stands before a port.
pub(crate) fn bracketed(host: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        if host.contains(':') {
            write!(f, "[{host}]")
        } else {
            f.write_str(host)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Result<(String, u16, String), UrlError> {
        Url::parse(url).map(|url| (url.host, url.port, url.target))
    }

    #[test]
    fn a_url_is_taken_apart() {
        let part = |host: &str, port, target: &str| Ok((host.to_owned(), port, target.to_owned()));
        assert_eq!(parts("ws://example.com"), part("example.com", 80, "/"));
        assert_eq!(parts("wss://example.com/"), part("example.com", 443, "/"));
        assert_eq!(
            parts("WS://example.com:8000/a/b?c=d&e=%20"),
            part("example.com", 8000, "/a/b?c=d&e=%20")
        );
        assert_eq!(
            parts("ws://example.com?token=1"),
            part("example.com", 80, "/?token=1")
        );
        assert_eq!(parts("ws://[::1]:9000/x"), part("::1", 9000, "/x"));
        assert_eq!(parts("ws://localhost:/x"), part("localhost", 80, "/x"));
    }

    #[test]
    fn what_cannot_be_connected_to_is_named() {
        for (url, error) in [
            ("https://example.com", UrlError::Scheme),
            ("example.com", UrlError::Scheme),
            ("ws:/example.com", UrlError::Scheme),
            ("ws://", UrlError::Host),
            ("ws:///path", UrlError::Host),
            ("ws://exa mple.com/", UrlError::Host),
            ("ws://вече.example/", UrlError::Host),
            ("ws://[::1/", UrlError::Host),
            ("ws://[example]/", UrlError::Host),
            ("ws://[::1]80/", UrlError::Host),
            ("ws://example.com:0/", UrlError::Port),
            ("ws://example.com:65536/", UrlError::Port),
            ("ws://example.com:+80/", UrlError::Port),
            ("ws://example.com/#", UrlError::Fragment),
            ("ws://example.com:0/#", UrlError::Fragment),
            ("ws://example.com/a b", UrlError::Character),
            ("ws://example.com/a\r\nX: y", UrlError::Character),
            ("ws://example.com/вече", UrlError::Character),
            ("ws://%ff@example.com/", UrlError::Character),
        ] {
            assert_eq!(parts(url), Err(error), "{url}");
        }
    }

    #[test]
    fn the_host_header_names_a_port_that_is_not_the_schemes_own() {
        let header = |url| Url::parse(url).expect("a good URL").host_header();
        assert_eq!(header("ws://example.com:80/"), "example.com");
        assert_eq!(header("wss://example.com:80/"), "example.com:80");
        assert_eq!(header("ws://[::1]:9000/"), "[::1]:9000");
        assert_eq!(header("ws://[::1]/"), "[::1]");
    }

    #[test]
    fn user_and_password_are_decoded_and_become_basic_authorization() {
        let url = Url::parse("ws://anna:p%40ss@example.com/").expect("a good URL");
        assert_eq!(url.user_info.as_deref(), Some("anna:p@ss"));
        assert_eq!(basic("anna:p@ss"), "Basic YW5uYTpwQHNz");
        assert_eq!(basic("anna"), basic("anna:"));
    }
}
