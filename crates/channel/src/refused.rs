//! The answer of a server that does not upgrade: status, headers, and how its body begins.

use std::fmt;
use std::time::Duration;

use crate::head::{Body, Head};

/// An HTTP answer other than 101. Redirects are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedUpgrade {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl RefusedUpgrade {
    pub(crate) fn new(head: Head, body: Vec<u8>) -> Self {
        Self {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header called `name`, in any case, if it is UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        std::str::from_utf8(named.next()?.1).ok()
    }

    /// All headers, in order, at most 100.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        (self.headers.iter()).map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// How the body begins: at most 4 KiB of it, and what came within a second.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// How long to wait before the next attempt, if `Retry-After` tells it in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let secs = self.header("retry-after")?.parse().ok()?;
        Some(Duration::from_secs(secs))
    }

    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
    }
}

/// "the server answered 403 instead of 101: origin not allowed", with the body's first line where
/// it is text for people.
impl fmt::Display for RefusedUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered {} instead of 101", self.status)?;
        if let Some(location) = self.header("location").filter(|_| self.status / 100 == 3) {
            write!(f, ", and points to {location:?}")?;
        }
        let body = String::from_utf8_lossy(&self.body);
        let line = body.lines().next().unwrap_or_default().trim();
        let is_text =
            !line.is_empty() && !line.starts_with('<') && !line.contains(char::is_control);
        if is_text {
            let end = line.floor_char_boundary(SHOWN);
            write!(f, ": {}", line.get(..end).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Decodes as much of a body as has come; `None` while more is to be waited for.
pub(crate) fn body_start(body: Body, came: &[u8], is_end: bool) -> Option<Vec<u8>> {
    // However the bytes were cut, the same is read: chunks may have long extensions.
    let came = came.get(..2 * MAX_BODY).unwrap_or(came);
    let (bytes, is_whole) = match body {
        Body::Until(len) => {
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(MAX_BODY);
            let bytes = came.get(..len).unwrap_or(came);
            (bytes.to_vec(), bytes.len() == len)
        }
        Body::Chunked => dechunk(came),
        Body::ToTheEnd => (came.to_vec(), false),
    };
    let is_enough = is_whole || is_end || bytes.len() >= MAX_BODY || came.len() == 2 * MAX_BODY;
    is_enough.then(|| {
        let mut bytes = bytes;
        bytes.truncate(MAX_BODY);
        bytes
    })
}

/// The data of the chunks that have come, and whether the last one was among them. What is no
/// chunk ends the body.
fn dechunk(mut came: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match httparse::parse_chunk_size(came) {
            Ok(httparse::Status::Complete((start, len))) => {
                if len == 0 {
                    return (bytes, true);
                }
                let data = came.get(start..).unwrap_or_default();
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                let Some((chunk, rest)) = data.split_at_checked(len) else {
                    bytes.extend_from_slice(data);
                    return (bytes, false);
                };
                bytes.extend_from_slice(chunk);
                came = rest.get(2..).unwrap_or_default();
            }
            Ok(httparse::Status::Partial) => return (bytes, false),
            Err(_) => return (bytes, true),
        }
    }
}

/// Bytes of a body that are kept.
pub(crate) const MAX_BODY: usize = 4096;
/// Bytes of it that the error's text shows.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> RefusedUpgrade {
        let headers = headers.iter();
        RefusedUpgrade {
            status,
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_text_shows_a_line_for_people_and_no_page() {
        assert_eq!(
            refused(403, &[], "origin not allowed\nsecond line").to_string(),
            "the server answered 403 instead of 101: origin not allowed"
        );
        assert_eq!(
            refused(502, &[], "<html><h1>Bad Gateway").to_string(),
            "the server answered 502 instead of 101"
        );
        assert_eq!(
            refused(302, &[("Location", "https://example.com/login")], "").to_string(),
            "the server answered 302 instead of 101, and points to \"https://example.com/login\""
        );
    }

    #[test]
    fn a_delay_in_seconds_is_understood_and_a_date_is_not() {
        let after = |value| refused(503, &[("retry-after", value)], "").retry_after();
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    }

    #[test]
    fn a_chunked_body_is_put_together_as_far_as_it_has_come() {
        let chunked = b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n";
        assert_eq!(
            body_start(Body::Chunked, chunked, false).as_deref(),
            Some(b"hello, world".as_slice())
        );
        assert_eq!(body_start(Body::Chunked, &chunked[..12], false), None);
        assert_eq!(
            body_start(Body::Chunked, &chunked[..20], true).as_deref(),
            Some(b"hello, w".as_slice())
        );
    }

    #[test]
    fn a_body_is_waited_for_as_long_as_it_says_and_no_further_than_the_limit() {
        assert_eq!(body_start(Body::Until(5), b"hell", false), None);
        assert_eq!(
            body_start(Body::Until(5), b"hello", false).as_deref(),
            Some(b"hello".as_slice())
        );
        let endless = vec![b'x'; 2 * MAX_BODY];
        for body in [Body::Until(u64::MAX), Body::ToTheEnd, Body::Chunked] {
            let start = body_start(body, &endless, false).expect("it is enough");
            assert!(start.len() <= MAX_BODY);
        }
    }
}
