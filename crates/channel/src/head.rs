//! The head of an HTTP answer, read from any bytes.

/// A head that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// Bytes that it took.
    pub(crate) len: usize,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// It has so many bytes.
    Until(u64),
    Chunked,
    /// It ends with the connection.
    ToTheEnd,
}

/// Not HTTP/1, or more than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotHttp;

impl Head {
    /// Reads the head at the start of `bytes`; `None` until all of it is there. Interim answers
    /// (1xx) before it are passed over, except 101.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, NotHttp> {
        let bytes = bytes.get(..MAX_HEAD).unwrap_or(bytes);
        let mut skipped = 0;
        loop {
            let rest = bytes.get(skipped..).unwrap_or_default();
            let Some(mut head) = Self::parse_one(rest)? else {
                return if bytes.len() < MAX_HEAD {
                    Ok(None)
                } else {
                    Err(NotHttp)
                };
            };
            if head.status == 101 || head.status / 100 != 1 {
                head.len += skipped;
                return Ok(Some(head));
            }
            skipped += head.len;
        }
    }

    fn parse_one(bytes: &[u8]) -> Result<Option<Self>, NotHttp> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes).map_err(|_| NotHttp)?;
        let httparse::Status::Complete(len) = parsed else {
            return Ok(None);
        };
        let headers = response.headers.iter();
        Ok(Some(Self {
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            headers: headers
                .map(|header| (header.name.to_owned(), header.value.to_vec()))
                .collect(),
            len,
        }))
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        (self.headers.iter()).map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// # Source
    /// RFC 9112, section 6.3.
    pub(crate) fn body(&self) -> Body {
        let find = |name: &str| {
            let mut found = (self.headers()).filter(|(other, _)| other.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.trim_ascii())
        };
        if matches!(self.status, 204 | 304) {
            return Body::Until(0);
        }
        if find("transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case(b"chunked")) {
            return Body::Chunked;
        }
        let length = find("content-length").and_then(|it| std::str::from_utf8(it).ok());
        match length.and_then(|length| length.parse().ok()) {
            Some(length) => Body::Until(length),
            None => Body::ToTheEnd,
        }
    }
}

/// Bytes of an answer's head, those of interim answers included.
pub(crate) const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX: \xff\r\n\r\n\x81\x00";

    #[test]
    fn a_head_that_comes_byte_by_byte_is_read_when_it_is_whole_and_not_before() {
        let len = ANSWER.len() - 2;
        for end in 0..len {
            assert_eq!(Head::parse(&ANSWER[..end]), Ok(None), "{end}");
        }
        let head = Head::parse(ANSWER).expect("HTTP").expect("whole");
        assert_eq!((head.status, head.len), (101, len));
        assert_eq!(head.headers[1], ("X".to_owned(), vec![0xff]));
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let bytes = [
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
            ANSWER,
        ]
        .concat();
        let head = Head::parse(&bytes).expect("HTTP").expect("whole");
        assert_eq!((head.status, head.len), (101, bytes.len() - 2));
    }

    #[test]
    fn an_endless_head_and_another_protocol_are_refused() {
        let mut endless = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
        endless.resize(MAX_HEAD, b'x');
        assert_eq!(Head::parse(&endless), Err(NotHttp));
        assert_eq!(Head::parse(b"SSH-2.0-OpenSSH_9.2\r\n"), Err(NotHttp));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(101));
        assert_eq!(Head::parse(many.as_bytes()), Err(NotHttp));
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
        assert_eq!(Head::parse(interim.as_bytes()), Err(NotHttp));
    }

    #[test]
    fn a_body_ends_as_its_head_says() {
        let body = |head: &str| {
            let bytes = format!("{head}\r\n\r\n");
            Head::parse(bytes.as_bytes())
                .expect("HTTP")
                .expect("whole")
                .body()
        };
        assert_eq!(
            body("HTTP/1.1 403 No\r\nContent-Length: 12"),
            Body::Until(12)
        );
        assert_eq!(
            body("HTTP/1.1 403 No\r\ntransfer-encoding: Chunked\r\ncontent-length: 12"),
            Body::Chunked
        );
        assert_eq!(body("HTTP/1.0 403 No"), Body::ToTheEnd);
        assert_eq!(body("HTTP/1.1 204 No Content"), Body::Until(0));
    }
}
