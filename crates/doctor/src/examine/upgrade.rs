//! The upgrade to WebSocket: asked for as a client does, and what a refusal means.

use std::io;
use std::time::Instant;

use veche_websocket::handshake::client::{HandshakeError, Request, key};

use super::{Options, pass_upgrades};
use crate::check::{Check, Mark};
use crate::conversation::Conversation;
use crate::http::{self, NoResponse, Response};
use crate::wire::Wire;

/// The subprotocol of the Centrifuge JSON dialect: a server that has it says so.
const CENTRIFUGE_JSON: &str = "centrifuge-json";

/// A request for an upgrade.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    origin: Option<&'a str>,
}

/// A WebSocket.
#[derive(Debug)]
pub(super) struct Upgraded {
    pub(super) conversation: Conversation,
    pub(super) deflate: bool,
    /// The answer names the dialect.
    pub(super) names_dialect: bool,
}

/// No WebSocket.
#[derive(Debug)]
pub(super) enum NotUpgraded {
    /// An answer, and what is wrong with it.
    Response(Response, HandshakeError),
    /// No answer.
    Nothing(NoResponse),
}

impl<'a> Ask<'a> {
    pub(super) fn new(origin: Option<&'a str>) -> Self {
        Self { origin }
    }

    pub(super) fn ask(
        &self,
        wire: io::Result<Wire>,
        options: &Options,
        deadline: Instant,
    ) -> Result<Upgraded, NotUpgraded> {
        let mut wire = wire.map_err(|error| NotUpgraded::Nothing(NoResponse::Broken(error)))?;
        let mut random = [0; 16];
        random.fill_with(|| fastrand::u8(..));
        let (host, key) = (options.target.authority(), key(random));
        let origin = self.origin.map(|origin| ("Origin", origin));
        let headers: Vec<(&str, &str)> = origin.into_iter().collect();
        let request = Request {
            host: &host,
            target: &options.target.path,
            key: &key,
            protocols: &[CENTRIFUGE_JSON],
            deflate: true,
            headers: &headers,
        };
        let mut bytes = Vec::new();
        request.write(&mut bytes).map_err(|error| {
            let error = io::Error::new(io::ErrorKind::InvalidInput, error.to_string());
            NotUpgraded::Nothing(NoResponse::Broken(error))
        })?;
        let answer = http::exchange(&mut wire, &bytes, deadline).map_err(NotUpgraded::Nothing)?;
        let agreed = request.check(answer.status, answer.pairs());
        match agreed.map(|agreed| (agreed.deflate.is_some(), agreed.protocol.is_some())) {
            Ok((deflate, names_dialect)) => Ok(Upgraded {
                conversation: Conversation::new(wire, answer.rest, deflate),
                deflate,
                names_dialect,
            }),
            Err(error) => Err(NotUpgraded::Response(answer, error)),
        }
    }
}

impl NotUpgraded {
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Response(answer, _) => Some(answer.status),
            Self::Nothing(_) => None,
        }
    }

    /// What the server says, in its words if it has any.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Response(answer, _) => answer
                .line()
                .unwrap_or_else(|| format!("the answer is {}", answer.status)),
            Self::Nothing(error) => describe(error),
        }
    }

    /// What it means, and what to change.
    pub(super) fn check(&self, name: &'static str, options: &Options) -> Check {
        match self {
            Self::Response(answer, error) => {
                let (mut found, advice) = meaning(answer, *error, options);
                if let Some(line) = answer.line() {
                    found = format!("{found}; it says: {line}");
                }
                Check::new(name, Mark::Wrong, found).advising(advice)
            }
            Self::Nothing(error) => no_answer(name, error, options),
        }
    }
}

/// What an answer to an upgrade means.
fn meaning(answer: &Response, error: HandshakeError, options: &Options) -> (String, Vec<String>) {
    let path = &options.target.path;
    let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<Vec<_>>();
    if let (101, HandshakeError::Header(header)) = (answer.status, error) {
        return (
            format!("the answer is 101, but its header {header} is missing or wrong"),
            lines(&[
                "something before the server answers for it, or changes its headers: let it pass them on as they are",
            ]),
        );
    }
    let status = answer.status;
    match status {
        400 | 405 | 426 if answer.minor_version == 0 => (
            format!("{path} answers {status} over HTTP/1.0, in which there are no upgrades"),
            pass_upgrades(),
        ),
        400 | 405 | 426 => (
            format!("{path} answers {status}: the upgrade does not arrive as it was sent"),
            pass_upgrades(),
        ),
        401 | 407 => (
            format!("{path} answers {status}: something before the server wants a password"),
            lines(&[
                "let clients through to this path without one; the server checks their tokens itself",
            ]),
        ),
        403 => (
            format!("{path} answers 403"),
            lines(&[
                "a firewall or proxy before the server, or the server's client.allowed_origins, does not let this in",
            ]),
        ),
        404 => (
            format!("{path} answers 404: there is no WebSocket at this path"),
            lines(&[
                "name the path in the URL (websocket.handler_prefix, by default /connection/websocket), and let the proxy pass it on unchanged",
            ]),
        ),
        300..=399 => {
            let place = answer.text("location").unwrap_or("nowhere");
            let place: String = place.chars().filter(|c| !c.is_control()).collect();
            (
                format!("{path} answers {status} and leads to {place}"),
                lines(&["clients of a WebSocket do not follow: give them the address at the end"]),
            )
        }
        200..=299 => (
            format!("{path} answers {status}, an ordinary page: nothing upgrades there"),
            pass_upgrades(),
        ),
        429 | 503 => (
            format!("{path} answers {status}: there is no room for more now"),
            lines(&[
                "the server's client.connection_limit and client.connection_rate_limit, or a limit of the proxy",
            ]),
        ),
        502 | 504 => (
            format!("{path} answers {status}: the proxy does not reach the server"),
            lines(&[
                "is the server running, and is its address in the proxy's configuration (nginx: proxy_pass) the right one?",
            ]),
        ),
        _ => (
            format!("{path} answers {status} instead of 101"),
            pass_upgrades(),
        ),
    }
}

/// What it means that there is no answer.
pub(super) fn no_answer(name: &'static str, error: &NoResponse, options: &Options) -> Check {
    let check = Check::new(name, Mark::Wrong, describe(error));
    match error {
        // A TLS record that is an alert, or a web server's words for it (RFC 8446, section 5.1).
        NoResponse::NotHttp(bytes) if bytes.first() == Some(&21) && !options.target.is_secure => {
            check.advising(["this port speaks TLS: use https:// or wss://"])
        }
        NoResponse::Ended => check.advising([
            "something before the server ends connections that it does not want, or the port speaks TLS (https://)",
        ]),
        _ => check,
    }
}

fn describe(error: &NoResponse) -> String {
    match error {
        NoResponse::Broken(error) => format!("the connection failed: {error}"),
        NoResponse::Ended => "the connection was ended without an answer".to_owned(),
        NoResponse::Late => "there was no answer in time".to_owned(),
        NoResponse::NotHttp(_) => "what answers does not speak HTTP".to_owned(),
    }
}
