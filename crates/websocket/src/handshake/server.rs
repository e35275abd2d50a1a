//! The server's half of the handshake: a request is checked, and answered or refused.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::{Headers, accept_key, extension};
use crate::deflate::Deflate;

/// A request that may be upgraded; nothing was answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade<'a> {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept: String,
    /// What came of the offers of permessage-deflate; `None` also where it was not to be used.
    pub deflate: Option<Deflate>,
    /// The subprotocols the client speaks, its favourite first.
    pub protocols: Vec<&'a str>,
}

/// Checks the head of a request. `minor_version` is the 1 of HTTP/1.1; `deflate` says whether an
/// offer of permessage-deflate is to be taken.
///
/// Who may connect (`Origin`, a path, a token) is not looked at.
///
/// # Errors
/// An [`UpgradeError`] that names what is wrong.
/// # Source
/// RFC 6455, section 4.2.1; RFC 9112, section 3.2 (`Host`).
pub fn check<'a>(
    method: &str,
    minor_version: u8,
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    deflate: bool,
) -> Result<Upgrade<'a>, UpgradeError> {
    if method != "GET" {
        return Err(UpgradeError::Method);
    }
    if minor_version < 1 {
        return Err(UpgradeError::HttpVersion);
    }
    if headers.only("host").is_none() {
        return Err(UpgradeError::Host);
    }
    if !headers.has_token("upgrade", "websocket") {
        return Err(UpgradeError::Upgrade);
    }
    if !headers.has_token("connection", "upgrade") {
        return Err(UpgradeError::Connection);
    }
    if headers.only("sec-websocket-version") != Some("13") {
        return Err(UpgradeError::Version);
    }
    let Some(key) = headers.only("sec-websocket-key").filter(|key| is_key(key)) else {
        return Err(UpgradeError::Key);
    };
    // A body would be read as frames.
    if headers.all("content-length").any(|length| length != b"0")
        || headers.all("transfer-encoding").next().is_some()
    {
        return Err(UpgradeError::Body);
    }
    Ok(Upgrade {
        accept: accept_key(key),
        deflate: if deflate {
            extension::accept(headers.members("sec-websocket-extensions"))
        } else {
            None
        },
        protocols: headers.members("sec-websocket-protocol").collect(),
    })
}

impl<'a> Upgrade<'a> {
    /// The first of the client's subprotocols that is among `ours`.
    pub fn choose(&self, ours: &[&str]) -> Option<&'a str> {
        self.protocols
            .iter()
            .copied()
            .find(|protocol| ours.contains(protocol))
    }

    /// The headers of the answer 101, beside `Connection: Upgrade` and `Upgrade: websocket`.
    /// `protocol` is one of those the client named.
    pub fn answer_headers(
        &self,
        protocol: Option<&'a str>,
    ) -> impl Iterator<Item = (&'static str, String)> {
        let protocol = protocol.map(|protocol| ("Sec-WebSocket-Protocol", protocol.to_owned()));
        let deflate = self
            .deflate
            .map(|deflate| ("Sec-WebSocket-Extensions", extension::answer(deflate)));
        [
            Some(("Sec-WebSocket-Accept", self.accept.clone())),
            protocol,
            deflate,
        ]
        .into_iter()
        .flatten()
    }

    /// Appends the whole answer 101, after which frames follow.
    pub fn write_answer(&self, protocol: Option<&'a str>, out: &mut Vec<u8>) {
        let headers: Vec<_> = self.answer_headers(protocol).collect();
        write_answer(headers.iter().map(|(name, value)| (*name, &**value)), out);
    }
}

/// Appends the whole answer 101 with these headers beside `Connection: Upgrade` and `Upgrade: websocket`.
pub fn write_answer<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
    );
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// What is wrong with a request to upgrade. Displayed, it is the text to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum UpgradeError {
    /// Not a GET.
    Method,
    /// HTTP/1.0 or older.
    HttpVersion,
    /// No `Host`, or two.
    Host,
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `upgrade`.
    Connection,
    /// `Sec-WebSocket-Version` is not 13.
    Version,
    /// `Sec-WebSocket-Key` is not 16 bytes in base64.
    Key,
    /// A body is announced.
    Body,
}

impl UpgradeError {
    /// The HTTP status to answer with.
    pub fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::Version => 426,
            _ => 400,
        }
    }

    /// What is wrong, for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Method => "a WebSocket upgrade is a GET request",
            Self::HttpVersion => {
                "a WebSocket upgrade needs HTTP/1.1; a proxy before the server may speak HTTP/1.0 \
                 (nginx: proxy_http_version 1.1)"
            }
            Self::Host => "the request must have one Host header",
            Self::Connection => {
                "not a WebSocket upgrade: the Connection header does not name \"upgrade\"; \
                 a proxy before the server must pass it on (nginx: proxy_set_header Connection \"upgrade\")"
            }
            Self::Upgrade => {
                "not a WebSocket upgrade (ws:// or wss://): the Upgrade header does not name \"websocket\"; \
                 a proxy before the server must pass it on (nginx: proxy_set_header Upgrade $http_upgrade)"
            }
            Self::Version => {
                "only WebSocket version 13 is spoken here: see the Sec-WebSocket-Version header"
            }
            Self::Key => "the Sec-WebSocket-Key header must be 16 bytes in base64, once",
            Self::Body => {
                "a WebSocket upgrade has no body: see the Content-Length and Transfer-Encoding headers"
            }
        }
    }

    /// A header that the status obliges us to send with it.
    pub fn header(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Method => Some(("Allow", "GET")),
            Self::Version => Some(("Sec-WebSocket-Version", "13")),
            _ => None,
        }
    }
}

fn is_key(key: &str) -> bool {
    let mut decoded = [0; 18];
    KEY_BASE64.decode_slice(key, &mut decoded) == Ok(16)
}

/// Base64 that ignores what the last character says past the sixteenth byte: some clients draw
/// it at random.
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    type Pair<'a> = (&'a str, &'a [u8]);

    const REQUEST: [Pair; 5] = [
        ("Host", b"example.com"),
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", b"13"),
    ];

    /// The sample request with `name` replaced by `values`.
    fn with<'a>(name: &str, values: &[Pair<'a>]) -> Result<Upgrade<'a>, UpgradeError> {
        let mut headers: Vec<Pair> = REQUEST
            .into_iter()
            .filter(|(other, _)| *other != name)
            .collect();
        headers.extend_from_slice(values);
        check("GET", 1, headers.into_iter(), true)
    }

    #[test]
    fn the_request_of_the_rfc_gets_the_answer_of_the_rfc() {
        let upgrade =
            with("", &[("Sec-WebSocket-Protocol", b"chat, superchat")]).expect("a good request");
        assert_eq!(upgrade.protocols, ["chat", "superchat"]);
        assert_eq!(upgrade.choose(&["superchat", "other"]), Some("superchat"));
        assert_eq!(upgrade.choose(&[]), None);
        let mut answer = Vec::new();
        upgrade.write_answer(Some("chat"), &mut answer);
        assert_eq!(
            String::from_utf8_lossy(&answer),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
        );
    }

    #[test]
    fn names_and_tokens_are_read_in_any_case_and_from_lists() {
        assert!(with("Connection", &[("CONNECTION", b"keep-alive, UPGRADE")]).is_ok());
        assert!(
            with(
                "Connection",
                &[("connection", b"keep-alive"), ("connection", b" upgrade ")]
            )
            .is_ok()
        );
        assert!(with("Upgrade", &[("upgrade", b"h2c, WebSocket")]).is_ok());
        let upgrade = with(
            "",
            &[
                ("sec-websocket-protocol", b"a"),
                ("Sec-WebSocket-Protocol", b" b ,,c"),
            ],
        );
        assert_eq!(
            upgrade.map(|upgrade| upgrade.protocols),
            Ok(vec!["a", "b", "c"])
        );
    }

    #[test]
    fn an_empty_body_announced_by_dart_is_no_body() {
        assert!(with("", &[("content-length", b"0")]).is_ok());
        assert_eq!(
            with("", &[("content-length", b"5")]),
            Err(UpgradeError::Body)
        );
        assert_eq!(
            with("", &[("transfer-encoding", b"chunked")]),
            Err(UpgradeError::Body)
        );
    }

    #[test]
    fn deflate_is_taken_only_where_it_is_wanted() {
        let offer: Pair = (
            "Sec-WebSocket-Extensions",
            b"permessage-deflate; client_max_window_bits",
        );
        let upgrade = with("", &[offer]).expect("a good request");
        let mut answer = Vec::new();
        upgrade.write_answer(None, &mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains(
            "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
        ));
        let headers = REQUEST.into_iter().chain([offer]);
        assert_eq!(
            check("GET", 1, headers, false).map(|upgrade| upgrade.deflate),
            Ok(None)
        );
    }

    #[test]
    fn each_error_names_its_header() {
        let cases: [(&str, &[Pair], UpgradeError, &str); 12] = [
            ("Host", &[], UpgradeError::Host, "Host"),
            ("Connection", &[], UpgradeError::Connection, "Connection"),
            (
                "Connection",
                &[("Connection", b"close")],
                UpgradeError::Connection,
                "Connection",
            ),
            ("Upgrade", &[], UpgradeError::Upgrade, "Upgrade"),
            (
                "Upgrade",
                &[("Upgrade", b"websockets")],
                UpgradeError::Upgrade,
                "Upgrade",
            ),
            (
                "Sec-WebSocket-Version",
                &[],
                UpgradeError::Version,
                "Sec-WebSocket-Version",
            ),
            (
                "Sec-WebSocket-Version",
                &[("Sec-WebSocket-Version", b"8")],
                UpgradeError::Version,
                "13",
            ),
            (
                "Sec-WebSocket-Key",
                &[],
                UpgradeError::Key,
                "Sec-WebSocket-Key",
            ),
            (
                "Sec-WebSocket-Key",
                &[("Sec-WebSocket-Key", b"c2hvcnQ=")],
                UpgradeError::Key,
                "Sec-WebSocket-Key",
            ),
            (
                "Sec-WebSocket-Key",
                &[("Sec-WebSocket-Key", b"not base64!")],
                UpgradeError::Key,
                "Sec-WebSocket-Key",
            ),
            (
                "Sec-WebSocket-Key",
                &[("Sec-WebSocket-Key", b"\xff\xfe")],
                UpgradeError::Key,
                "Sec-WebSocket-Key",
            ),
            (
                "",
                &[("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==")],
                UpgradeError::Key,
                "once",
            ),
        ];
        for (name, values, error, word) in cases {
            assert_eq!(with(name, values), Err(error), "{name} {values:?}");
            assert!(error.text().contains(word), "{error:?}");
        }
    }

    #[test]
    fn another_method_or_version_of_http_is_refused() {
        assert_eq!(
            check("POST", 1, REQUEST.into_iter(), true),
            Err(UpgradeError::Method)
        );
        assert_eq!(
            check("GET", 0, REQUEST.into_iter(), true),
            Err(UpgradeError::HttpVersion)
        );
    }

    #[test]
    fn another_version_is_told_which_one_we_speak() {
        let told = (
            UpgradeError::Version.status(),
            UpgradeError::Version.header(),
        );
        assert_eq!(told, (426, Some(("Sec-WebSocket-Version", "13"))));
    }

    #[test]
    fn a_key_with_stray_last_bits_is_sixteen_bytes_still() {
        assert!(
            with(
                "Sec-WebSocket-Key",
                &[("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZR==")]
            )
            .is_ok()
        );
    }
}
