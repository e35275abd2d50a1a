//! Strings, numbers and raw values as the reference server writes them in JSON.

use std::fmt;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::payload::Payload;

/// Writes a string with its quotes. `<`, `>`, `&`, U+2028 and U+2029 are escaped too, so that a page may hold it.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        push_escaped(out, text);
    }
    out.push(b'"');
}

/// Whether nothing in a text can need escaping: true for almost all, and found out without a branch for each byte.
fn is_plain(text: &str) -> bool {
    // The first byte of U+2028 and U+2029, and of others.
    const SEPARATOR: u8 = 0xe2;
    let doubtful =
        |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | SEPARATOR);
    !text.bytes().fold(false, |any, byte| any | doubtful(byte))
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some((at, special)) = rest.char_indices().find(|(_, c)| needs_escape(*c)) {
        let (plain, after) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        match special {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            other => push_display(out, format_args!("\\u{:04x}", u32::from(other))),
        }
        rest = after.get(special.len_utf8()..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
}

fn needs_escape(c: char) -> bool {
    c < ' ' || matches!(c, '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}')
}

/// Writes a number.
pub fn push_number(out: &mut Vec<u8>, number: impl Into<i128>) {
    let number = number.into();
    let mut digits = itoa::Buffer::new();
    // Almost all are small, and 128 bits are dear.
    let digits = match u64::try_from(number) {
        Ok(small) => digits.format(small),
        Err(_) => digits.format(number),
    };
    out.extend_from_slice(digits.as_bytes());
}

/// Writes what needs no escaping.
pub fn push_display(out: &mut Vec<u8>, value: impl fmt::Display) {
    write!(out, "{value}").expect("writing to memory succeeds");
}

/// Writes the name of a field and its colon, after a comma unless it is the first of its object.
pub fn push_name(out: &mut Vec<u8>, name: &str) {
    push_comma(out);
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Writes a comma, unless an object or list has just begun.
pub fn push_comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        out.push(b',');
    }
}

/// Writes data: JSON byte for byte but for newlines, which would end the line; bytes as an object that says so, with
/// `media_type` if it is known.
pub fn push_payload(out: &mut Vec<u8>, payload: &Payload, media_type: Option<&str>) {
    if payload.is_json() {
        push_one_line(out, payload.bytes());
        return;
    }
    out.extend_from_slice(b"{\"binary\":true");
    if let Some(media_type) = media_type {
        push_name(out, "type");
        push_string(out, media_type);
    }
    push_name(out, "base64");
    out.push(b'"');
    let begin = out.len();
    let len = base64::encoded_len(payload.len(), true).unwrap_or_default();
    out.resize(begin + len, 0);
    if let Some(place) = out.get_mut(begin..) {
        STANDARD
            .encode_slice(payload.bytes(), place)
            .expect("room for all was just made");
    }
    out.extend_from_slice(b"\"}");
}

/// Writes a JSON value without its newlines, which valid JSON has only between its tokens.
fn push_one_line(out: &mut Vec<u8>, json: &[u8]) {
    let mut rest = json;
    while let Some((line, after)) =
        memchr::memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(line);
        rest = after.strip_prefix(b"\n").unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_are_escaped_for_pages() {
        let text = "a\"\\/\n\r\t\u{8}\u{c}\u{1}\u{7f}<b>&'\u{2028}\u{2029}é😀";
        assert_eq!(
            written(|out| push_string(out, text)),
            "\"a\\\"\\\\/\\n\\r\\t\\u0008\\u000c\\u0001\u{7f}\\u003cb\\u003e\\u0026'\\u2028\\u2029é😀\""
        );
        assert_eq!(written(|out| push_string(out, "")), "\"\"");
    }

    #[test]
    fn what_looks_plain_is_what_would_stay_as_it_is() {
        let characters = (0..=0x2100).chain([0x1f600]).filter_map(char::from_u32);
        for character in characters {
            let text = format!("before {character} after");
            let escaped = written(|out| push_escaped(out, &text));
            let quoted = format!("\"{escaped}\"");
            assert_eq!(written(|out| push_string(out, &text)), quoted);
        }
        assert!(is_plain("room:42 é 😀"));
    }

    #[test]
    fn numbers_are_written_whole() {
        for number in [
            0,
            -1,
            i128::from(u64::MAX),
            i128::from(u64::MAX) + 1,
            i128::MIN,
        ] {
            assert_eq!(written(|out| push_number(out, number)), number.to_string());
        }
    }

    #[test]
    fn json_loses_its_newlines_and_nothing_else() {
        let json = Payload::json(Bytes::from_static(b"{\n \"a\" :\n\n 1.50 }\n"));
        assert_eq!(
            written(|out| push_payload(out, &json, None)),
            "{ \"a\" : 1.50 }"
        );
    }

    #[test]
    fn bytes_say_that_they_are_bytes() {
        let binary = Payload::binary(Bytes::from_static(b"\xff\x00\xfe\n"));
        assert_eq!(
            written(|out| push_payload(out, &binary, None)),
            "{\"binary\":true,\"base64\":\"/wD+Cg==\"}"
        );
        assert_eq!(
            written(|out| push_payload(out, &binary, Some("image/png"))),
            "{\"binary\":true,\"type\":\"image/png\",\"base64\":\"/wD+Cg==\"}"
        );
    }
}
