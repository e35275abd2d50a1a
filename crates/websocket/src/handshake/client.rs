//! The client's half of the handshake: a request is written, and the answer to it is checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Headers, accept_key, extension};
use crate::deflate::Deflate;

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Host, with the port where it is not the scheme's own.
    pub host: &'a str,
    /// Path and query, from the slash.
    pub target: &'a str,
    /// The value of `Sec-WebSocket-Key`, as [`key`] makes it.
    pub key: &'a str,
    /// Subprotocols, the favourite first.
    pub protocols: &'a [&'a str],
    /// Whether to offer permessage-deflate.
    pub deflate: bool,
    /// Further headers, as `Origin` or `Authorization`.
    pub headers: &'a [(&'a str, &'a str)],
}

/// What the two sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement<'a> {
    /// One of the subprotocols that were offered.
    pub protocol: Option<&'a str>,
    /// Present where the server took the offer of permessage-deflate.
    pub deflate: Option<Deflate>,
}

/// Why a connection did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// A part of the request holds a line break, another control character or, in the target,
    /// a space. Nothing was written.
    #[error("the request would hold a control character or a space where none may be")]
    Unwritable,
    /// Any answer but 101; its meaning is HTTP's.
    #[error("the server answered {0} instead of 101")]
    Status(u16),
    /// The header that is missing or not what it must be.
    #[error("the server's {0} header is missing or wrong")]
    Header(&'static str),
}

/// A `Sec-WebSocket-Key` from 16 random bytes, new for each connection.
pub fn key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

impl Request<'_> {
    /// Appends the request.
    ///
    /// # Errors
    /// [`HandshakeError::Unwritable`].
    /// # Source
    /// RFC 6455, section 4.1.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), HandshakeError> {
        let protocols = self.protocols.join(", ");
        let mut headers = vec![
            ("Host", self.host),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", self.key),
        ];
        if !protocols.is_empty() {
            headers.push(("Sec-WebSocket-Protocol", &protocols));
        }
        if self.deflate {
            headers.push(("Sec-WebSocket-Extensions", extension::CLIENT_OFFER));
        }
        headers.extend_from_slice(self.headers);
        let is_bad = |text: &str| text.contains(char::is_control);
        if self.target.contains(' ')
            || is_bad(self.target)
            || headers
                .iter()
                .any(|(name, value)| is_bad(name) || is_bad(value))
        {
            return Err(HandshakeError::Unwritable);
        }
        out.extend_from_slice(format!("GET {} HTTP/1.1\r\n", self.target).as_bytes());
        for (name, value) in headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Checks the head of the answer.
    ///
    /// # Errors
    /// [`HandshakeError::Status`] or [`HandshakeError::Header`]; the connection is to be dropped.
    /// # Source
    /// RFC 6455, section 4.1, after "Once the client's opening handshake has been sent".
    pub fn check<'a>(
        &self,
        status: u16,
        headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<Agreement<'a>, HandshakeError> {
        if status != 101 {
            return Err(HandshakeError::Status(status));
        }
        if !headers.has_token("upgrade", "websocket") {
            return Err(HandshakeError::Header("Upgrade"));
        }
        if !headers.has_token("connection", "upgrade") {
            return Err(HandshakeError::Header("Connection"));
        }
        if headers.only("sec-websocket-accept") != Some(accept_key(self.key).as_str()) {
            return Err(HandshakeError::Header("Sec-WebSocket-Accept"));
        }
        let protocol = headers.only("sec-websocket-protocol");
        let is_offered = protocol.is_some_and(|protocol| self.protocols.contains(&protocol));
        if headers.all("sec-websocket-protocol").next().is_some() && !is_offered {
            return Err(HandshakeError::Header("Sec-WebSocket-Protocol"));
        }
        let mut extensions = headers.members("sec-websocket-extensions");
        let deflate = extensions
            .next()
            .map(|answer| extension::agreed(answer).filter(|_| self.deflate));
        if deflate == Some(None) || extensions.next().is_some() {
            return Err(HandshakeError::Header("Sec-WebSocket-Extensions"));
        }
        Ok(Agreement {
            protocol,
            deflate: deflate.flatten(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::server;

    const REQUEST: Request = Request {
        host: "example.com:8000",
        target: "/connection/websocket?x=1",
        key: "dGhlIHNhbXBsZSBub25jZQ==",
        protocols: &["centrifuge-protobuf", "centrifuge-json"],
        deflate: true,
        headers: &[("Origin", "http://example.com")],
    };

    const ANSWER: [(&str, &[u8]); 3] = [
        ("upgrade", b"WebSocket"),
        ("connection", b"keep-alive, Upgrade"),
        ("sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];

    fn check_with(
        extra: &'static [(&'static str, &'static [u8])],
    ) -> Result<Agreement<'static>, HandshakeError> {
        REQUEST.check(101, ANSWER.into_iter().chain(extra.iter().copied()))
    }

    /// A head as `name: value` lines, the first line left out.
    fn parse(head: &[u8]) -> Vec<(&str, &[u8])> {
        let head = std::str::from_utf8(head)
            .expect("text")
            .strip_suffix("\r\n\r\n")
            .expect("an end");
        let lines = head.split("\r\n").skip(1);
        lines
            .map(|line| line.split_once(": ").expect("a header"))
            .map(|(n, v)| (n, v.as_bytes()))
            .collect()
    }

    #[test]
    fn our_client_and_our_server_agree() {
        let mut request = Vec::new();
        REQUEST.write(&mut request).expect("a good request");
        assert!(
            request.starts_with(
                b"GET /connection/websocket?x=1 HTTP/1.1\r\nHost: example.com:8000\r\n"
            )
        );
        let upgrade =
            server::check("GET", 1, parse(&request).into_iter(), true).expect("an upgrade");
        let mut answer = Vec::new();
        upgrade.write_answer(upgrade.choose(&["centrifuge-json"]), &mut answer);
        let agreement = REQUEST.check(101, parse(&answer).into_iter());
        let expected = Agreement {
            protocol: Some("centrifuge-json"),
            deflate: Some(Deflate { window_bits: 15 }),
        };
        assert_eq!(agreement, Ok(expected));
    }

    #[test]
    fn an_answer_may_leave_out_what_was_offered() {
        assert_eq!(
            check_with(&[]),
            Ok(Agreement {
                protocol: None,
                deflate: None
            })
        );
    }

    #[test]
    fn an_answer_may_not_add_what_was_not_offered() {
        let wrong = |name| Err(HandshakeError::Header(name));
        assert_eq!(
            check_with(&[("sec-websocket-protocol", b"chat")]),
            wrong("Sec-WebSocket-Protocol")
        );
        assert_eq!(
            check_with(&[("sec-websocket-extensions", b"gzip")]),
            wrong("Sec-WebSocket-Extensions")
        );
        let plain = Request {
            deflate: false,
            ..REQUEST
        };
        let deflated = ANSWER.into_iter().chain([(
            "sec-websocket-extensions",
            b"permessage-deflate; server_no_context_takeover".as_slice(),
        )]);
        assert_eq!(
            plain.check(101, deflated),
            wrong("Sec-WebSocket-Extensions")
        );
    }

    #[test]
    fn another_status_or_another_key_is_no_agreement() {
        assert_eq!(
            REQUEST.check(403, ANSWER.into_iter()),
            Err(HandshakeError::Status(403))
        );
        let stale = Request {
            key: "AAAAAAAAAAAAAAAAAAAAAA==",
            ..REQUEST
        };
        assert_eq!(
            stale.check(101, ANSWER.into_iter()),
            Err(HandshakeError::Header("Sec-WebSocket-Accept"))
        );
        for missing in 0..3 {
            let headers = ANSWER
                .into_iter()
                .enumerate()
                .filter(|(i, _)| *i != missing)
                .map(|(_, h)| h);
            assert!(matches!(
                REQUEST.check(101, headers),
                Err(HandshakeError::Header(_))
            ));
        }
    }

    #[test]
    fn a_line_break_cannot_be_smuggled_into_a_request() {
        let bad_header = Request {
            headers: &[("X", "a\r\nY: b")],
            ..REQUEST
        };
        let bad_target = Request {
            target: "/ HTTP/1.1",
            ..REQUEST
        };
        for bad in [bad_header, bad_target] {
            let mut out = Vec::new();
            assert_eq!(bad.write(&mut out), Err(HandshakeError::Unwritable));
            assert!(out.is_empty());
        }
    }
}
