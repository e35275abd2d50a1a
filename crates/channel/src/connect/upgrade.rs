//! The upgrade: a request goes out, and the answer to it is read.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use veche_websocket::deflate::Deflate;
use veche_websocket::handshake::client::{HandshakeError, Request, key};

use crate::connect_error::{ConnectError, ConnectResult};
use crate::head::{Head, MAX_HEAD};
use crate::random;
use crate::refused::{MAX_BODY, RefusedUpgrade, body_start};
use crate::socket::Socket;

/// What the server is asked for.
pub(super) struct Asked<'a> {
    pub(super) host: &'a str,
    pub(super) target: &'a str,
    pub(super) protocols: &'a [String],
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) deflate: bool,
}

/// What it agreed to.
pub(super) struct Agreed {
    pub(super) socket: Socket,
    pub(super) protocol: Option<Box<str>>,
    pub(super) deflate: Option<Deflate>,
    /// Bytes that came behind the answer.
    pub(super) rest: Vec<u8>,
}

pub(super) async fn upgrade(asked: Asked<'_>, mut socket: Socket) -> ConnectResult<Agreed> {
    check_headers(&asked)?;
    let protocols: Vec<_> = asked.protocols.iter().map(String::as_str).collect();
    let request = Request {
        host: asked.host,
        target: asked.target,
        key: &key(random::handshake_nonce()),
        protocols: &protocols,
        deflate: asked.deflate,
        headers: asked.headers,
    };
    let mut bytes = Vec::new();
    request.write(&mut bytes).map_err(describe)?;
    socket.write_all(&bytes).await.map_err(ConnectError::Lost)?;
    socket.flush().await.map_err(ConnectError::Lost)?;

    let mut came = Vec::new();
    let head = read_head(&mut socket, &mut came).await?;
    let agreement = match request.check(head.status, head.headers()) {
        Ok(agreement) => agreement,
        Err(HandshakeError::Status(_)) => {
            let body = read_body(&mut socket, &head, came).await;
            return Err(ConnectError::Refused(Box::new(RefusedUpgrade::new(
                head, body,
            ))));
        }
        Err(error) => return Err(describe(error)),
    };
    if agreement.protocol.is_none() && !protocols.is_empty() {
        return Err(ConnectError::Subprotocol);
    }
    let protocol = agreement.protocol.map(Into::into);
    let deflate = agreement.deflate;
    came.drain(..head.len);
    Ok(Agreed {
        socket,
        protocol,
        deflate,
        rest: came,
    })
}

/// Reads into `came` until it holds a head.
pub(super) async fn read_head(socket: &mut Socket, came: &mut Vec<u8>) -> ConnectResult<Head> {
    loop {
        let count = read_some(socket, came).await.map_err(ConnectError::Lost)?;
        if count == 0 {
            let ended = io::ErrorKind::UnexpectedEof.into();
            return Err(ConnectError::Lost(ended));
        }
        if let Some(head) = Head::parse(came).map_err(|_| ConnectError::NotHttp)? {
            return Ok(head);
        }
    }
}

/// How the body begins; what does not come soon is done without.
async fn read_body(socket: &mut Socket, head: &Head, mut came: Vec<u8>) -> Vec<u8> {
    came.drain(..head.len);
    let until = Instant::now() + BODY_TIME;
    let mut is_end = false;
    loop {
        if let Some(start) = body_start(head.body(), &came, is_end) {
            return start;
        }
        let read = timeout_at(until, read_some(socket, &mut came)).await;
        is_end = !matches!(read, Ok(Ok(1..)));
    }
}

/// Appends what comes next, at most 4 KiB.
async fn read_some(socket: &mut Socket, came: &mut Vec<u8>) -> io::Result<usize> {
    let mut limited = socket.take(MAX_BODY as u64);
    came.reserve(MAX_BODY.min(MAX_HEAD));
    limited.read_buf(came).await
}

/// Headers are tokens, and those of the handshake are not to be set.
fn check_headers(asked: &Asked<'_>) -> ConnectResult<()> {
    let is_reserved = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("sec-websocket-")
            || matches!(
                name.as_str(),
                "connection" | "upgrade" | "content-length" | "transfer-encoding"
            )
    };
    for (name, value) in asked.headers {
        if !is_token(name) || is_reserved(name) || value.contains(char::is_control) {
            return Err(ConnectError::Header((*name).to_owned()));
        }
    }
    if asked.protocols.iter().all(|protocol| is_token(protocol)) {
        Ok(())
    } else {
        Err(ConnectError::Header("Sec-WebSocket-Protocol".to_owned()))
    }
}

/// # Source
/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may_stand)
}

fn describe(error: HandshakeError) -> ConnectError {
    match error {
        HandshakeError::Unwritable => ConnectError::Header("Host".to_owned()),
        // Its own case: a client that knows other protocols than the server is old, not broken.
        HandshakeError::Header("Sec-WebSocket-Protocol") => ConnectError::Subprotocol,
        HandshakeError::Header(name) => ConnectError::Handshake(name),
        HandshakeError::Status(_) => ConnectError::NotHttp,
    }
}

/// How long a body is waited for.
const BODY_TIME: Duration = Duration::from_secs(1);
