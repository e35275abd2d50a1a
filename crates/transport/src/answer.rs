//! Answers that a worker gives itself, without an HTTP library.

use http::StatusCode;

use crate::doors::HttpRefusal;

/// The answer to a request that is not wanted; the connection is closed behind it (RFC 9112, section 4).
pub(crate) fn refusal(refusal: &HttpRefusal) -> Vec<u8> {
    let HttpRefusal {
        status,
        header,
        text,
    } = refusal;
    let reason = StatusCode::from_u16(*status)
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
    for (name, value) in headers.into_iter().chain(*header) {
        for part in [name, ": ", value, "\r\n"] {
            answer.push_str(part);
        }
    }
    for part in ["\r\n", text, "\n"] {
        answer.push_str(part);
    }
    answer.into_bytes()
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
            String::from_utf8_lossy(&refusal(&refused)),
            "HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\n\
             Sec-WebSocket-Version: 13\r\n\r\nonly 13\n"
        );
    }
}
