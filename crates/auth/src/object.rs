//! A JSON object as tokens are read: keys in any case, the last of duplicates counts, values byte for byte.

use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use veche_protocol::claims::TokenError;
use veche_protocol::payload::{MAX_DEPTH, Payload, nests_within};

use crate::jws::invalid;

/// Keys and raw values, in the order of the text.
pub(crate) struct Object<'a> {
    fields: Vec<(String, &'a RawValue)>,
}

impl<'a> Object<'a> {
    /// Reads one JSON object and nothing behind it.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// A value that is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.get_or_null(name).filter(|value| value.get() != "null")
    }

    /// A value that is there.
    fn get_or_null(&self, name: &str) -> Option<&'a RawValue> {
        let mut newest_first = self.fields.iter().rev();
        newest_first
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// A value whose key is spelled exactly so, and which is not null.
    pub(crate) fn get_exact(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| value.get() != "null")
    }

    /// The first name that stands there twice, spelled exactly so.
    pub(crate) fn repeated(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        let mut names = self.fields.iter().map(|(key, _)| key.as_str());
        names.find(|name| !seen.insert(*name))
    }

    /// A value of a certain type.
    pub(crate) fn typed<T: Deserialize<'a>>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, TokenError> {
        let value = self.get(name);
        value
            .map(|value| serde_json::from_str(value.get()))
            .transpose()
            .map_err(|_| invalid(format!("`{name}` is not {expected}")))
    }

    /// A string.
    pub(crate) fn string(&self, name: &str) -> Result<Option<String>, TokenError> {
        self.typed(name, "a string")
    }

    /// A whole number of seconds.
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<i64>, TokenError> {
        self.typed(name, "a whole number of seconds")
    }

    /// A moment in seconds, which may be a fraction, or stand in quotes (RFC 7519, `NumericDate`, read generously).
    pub(crate) fn moment(&self, name: &str) -> Result<Option<f64>, TokenError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = value.get();
        let quoted = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        serde_json::from_str::<f64>(quoted.unwrap_or(text))
            .map(Some)
            .map_err(|_| invalid(format!("`{name}` is not a number of seconds")))
    }

    /// An object within.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, TokenError> {
        self.typed(name, "an object")
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
        let Some(value) = self.get_or_null(name) else {
            return Ok(None);
        };
        let json = value.get().as_bytes();
        if !nests_within(json, MAX_DEPTH) {
            return Err(invalid(format!("`{name}` has too many levels")));
        }
        Ok(Some(Payload::json(Bytes::copy_from_slice(json))))
    }

    /// All keys and values, null or not.
    pub(crate) fn fields(self) -> impl Iterator<Item = (String, &'a RawValue)> {
        self.fields.into_iter()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Object { fields })
    }
}
