//! Data of a publication: a JSON value, or bytes that are none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Data, as a line of JSON has it: `data` is the JSON value itself; bytes that are no JSON stand in `base64` instead.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Payload {
    Data(Box<RawValue>),
    Base64(String),
}

impl Payload {
    /// Data of a client that speaks JSON, where no bytes are the value `null`.
    pub(crate) fn from_json(bytes: &Bytes) -> Self {
        if bytes.is_empty() {
            return Self::Data(RawValue::NULL.to_owned());
        }
        Self::from_bytes(bytes)
    }

    /// Data of which nobody has said what it is.
    pub(crate) fn from_bytes(bytes: &Bytes) -> Self {
        let text = std::str::from_utf8(bytes).ok();
        match text.and_then(|text| json_line(text).ok()) {
            Some(value) => Self::Data(value),
            None => Self::base64(bytes),
        }
    }

    pub(crate) fn base64(bytes: &[u8]) -> Self {
        Self::Base64(STANDARD.encode(bytes))
    }

    /// As one JSON value, where there is no field of its own for bytes.
    pub(crate) fn into_value(self) -> Box<RawValue> {
        match self {
            Self::Data(value) => value,
            bytes => to_raw_value(&bytes).expect("a string is JSON"),
        }
    }
}

impl std::fmt::Display for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(value) => f.write_str(value.get()),
            Self::Base64(text) => write!(f, "base64 {text}"),
        }
    }
}

/// Reads a JSON value, and writes it in one line: a line break in JSON is never part of a string.
pub(crate) fn json_line(text: &str) -> Result<Box<RawValue>, serde_json::Error> {
    let value: &RawValue = serde_json::from_str(text)?;
    if value.get().contains(['\n', '\r']) {
        return RawValue::from_string(value.get().replace(['\n', '\r'], " "));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Payload};

    fn line(bytes: &'static [u8]) -> String {
        serde_json::to_string(&Payload::from_bytes(&Bytes::from_static(bytes))).unwrap()
    }

    #[test]
    fn json_is_itself_in_one_line_and_all_else_is_base64() {
        assert_eq!(
            line(b" {\"a\":\n [1e400]}\r\n"),
            r#"{"data":{"a":  [1e400]}}"#
        );
        assert_eq!(line(br#""\n""#), r#"{"data":"\n"}"#);
        assert_eq!(line(b"hello"), r#"{"base64":"aGVsbG8="}"#);
        assert_eq!(line(b"1 2"), r#"{"base64":"MSAy"}"#);
        assert_eq!(line(b"\xff"), r#"{"base64":"/w=="}"#);
        assert_eq!(line(b""), r#"{"base64":""}"#);
    }
}
