//! A string in JSON text, not decoded yet.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// A string in the text, with its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StringToken<'a> {
    pub(super) raw: &'a str,
    pub(super) has_escapes: bool,
}

impl<'a> StringToken<'a> {
    /// The string that a valid JSON value is; `None` where it is something else.
    pub(crate) fn of(raw: &'a str) -> Option<Self> {
        raw.starts_with('"').then(|| Self {
            raw,
            has_escapes: raw.contains('\\'),
        })
    }

    /// The text, in which half a character becomes U+FFFD.
    #[inline]
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        if self.has_escapes {
            return read_string(self.raw).map(Cow::Owned);
        }
        self.inner().map(Cow::Borrowed)
    }

    /// The name of a field; `None` where an escape in it is half a character.
    #[inline]
    pub(crate) fn name(self) -> Option<Cow<'a, str>> {
        if self.has_escapes {
            return serde_json::from_str(self.raw).ok().map(Cow::Owned);
        }
        self.inner().map(Cow::Borrowed)
    }

    #[inline]
    fn inner(self) -> Option<&'a str> {
        self.raw.get(1..self.raw.len() - 1)
    }
}

/// Reads a string with its quotes, as JSON has it; `None` where it is none. An escape that is half of a character
/// becomes U+FFFD.
fn read_string(raw: &str) -> Option<String> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.to_owned());
    }
    let whole = serde_json::from_str(raw);
    whole
        .or_else(|_| serde_json::Deserializer::from_str(raw).deserialize_bytes(Lossy))
        .ok()
}

/// Takes the bytes of a string in which half a character is three bytes that are no UTF-8.
struct Lossy;

impl Visitor<'_> for Lossy {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<String, E> {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            // The first byte stands for all three.
            if chunk.invalid().first() == Some(&0xed) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Ok(text)
    }
}
