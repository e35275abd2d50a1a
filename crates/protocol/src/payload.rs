//! Application data, and the one decision about it: a JSON value, or bytes.

use bytes::Bytes;

use crate::json::reader::Reader;

pub use crate::json::reader::MAX_DEPTH;

/// Whether data can stand inside a JSON frame as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadKind {
    /// Exactly one JSON value in valid UTF-8.
    Json,
    /// Anything else.
    Binary,
}

/// Application data whose kind was decided where it entered the server, and which is never parsed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    kind: PayloadKind,
    bytes: Bytes,
}

impl Payload {
    /// Looks at `bytes` once and remembers whether they are one JSON value.
    #[must_use]
    pub fn detect(bytes: Bytes) -> Self {
        let kind = if is_json(&bytes) {
            PayloadKind::Json
        } else {
            PayloadKind::Binary
        };
        Self { kind, bytes }
    }

    /// Takes bytes that a JSON parser has just delimited as one value.
    #[must_use]
    pub fn json(bytes: Bytes) -> Self {
        debug_assert!(is_json(&bytes), "not one JSON value");
        Self {
            kind: PayloadKind::Json,
            bytes,
        }
    }

    /// Takes bytes that are meant as bytes, whatever they look like.
    #[must_use]
    pub fn binary(bytes: Bytes) -> Self {
        Self {
            kind: PayloadKind::Binary,
            bytes,
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> PayloadKind {
        self.kind
    }

    /// Whether the data can stand inside a JSON frame as it is.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.kind == PayloadKind::Json
    }

    /// The data, byte for byte as it came.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The data, without copying.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is no data at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Whether `bytes` are exactly one JSON value in valid UTF-8, of at most [`MAX_DEPTH`] levels.
#[must_use]
pub fn is_json(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok_and(|text| {
        let mut reader = Reader::new(text);
        reader.value().is_ok() && reader.is_at_end()
    })
}

/// Whether a valid JSON value has at most `limit` levels of lists and objects.
#[must_use]
pub fn nests_within(json: &[u8], limit: usize) -> bool {
    if json.len() <= limit {
        return true;
    }
    let mut depth = 0_usize;
    let mut is_string = false;
    let mut is_escaped = false;
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_string = !is_string,
            b'[' | b'{' if !is_string => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            b']' | b'}' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_value_in_utf8_is_json() {
        for good in ["1", " {\"a\": [1.50, null]} ", "\"x\"", "null"] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in [&b""[..], b"{} {}", b"{", b"\xff", b"\"\xc3\"", b"nul"] {
            assert!(!is_json(bad), "{bad:?}");
        }
    }

    #[test]
    fn levels_are_counted_outside_of_strings_only() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_json(nested(MAX_DEPTH).as_bytes()));
        assert!(!is_json(nested(MAX_DEPTH + 1).as_bytes()));
        assert!(!is_json(nested(1_000_000).as_bytes()));
        assert!(is_json(
            format!("[\"\\\"{}\"]", "[".repeat(1000)).as_bytes()
        ));
        assert!(is_json(format!("[{}1]", "[],".repeat(1000)).as_bytes()));
    }
}
