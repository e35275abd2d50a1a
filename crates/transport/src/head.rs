//! The head of an HTTP request, whoever parsed it.

use std::borrow::Cow;

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method, as it was sent.
    pub method: &'a str,
    /// The 1 of HTTP/1.1.
    pub minor_version: u8,
    /// The path, without the query.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: &'a str,
    /// Names in any case, and values.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Head<'a> {
    /// The first header of this name, if its value is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The values of all headers of this name, as they were sent.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.iter();
        headers
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The first parameter of this name, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        let pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
        Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy())
    }

    /// Whether the client asks to leave HTTP for WebSocket.
    #[must_use]
    pub fn asks_for_websocket(&self) -> bool {
        self.header("upgrade")
            .is_some_and(|upgrade| upgrade.to_ascii_lowercase().contains("websocket"))
    }
}

/// Splits a request's target into path and query.
#[must_use]
pub fn split_target(target: &str) -> (&str, &str) {
    let target = target.split_once('#').map_or(target, |(target, _)| target);
    target.split_once('?').unwrap_or((target, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_and_decoded() {
        let (path, query) = split_target("/connection/plain?a=1&token=x%2Ey%20z#frag");
        let head = Head {
            method: "GET",
            minor_version: 1,
            path,
            query,
            headers: &[],
        };
        assert_eq!(head.path, "/connection/plain");
        assert_eq!(head.parameter("token").as_deref(), Some("x.y z"));
        assert_eq!(head.parameter("b"), None);
    }

    #[test]
    fn header_names_have_no_case() {
        let headers = [("uPgRaDe", &b"WebSocket"[..])];
        let head = Head {
            method: "GET",
            minor_version: 1,
            path: "/",
            query: "",
            headers: &headers,
        };
        assert!(head.asks_for_websocket());
    }
}
