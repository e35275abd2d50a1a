//! A string in JSON text, not decoded yet.

use std::borrow::Cow;

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
            return crate::json::text::read_string(self.raw).map(Cow::Owned);
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
