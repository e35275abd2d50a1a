//! JSON objects as calls write them: keys in any case, the last of duplicates counts, `null` is nothing.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use veche_protocol::json::text;
use veche_protocol::payload::{MAX_DEPTH, Payload, nests_within};
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Tags;

use crate::items::{self, Items};

/// Why a request can't be understood, in words for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Keys and raw values, in the order of the text.
#[derive(Default)]
pub(crate) struct Object<'a> {
    fields: Vec<(String, &'a RawValue)>,
    /// Where it stands in the request, for those that watch what is read.
    #[cfg(test)]
    path: String,
}

impl<'a> Object<'a> {
    /// Reads one object, or `null` for an empty one, and nothing behind it.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        serde_json::from_str::<Option<Self>>(text)
            .map(Option::unwrap_or_default)
            .map_err(|error| Malformed(error.to_string()))
    }

    /// A value that is there, `null` included.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.noted(name, "json");
        self.find(name)
    }

    fn find(&self, name: &str) -> Option<&'a RawValue> {
        let mut newest_first = self.fields.iter().rev();
        newest_first
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// A value of a certain type; `None` for `null`.
    fn typed<T: Deserialize<'a>>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Malformed> {
        let Some(value) = self.find(name) else {
            return Ok(None);
        };
        serde_json::from_str(value.get())
            .map_err(|_| Malformed(format!("`{name}` is not {expected}")))
    }

    /// A string, empty if it is not there.
    pub(crate) fn string(&self, name: &str) -> Result<String, Malformed> {
        self.noted(name, "text");
        let text: Option<Text> = self.typed(name, "a string")?;
        Ok(text.unwrap_or_default().0)
    }

    /// True or false, false if it is not there.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Malformed> {
        self.noted(name, "flag");
        Ok(self.typed(name, "true or false")?.unwrap_or_default())
    }

    /// A whole number, 0 if it is not there.
    pub(crate) fn number<T: Deserialize<'a> + Default>(&self, name: &str) -> Result<T, Malformed> {
        self.noted(name, std::any::type_name::<T>());
        let expected = "a whole number in range";
        Ok(self.typed(name, expected)?.unwrap_or_default())
    }

    /// A list of strings.
    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, Malformed> {
        self.noted(name, "texts");
        let all: Option<Vec<Text>> = self.typed(name, "a list of strings")?;
        let all = all.unwrap_or_default().into_iter();
        Ok(all.map(|text| text.0).collect())
    }

    /// A list of strings that is read again item by item, so that it takes no more memory than the request did.
    pub(crate) fn many_strings(
        &self,
        name: &str,
    ) -> Result<impl Iterator<Item = String> + Send + use<>, Malformed> {
        self.noted(name, "texts");
        let read = |item: Bytes| items::read(&item).map(|Text(text)| text);
        let strings = self.items(name, "a list of strings")?;
        if strings.clone().any(|item| read(item).is_none()) {
            return Err(Malformed(format!("`{name}` is not a list of strings")));
        }
        Ok(strings.filter_map(read))
    }

    /// A list of objects, which [`Self::item`] reads one by one.
    pub(crate) fn objects(&self, name: &str) -> Result<Items, Malformed> {
        self.noted(name, "objects");
        self.items(name, "a list of objects")
    }

    /// An item of [`Self::objects`]; what is `null` is `None`.
    pub(crate) fn item<'b>(name: &str, item: &'b [u8]) -> Result<Option<Object<'b>>, Malformed> {
        let object: Option<Object<'b>> = items::read(item)
            .ok_or_else(|| Malformed(format!("`{name}` is not a list of objects")))?;
        Ok(object.map(|it| Object::default().placed(name, it)))
    }

    fn items(&self, name: &str, expected: &str) -> Result<Items, Malformed> {
        let Some(value) = self.find(name) else {
            return Ok(Items::default());
        };
        Items::of(value.get()).ok_or_else(|| Malformed(format!("`{name}` is not {expected}")))
    }

    /// Names and values, both strings; `None` for none.
    pub(crate) fn tags(&self, name: &str) -> Result<Option<Tags>, Malformed> {
        self.noted(name, "tags");
        let all: Option<BTreeMap<Box<str>, Text>> = self.typed(name, "an object of strings")?;
        let all = all.filter(|all| !all.is_empty());
        let pair = |(name, value): (Box<str>, Text)| (name, value.0.into_boxed_str());
        Ok(all.map(|all| all.into_iter().map(pair).collect()))
    }

    /// An object within.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Malformed> {
        self.noted(name, "object");
        let object = self.typed(name, "an object")?;
        Ok(object.map(|it| self.placed(name, it)))
    }

    /// Offset and epoch.
    pub(crate) fn position(&self, name: &str) -> Result<Option<StreamPosition>, Malformed> {
        let Some(position) = self.object(name)? else {
            return Ok(None);
        };
        let epoch = position.string("epoch")?;
        Ok(Some(StreamPosition::new(
            position.number("offset")?,
            epoch.as_str().into(),
        )))
    }

    /// Any JSON value, `null` included, byte for byte.
    pub(crate) fn payload(&self, name: &str) -> Result<Option<Payload>, Malformed> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        let json = value.get().as_bytes();
        if !nests_within(json, MAX_DEPTH) {
            return Err(Malformed(format!("`{name}` has too many levels")));
        }
        Ok(Some(Payload::json(Bytes::copy_from_slice(json))))
    }
}

/// A string; `null` is an empty one. An escape that is half of a character becomes U+FFFD.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match <&RawValue>::deserialize(deserializer)?.get() {
            "null" => Ok(Self::default()),
            raw => text::read_string(raw)
                .map(Self)
                .ok_or_else(|| D::Error::custom("not a string")),
        }
    }
}

/// What tests see of the reading: every field that is asked for, and as what.
impl Object<'_> {
    #[cfg(not(test))]
    fn noted(&self, _name: &str, _kind: &str) {}

    #[cfg(test)]
    fn noted(&self, name: &str, kind: &str) {
        watch::note(format!("{}{name}", self.path), kind);
    }

    #[cfg(not(test))]
    fn placed<'a>(&self, _name: &str, object: Object<'a>) -> Object<'a> {
        object
    }

    #[cfg(test)]
    fn placed<'a>(&self, name: &str, mut object: Object<'a>) -> Object<'a> {
        object.path = format!("{}{name}.", self.path);
        object
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
        Ok(Object {
            fields,
            #[cfg(test)]
            path: String::new(),
        })
    }
}

/// Notes which fields are asked for on this thread.
#[cfg(test)]
pub(crate) mod watch {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static NOTED: RefCell<BTreeSet<(String, String)>> = RefCell::default();
    }

    pub(super) fn note(path: String, kind: &str) {
        NOTED.with_borrow_mut(|noted| noted.insert((path, kind.to_owned())));
    }

    /// Paths and kinds that were asked for since the last time.
    pub(crate) fn take() -> BTreeSet<(String, String)> {
        NOTED.take()
    }
}
