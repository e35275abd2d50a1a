//! JSON values that are checked and kept as they are spelled, for callers that look fields up by name.
//!
//! Commands are read field by field instead ([`super::decode_command`]). Both use the same reader.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;

use super::reader::{Reader, StringToken};
use crate::decode_error::DecodeError;
use crate::payload::{MAX_DEPTH, Payload, nests_within};

mod items;

pub use super::reader::Scalar;
pub use items::{RawItem, RawItems};

/// A valid JSON value as it is spelled. Its nesting has no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawJson<'a>(&'a str);

/// An object: names and values in the order of the text, duplicates included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawObject<'a> {
    fields: Vec<(Cow<'a, str>, RawJson<'a>)>,
}

/// Objects that stand one behind the other.
#[derive(Debug)]
pub struct RawObjects<'a>(Option<Reader<'a>>);

impl<'a> RawJson<'a> {
    /// Reads one value and nothing behind it.
    ///
    /// # Errors
    /// Where the text is not one JSON value, and what should stand there.
    pub fn parse(text: &'a str) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(text);
        let value = reader.any_value()?;
        reader.end()?;
        Ok(Self(value))
    }

    /// Reads the value that is next.
    pub(crate) fn next(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.any_value().map(Self)
    }

    /// The value as it is spelled.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// A string; `None` for anything else, and where an escape is half of a character.
    #[must_use]
    pub fn string(self) -> Option<Cow<'a, str>> {
        StringToken::of(self.0)?.name()
    }

    /// A string, in which an escape that is half of a character becomes U+FFFD; `None` for anything else.
    #[must_use]
    pub fn lossy_string(self) -> Option<Cow<'a, str>> {
        StringToken::of(self.0)?.text()
    }

    /// A number or a boolean; `None` for anything else, and for a number that the type cannot hold.
    #[must_use]
    pub fn scalar<T: Scalar>(self) -> Option<T> {
        T::parse(self.0)
    }

    /// The values of a list; `None` for anything else.
    #[must_use]
    pub fn list(self) -> Option<Vec<RawJson<'a>>> {
        let mut values = Vec::new();
        let mut reader = Reader::new(self.0);
        let is_list = reader.list(|reader| {
            values.push(Self::next(reader)?);
            Ok(())
        });
        is_list.is_ok_and(|is_list| is_list).then_some(values)
    }

    /// The values of a list, found one by one; `None` for anything else.
    #[must_use]
    pub fn items(self) -> Option<RawItems> {
        RawItems::of(self)
    }

    /// An object; `None` for anything else.
    #[must_use]
    pub fn object(self) -> Option<RawObject<'a>> {
        RawObject::read(&mut Reader::new(self.0)).ok().flatten()
    }

    /// The value as data; `None` where it has more than [`MAX_DEPTH`] levels.
    #[must_use]
    pub fn payload(self) -> Option<Payload> {
        let json = self.0.as_bytes();
        nests_within(json, MAX_DEPTH).then(|| Payload::json(Bytes::copy_from_slice(json)))
    }
}

impl<'a> RawObject<'a> {
    /// Reads one object and nothing behind it; `None` for `null`.
    ///
    /// # Errors
    /// Where the text is neither, and what should stand there.
    pub fn parse(text: &'a str) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(text);
        let object = Self::read(&mut reader)?;
        reader.end()?;
        Ok(object)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, DecodeError> {
        let mut fields = Vec::new();
        let is_object = reader.object(|name, reader| {
            let name = name.name().ok_or(super::object::HALF_A_CHARACTER)?;
            fields.push((name, RawJson::next(reader)?));
            Ok(())
        })?;
        Ok(is_object.then_some(Self { fields }))
    }

    /// The last value whose name is this, in any case of its ASCII letters.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<RawJson<'a>> {
        let mut newest_first = self.fields.iter().rev();
        let found = newest_first.find(|(its, _)| its.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    /// The first value whose name is spelled exactly so.
    #[must_use]
    pub fn first_exact(&self, name: &str) -> Option<RawJson<'a>> {
        let found = self.fields.iter().find(|(its, _)| its == name);
        found.map(|(_, value)| *value)
    }

    /// The first name that stands there a second time, spelled exactly so.
    #[must_use]
    pub fn repeated(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        let mut names = self.fields.iter().map(|(name, _)| name.as_ref());
        names.find(|name| !seen.insert(*name))
    }

    /// All names and values.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = (&str, RawJson<'a>)> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_ref(), *value))
    }
}

impl<'a> RawObjects<'a> {
    /// Reads objects until the text ends. `null` stands for an object without fields.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(Some(Reader::new(text)))
    }
}

impl<'a> Iterator for RawObjects<'a> {
    type Item = Result<RawObject<'a>, DecodeError>;

    /// The next object. An error is the last item.
    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.as_mut()?;
        if reader.is_at_end() {
            return None;
        }
        let object = match RawObject::read(reader) {
            Ok(None) if reader.is_within_word() => Err(reader.expected("the end of the word")),
            object => object.map(Option::unwrap_or_default),
        };
        if object.is_err() {
            self.0 = None;
        }
        Some(object)
    }
}

#[cfg(test)]
mod tests;
