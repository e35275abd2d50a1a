//! One request and the answer to it.

use std::io;
use std::time::Instant;

use crate::wire::{Came, Wire};

/// An answer.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The 1 of HTTP/1.1.
    pub(crate) minor_version: u8,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The beginning of the body; behind 101 the first bytes of the conversation.
    pub(crate) rest: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoResponse {
    /// The connection failed.
    Broken(io::Error),
    /// The connection was ended before an answer was whole.
    Ended,
    /// Nothing came in time.
    Late,
    /// What came is not HTTP.
    NotHttp(Vec<u8>),
}

/// Bytes of an answer's head, and of the body that is looked at.
const MAX: usize = 16 << 10;
const MAX_HEADERS: usize = 100;

/// Sends a request and reads the answer: of a body so much as is there by the deadline, and no more than 16 KiB.
pub(crate) fn exchange(
    wire: &mut Wire,
    request: &[u8],
    deadline: Instant,
) -> Result<Response, NoResponse> {
    wire.write(request).map_err(NoResponse::Broken)?;
    let mut received = Vec::new();
    let mut answer = loop {
        if let Some(answer) = parse(&received)? {
            break answer;
        }
        match more(wire, &mut received, deadline).map_err(NoResponse::Broken)? {
            Came::Bytes(_) => {}
            Came::End => return Err(NoResponse::Ended),
            Came::Nothing => return Err(NoResponse::Late),
        }
    };
    if answer.status == 101 {
        return Ok(answer);
    }
    let length = answer
        .text("content-length")
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(MAX)
        .min(MAX);
    while answer.rest.len() < length {
        match more(wire, &mut answer.rest, deadline) {
            Ok(Came::Bytes(_)) => {}
            // The head says what is to be known; a body that breaks off is no news.
            Ok(Came::End | Came::Nothing) | Err(_) => break,
        }
    }
    answer.rest.truncate(length);
    Ok(answer)
}

impl Response {
    /// The first header of this name, if its value is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let header = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// The names and values of the headers.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The first line of the body, where it is plain text; what would steer a terminal is left out.
    pub(crate) fn line(&self) -> Option<String> {
        let kind = self.text("content-type")?;
        if !kind.starts_with("text/plain") {
            return None;
        }
        let line = String::from_utf8_lossy(&self.rest);
        let line = line.lines().next()?.trim();
        let clean: String = line.chars().filter(|c| !c.is_control()).take(300).collect();
        (!clean.is_empty()).then_some(clean)
    }
}

fn more(wire: &mut Wire, into: &mut Vec<u8>, deadline: Instant) -> io::Result<Came> {
    let mut buffer = [0; 4096];
    let came = wire.read(&mut buffer, deadline)?;
    if let Came::Bytes(count) = came {
        into.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
    Ok(came)
}

fn parse(received: &[u8]) -> Result<Option<Response>, NoResponse> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(received) {
        Ok(httparse::Status::Complete(head)) => Ok(Some(Response {
            status: response.code.unwrap_or_default(),
            minor_version: response.version.unwrap_or_default(),
            headers: response
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), header.value.to_vec()))
                .collect(),
            rest: received.get(head..).unwrap_or_default().to_vec(),
        })),
        Ok(httparse::Status::Partial) if received.len() < MAX => Ok(None),
        Ok(httparse::Status::Partial) | Err(_) => Err(NoResponse::NotHttp(received.to_vec())),
    }
}
