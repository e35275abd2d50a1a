//! What is published: one JSON value, or bytes.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// The data of a publication or of an answer: one JSON value, or bytes.
///
/// # Example
/// ```
/// use veche_client::Data;
///
/// let data = Data::json(&("hello", 7))?;
/// assert_eq!(data.as_json(), Some(r#"["hello",7]"#));
/// let (text, number): (String, u32) = data.parse()?;
/// assert_eq!((text.as_str(), number), ("hello", 7));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct Data(Kind);

#[derive(Clone)]
enum Kind {
    Json(Box<RawValue>),
    Binary {
        bytes: Bytes,
        media_type: Option<Box<str>>,
    },
}

impl Data {
    /// A value as JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON, such as a map whose keys are no strings.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, serde_json::Error> {
        to_raw_value(value).map(Self::from_raw)
    }

    /// Bytes, without a media type.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Binary {
            bytes: bytes.into(),
            media_type: None,
        })
    }

    /// Says what the bytes are, as `image/png`. Changes nothing if this is JSON.
    #[must_use]
    pub fn with_media_type(mut self, name: impl Into<String>) -> Self {
        if let Kind::Binary { media_type, .. } = &mut self.0 {
            *media_type = Some(name.into().into());
        }
        self
    }

    /// The JSON value as text; `None` for bytes.
    pub fn as_json(&self) -> Option<&str> {
        match &self.0 {
            Kind::Json(json) => Some(json.get()),
            Kind::Binary { .. } => None,
        }
    }

    /// The bytes, or the text of the JSON value.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kind::Json(json) => json.get().as_bytes(),
            Kind::Binary { bytes, .. } => bytes,
        }
    }

    /// What the bytes are, if the publisher said so.
    pub fn media_type(&self) -> Option<&str> {
        match &self.0 {
            Kind::Json(_) => None,
            Kind::Binary { media_type, .. } => media_type.as_deref(),
        }
    }

    /// Reads the JSON value into a type of yours.
    ///
    /// # Errors
    /// The value is of another shape, or the data is bytes.
    pub fn parse<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        match &self.0 {
            Kind::Json(json) => serde_json::from_str(json.get()),
            Kind::Binary { .. } => Err(serde::de::Error::custom("the data is bytes, not JSON")),
        }
    }

    /// Bytes of the data.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the data is no bytes at all. JSON never is.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    pub(crate) fn from_raw(json: Box<RawValue>) -> Self {
        Self(Kind::Json(json))
    }

    pub(crate) fn null() -> Self {
        Self::from_raw(RawValue::NULL.to_owned())
    }

    pub(crate) fn raw(&self) -> Option<&RawValue> {
        match &self.0 {
            Kind::Json(json) => Some(json),
            Kind::Binary { .. } => None,
        }
    }

    /// The bytes without a copy; `None` for JSON.
    pub(crate) fn to_binary(&self) -> Option<Bytes> {
        match &self.0 {
            Kind::Json(_) => None,
            Kind::Binary { bytes, .. } => Some(bytes.clone()),
        }
    }
}

/// Two pieces of JSON are equal if their texts are.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.as_json().is_some() == other.as_json().is_some()
            && self.as_bytes() == other.as_bytes()
            && self.media_type() == other.media_type()
    }
}

impl Eq for Data {}

/// The beginning of JSON, the size of bytes.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Json(json) => {
                let text = json.get();
                let shown = text.get(..text.floor_char_boundary(SHOWN));
                let more = if text.len() > SHOWN { "…" } else { "" };
                write!(f, "Json({}{more})", shown.unwrap_or_default())
            }
            Kind::Binary { bytes, media_type } => {
                write!(f, "Binary({} bytes, {media_type:?})", bytes.len())
            }
        }
    }
}

/// Bytes of JSON that a debug output shows.
const SHOWN: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_not_read_as_json() {
        let data = Data::binary("1").with_media_type("text/plain");
        assert!(data.parse::<u32>().is_err());
        assert_eq!(data.as_json(), None);
        assert_eq!(data.media_type(), Some("text/plain"));
        assert_ne!(data, Data::json(&1).expect("JSON"));
    }

    #[test]
    fn deep_json_is_an_error_and_no_overflow() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let raw = RawValue::from_string(deep).expect("valid JSON");
        let data = Data::from_raw(raw);
        assert!(data.parse::<serde_json::Value>().is_err());
        assert!(format!("{data:?}").len() < 2 * SHOWN);
    }
}
