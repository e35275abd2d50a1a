//! Reading JSON objects the way the reference server does: names in any case, `null` for nothing, the last of
//! duplicates.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::json::text;
use crate::payload::{MAX_DEPTH, Payload, nests_within};

/// Something with named fields.
pub(crate) trait Fields: Default {
    /// Reads the value of a field, or returns false where there is no such field.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads an object into what is there already; `null` changes nothing.
pub(crate) struct Object<'a, T>(pub(crate) &'a mut T);

impl<'de, T: Fields> DeserializeSeed<'de> for Object<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Fields> Visitor<'de> for Object<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            if !self.0.read(name.as_str(), &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads an object; `null` takes away what was there.
pub(crate) fn object<'de, A: MapAccess<'de>, T: Fields>(
    map: &mut A,
    slot: &mut Option<Box<T>>,
) -> Result<bool, A::Error> {
    map.next_value_seed(Slot(slot))?;
    Ok(true)
}

struct Slot<'a, T>(&'a mut Option<Box<T>>);

impl<'de, T: Fields> DeserializeSeed<'de> for Slot<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Fields> Visitor<'de> for Slot<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        *self.0 = None;
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        Object(&mut **self.0.get_or_insert_default()).visit_some(deserializer)
    }
}

/// Reads a number or a boolean; `null` changes nothing.
pub(crate) fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    map: &mut A,
    slot: &mut T,
) -> Result<bool, A::Error> {
    if let Some(value) = map.next_value()? {
        *slot = value;
    }
    Ok(true)
}

/// Reads a string; `null` changes nothing.
pub(crate) fn string<'de, A: MapAccess<'de>>(
    map: &mut A,
    slot: &mut String,
) -> Result<bool, A::Error> {
    if let Some(text) = map.next_value::<Text>()?.0 {
        *slot = text;
    }
    Ok(true)
}

/// Reads any value as the bytes it is spelled with; also `null`.
pub(crate) fn payload<'de, A: MapAccess<'de>>(
    map: &mut A,
    slot: &mut Option<Payload>,
) -> Result<bool, A::Error> {
    let raw = map.next_value::<&RawValue>()?.get().as_bytes();
    if !nests_within(raw, MAX_DEPTH) {
        return Err(A::Error::custom("too many levels of nesting"));
    }
    *slot = Some(Payload::json(Bytes::copy_from_slice(raw)));
    Ok(true)
}

/// Reads a list in place of what was there; `null` gives none, and a `null` in it the default.
pub(crate) fn list<'de, A: MapAccess<'de>, T: Element<'de>>(
    map: &mut A,
    slot: &mut Vec<T>,
) -> Result<bool, A::Error> {
    *slot = map
        .next_value::<Option<List<T>>>()?
        .map_or_else(Vec::new, |list| list.0);
    Ok(true)
}

/// Reads names and values; of equal names the last counts, and `null` gives none.
pub(crate) fn entries<'de, A: MapAccess<'de>, T: Element<'de>>(
    map: &mut A,
    slot: &mut Vec<(String, T)>,
) -> Result<bool, A::Error> {
    let mut all: BTreeMap<_, _> = std::mem::take(slot).into_iter().collect();
    if let Some(Entries(entries)) = map.next_value::<Option<Entries<T>>>()? {
        all.extend(entries);
        *slot = all.into_iter().collect();
    }
    Ok(true)
}

/// What lists and maps are made of.
pub(crate) trait Element<'de>: Sized {
    /// Reads one.
    fn element<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl<'de, T: Fields> Element<'de> for T {
    fn element<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut element = T::default();
        Object(&mut element).deserialize(deserializer)?;
        Ok(element)
    }
}

impl<'de> Element<'de> for String {
    fn element<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Text::deserialize(deserializer)?.0.unwrap_or_default())
    }
}

/// An element, for where serde wants a type that reads itself.
struct Whole<T>(T);

impl<'de, T: Element<'de>> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::element(deserializer).map(Self)
    }
}

struct List<T>(Vec<T>);

impl<'de, T: Element<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_seq(Collect::<Vec<T>>(PhantomData))
            .map(Self)
    }
}

struct Entries<T>(Vec<(String, T)>);

impl<'de, T: Element<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(Collect::<(String, T)>(PhantomData))
            .map(Self)
    }
}

/// Collects elements into a list, or pairs out of a map.
struct Collect<T>(PhantomData<T>);

impl<'de, T: Element<'de>> Visitor<'de> for Collect<Vec<T>> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Whole(element)) = seq.next_element()? {
            all.push(element);
        }
        Ok(all)
    }
}

impl<'de, T: Element<'de>> Visitor<'de> for Collect<(String, T)> {
    type Value = Vec<(String, T)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let Whole(element) = map.next_value()?;
            all.push((name, element));
        }
        Ok(all)
    }
}

/// A string, or `None` for `null`. Escapes that are half of a character become U+FFFD.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw == "null" {
            return Ok(Self(None));
        }
        match text::read_string(raw) {
            Some(text) => Ok(Self(Some(text))),
            None => Err(D::Error::custom("not a string")),
        }
    }
}

/// A field's name in lower case. What is longer than any field's is nobody's, and empty here.
struct Name;

struct FieldName {
    bytes: [u8; LONGEST],
    len: usize,
}

/// Bytes of `presence_stats`, and two to spare.
const LONGEST: usize = 16;

impl FieldName {
    fn as_str(&self) -> &str {
        self.bytes
            .get(..self.len)
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = FieldName;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<FieldName, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = FieldName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<FieldName, E> {
        let mut bytes = [0; LONGEST];
        let len = match bytes.get_mut(..name.len()) {
            Some(place) => {
                place.copy_from_slice(name.as_bytes());
                place.make_ascii_lowercase();
                name.len()
            }
            None => 0,
        };
        Ok(FieldName { bytes, len })
    }
}
