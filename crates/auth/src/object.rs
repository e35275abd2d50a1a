//! A JSON object as tokens are read: keys in any case, the last of duplicates counts, values byte for byte.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use veche_protocol::claims::TokenError;
use veche_protocol::json::raw::{RawJson, RawObject};
use veche_protocol::payload::Payload;

/// Keys and raw values, in the order of the text.
pub(crate) struct Object<'a>(RawObject<'a>);

impl<'a> Object<'a> {
    /// Reads one JSON object and nothing behind it.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        RawObject::parse(text).ok().flatten().map(Self)
    }

    /// A value that is an object.
    pub(crate) fn of(value: RawJson<'a>) -> Option<Self> {
        value.object().map(Self)
    }

    /// A value that is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<RawJson<'a>> {
        self.0.last(name).filter(|value| !value.is_null())
    }

    /// A value whose key is spelled exactly so, and which is not null.
    pub(crate) fn get_exact(&self, name: &str) -> Option<RawJson<'a>> {
        self.0.first_exact(name).filter(|value| !value.is_null())
    }

    /// The first name that stands there twice, spelled exactly so.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.0.repeated()
    }

    /// A value that is read as something.
    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(RawJson<'a>) -> Option<T>,
    ) -> Result<Option<T>, TokenError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let read = read(value).ok_or_else(|| invalid(format!("`{name}` is not {expected}")))?;
        Ok(Some(read))
    }

    /// A string.
    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, TokenError> {
        self.read(name, "a string", string)
    }

    /// A list of strings; `expected` says what else it could be.
    pub(crate) fn strings(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<Vec<String>>, TokenError> {
        self.read(name, expected, strings)
    }

    /// True or false.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, TokenError> {
        self.read(name, "true or false", RawJson::scalar)
    }

    /// A whole number of seconds.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<i64>, TokenError> {
        self.read(name, "a whole number of seconds", RawJson::scalar)
    }

    /// A moment in seconds, which may be a fraction, or stand in quotes (RFC 7519, `NumericDate`, read generously).
    pub(crate) fn moment(&self, name: &str) -> Result<Option<f64>, TokenError> {
        self.read(name, "a number of seconds", |value| {
            let text = value.as_str();
            let quoted = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            RawJson::parse(quoted.unwrap_or(text)).ok()?.scalar()
        })
    }

    /// An object within.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, TokenError> {
        self.read(name, "an object", Self::of)
    }

    /// Data: bytes in base64 under `base64_name` if that is there and not empty, else the JSON value `name` as it is.
    pub(crate) fn payload(
        &self,
        name: &str,
        base64_name: &str,
    ) -> Result<Option<Payload>, TokenError> {
        let encoded = self.string(base64_name)?.unwrap_or_default();
        if encoded.is_empty() {
            return self.raw(name);
        }
        let bytes = BASE64_STANDARD
            .decode(encoded)
            .map_err(|_| invalid(format!("`{base64_name}` is not base64")))?;
        Ok(Some(Payload::detect(Bytes::from(bytes))))
    }

    /// A JSON value, byte for byte; null is one.
    pub(crate) fn raw(&self, name: &str) -> Result<Option<Payload>, TokenError> {
        let Some(value) = self.0.last(name) else {
            return Ok(None);
        };
        let payload = value.payload();
        let payload = payload.ok_or_else(|| invalid(format!("`{name}` has too many levels")))?;
        Ok(Some(payload))
    }

    /// All keys and values, null or not.
    pub(crate) fn fields(&self) -> impl DoubleEndedIterator<Item = (&str, RawJson<'a>)> {
        self.0.fields()
    }
}

/// A value as a string.
pub(crate) fn string(value: RawJson<'_>) -> Option<String> {
    value.string().map(Cow::into_owned)
}

/// A value as a list of strings.
pub(crate) fn strings(value: RawJson<'_>) -> Option<Vec<String>> {
    value.list()?.into_iter().map(string).collect()
}

/// A token that is not one of ours, because of `why`.
pub(crate) fn invalid(why: impl Into<String>) -> TokenError {
    TokenError::Invalid(why.into())
}
