//! Encodes answers as Centrifugo does: the order of fields, omitted fields, escapes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use veche_protocol::error_code::CommandError;
use veche_protocol::identity::ClientInfo;
use veche_protocol::json::text::{push_comma, push_display, push_name};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;

use crate::error::{is_temporary, message};

/// The JSON of a command's result, or an error.
pub(crate) type JsonResult = Result<Vec<u8>, CommandError>;

/// Writes one JSON object.
pub(crate) struct ObjectWriter {
    out: Vec<u8>,
}

impl ObjectWriter {
    /// Begins an object.
    pub(crate) fn new() -> Self {
        Self { out: b"{".into() }
    }

    /// A field that was written already.
    pub(crate) fn raw(mut self, name: &str, json: &[u8]) -> Self {
        push_name(&mut self.out, name);
        self.out.extend_from_slice(json);
        self
    }

    /// A string.
    pub(crate) fn string(mut self, name: &str, text: &str) -> Self {
        push_name(&mut self.out, name);
        push_text(&mut self.out, text);
        self
    }

    /// A number.
    pub(crate) fn number(self, name: &str, number: impl Into<u64>) -> Self {
        let number: u64 = number.into();
        self.raw(name, number.to_string().as_bytes())
    }

    /// A string, unless it is empty.
    pub(crate) fn some_string(self, name: &str, text: &str) -> Self {
        if text.is_empty() {
            return self;
        }
        self.string(name, text)
    }

    /// A number, unless it is 0.
    pub(crate) fn some_number(self, name: &str, number: impl Into<u64>) -> Self {
        match number.into() {
            0 => self,
            number => self.number(name, number),
        }
    }

    /// Data: JSON under `name`, without spaces between its tokens; bytes in base64 under `b64name`.
    ///
    /// Centrifugo has no form for bytes here and answers with status 500.
    pub(crate) fn some_payload(mut self, name: &str, payload: Option<&Payload>) -> Self {
        let Some(payload) = payload.filter(|payload| !payload.is_empty()) else {
            return self;
        };
        if payload.is_json() {
            push_name(&mut self.out, name);
            push_compact(&mut self.out, payload.bytes());
            return self;
        }
        let encoded = BASE64_STANDARD.encode(payload.bytes());
        self.string(&format!("b64{name}"), &encoded)
    }

    /// Ends the object.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// Writes a list.
pub(crate) fn list(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut out = vec![b'['];
    for item in items {
        push_comma(&mut out);
        out.extend_from_slice(&item);
    }
    out.push(b']');
    out
}

/// Writes an object whose names are not ours; the caller sorts them.
pub(crate) fn map(items: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (name, value) in items {
        push_comma(&mut out);
        push_text(&mut out, &name);
        out.push(b':');
        out.extend_from_slice(&value);
    }
    out.push(b'}');
    out
}

/// A string.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    push_text(&mut out, text);
    out
}

/// A number that may have a fraction.
pub(crate) fn decimal(number: f64) -> Vec<u8> {
    let mut out = Vec::new();
    push_display(&mut out, number);
    out
}

/// `{"result":{...}}` or `{"error":{...}}`.
pub(crate) fn envelope(outcome: &JsonResult) -> Vec<u8> {
    let writer = ObjectWriter::new();
    match outcome {
        Ok(result) => writer.raw("result", result),
        Err(cause) => writer.raw("error", &error(cause)),
    }
    .end()
}

/// `{"code":...,"message":"..."}`, and `"temporary":true` where the same call may succeed later.
pub(crate) fn error(cause: &CommandError) -> Vec<u8> {
    let mut writer = ObjectWriter::new()
        .some_number("code", cause.code.0)
        .some_string("message", message(cause));
    if is_temporary(cause) {
        writer = writer.raw("temporary", b"true");
    }
    writer.end()
}

/// The result of a command that has nothing to tell.
pub(crate) fn nothing() -> Vec<u8> {
    b"{}".into()
}

/// Offset and epoch, where there are any.
pub(crate) fn position(position: &StreamPosition) -> Vec<u8> {
    let writer = ObjectWriter::new().some_number("offset", position.offset);
    writer.some_string("epoch", position.epoch.as_str()).end()
}

/// Who somebody is.
pub(crate) fn client_info(info: &ClientInfo) -> Vec<u8> {
    ObjectWriter::new()
        .string("user", info.user.as_str())
        .string("client", &info.client.to_string())
        .some_payload("conn_info", info.conn_info.as_ref())
        .some_payload("chan_info", info.chan_info.as_ref())
        .end()
}

/// Writes a string as this API spells it; the client protocol has longer forms of `\b` and `\f`.
fn push_text(out: &mut Vec<u8>, text: &str) {
    let json = serde_json::to_string(text).expect("every string has a JSON form");
    push_compact(out, json.as_bytes());
}

/// Writes JSON without spaces between its tokens, and escapes what would end a script in a page.
fn push_compact(out: &mut Vec<u8>, json: &[u8]) {
    let mut is_string = false;
    let mut is_escaped = false;
    let mut rest = json;
    while let Some((&byte, after)) = rest.split_first() {
        let was_string = is_string;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_string = !is_string,
            _ => {}
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' if !was_string => {}
            b'<' | b'>' | b'&' => push_display(out, format_args!("\\u{byte:04x}")),
            0xe2 if matches!(after, [0x80, 0xa8 | 0xa9, ..]) => {
                let is_line = after.get(1) == Some(&0xa8);
                out.extend_from_slice(if is_line { b"\\u2028" } else { b"\\u2029" });
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            _ => out.push(byte),
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(json: &str) -> String {
        let mut out = Vec::new();
        push_compact(&mut out, json.as_bytes());
        String::from_utf8(out).expect("made of text")
    }

    #[test]
    fn json_loses_its_spaces_but_not_those_in_strings() {
        let json = "{\n \"a b\" : [1.50 ,\t\"\\\" c \\\\\" , \"d e\"] }";
        assert_eq!(compact(json), r#"{"a b":[1.50,"\" c \\","d e"]}"#);
    }

    #[test]
    fn what_would_end_a_script_is_escaped() {
        let json = "\"<b>&\u{2028}\u{2029}\u{202a}é\"";
        let expected = "\"\\u003cb\\u003e\\u0026\\u2028\\u2029\u{202a}é\"";
        assert_eq!(compact(json), expected);
    }

    #[test]
    fn strings_have_their_short_escapes() {
        let spelled = text("\u{8}\u{c}\n\u{1}\u{7f}<\u{2028}\"\\/'é");
        let expected = "\"\\b\\f\\n\\u0001\u{7f}\\u003c\\u2028\\\"\\\\/'é\"";
        assert_eq!(String::from_utf8(spelled).as_deref(), Ok(expected));
    }

    #[test]
    fn a_decimal_has_a_fraction_only_if_it_needs_one() {
        assert_eq!(decimal(60.0), b"60");
        assert_eq!(decimal(0.25), b"0.25");
    }
}
