//! A request that is not let in, and the answer to it.

use http::StatusCode;
use veche_node::reception::MAX_HEAD;

/// A request that is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRefusal {
    /// Status of the answer.
    pub status: u16,
    /// A header that goes with it.
    pub header: Option<(&'static str, &'static str)>,
    /// What is wrong, and what to change.
    pub text: String,
}

impl HttpRefusal {
    /// The answer to an upgrade where there is no door.
    ///
    /// The addresses of the doors are not told: strangers ask, too.
    #[must_use]
    pub fn no_door() -> Self {
        Self {
            status: 404,
            header: None,
            text: "there is no WebSocket at this path; by default it is /connection/websocket \
                   (websocket.handler_prefix), and with plain.enabled /connection/plain"
                .to_owned(),
        }
    }

    /// The answer to a head that is too long.
    pub(crate) fn large_head() -> Self {
        Self {
            status: 431,
            header: None,
            text: format!("the head of a request has at most {MAX_HEAD} bytes"),
        }
    }

    /// The whole answer, behind which the connection is to be closed (RFC 9112, section 4).
    #[must_use]
    pub fn into_answer(self) -> Vec<u8> {
        let HttpRefusal {
            status,
            header,
            text,
        } = self;
        let reason = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default();
        let len = (text.len() + 1).to_string();
        let headers = [
            ("Connection", "close"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", &len),
        ];
        let mut answer = format!("HTTP/1.1 {status} {reason}\r\n");
        for (name, value) in headers.into_iter().chain(header) {
            for part in [name, ": ", value, "\r\n"] {
                answer.push_str(part);
            }
        }
        for part in ["\r\n", &text, "\n"] {
            answer.push_str(part);
        }
        answer.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_spelled_as_http_wants_it() {
        let refused = HttpRefusal {
            status: 426,
            header: Some(("Sec-WebSocket-Version", "13")),
            text: "only 13".to_owned(),
        };
        assert_eq!(
            String::from_utf8_lossy(&refused.into_answer()),
            "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\n\
             Sec-WebSocket-Version: 13\r\n\r\nonly 13\n"
        );
    }
}
