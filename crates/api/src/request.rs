//! JSON objects as calls write them: keys in any case, the last of duplicates counts, `null` is nothing.

use std::borrow::Cow;

use veche_protocol::json::raw::{RawItem, RawItems, RawJson, RawObject, Scalar};
use veche_protocol::payload::Payload;
use veche_protocol::position::StreamPosition;
use veche_protocol::publication::Tags;

/// Why a request can't be understood, in words for its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Keys and raw values, in the order of the text.
#[derive(Default)]
pub(crate) struct Object<'a> {
    fields: RawObject<'a>,
    /// Where it stands in the request, for those that watch what is read.
    #[cfg(test)]
    path: String,
}

impl<'a> Object<'a> {
    /// Reads one object, or `null` for an empty one, and nothing behind it.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let fields = RawObject::parse(text).map_err(|error| Malformed(error.to_string()))?;
        Ok(fields.unwrap_or_default().into())
    }

    /// A value that is there, `null` included.
    pub(crate) fn raw(&self, name: &str) -> Option<RawJson<'a>> {
        self.noted(name, "json");
        self.fields.last(name)
    }

    /// A value that is read as something; `None` for `null`.
    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(RawJson<'a>) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        let value = self.fields.last(name).filter(|value| !value.is_null());
        let Some(value) = value else {
            return Ok(None);
        };
        let read = read(value).ok_or_else(|| Malformed(format!("`{name}` is not {expected}")))?;
        Ok(Some(read))
    }

    /// A string, empty if it is not there.
    pub(crate) fn string(&self, name: &str) -> Result<String, Malformed> {
        self.noted(name, "text");
        Ok(self.read(name, "a string", text)?.unwrap_or_default())
    }

    /// True or false, false if it is not there.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Malformed> {
        self.noted(name, "flag");
        let flag = self.read(name, "true or false", RawJson::scalar)?;
        Ok(flag.unwrap_or_default())
    }

    /// A whole number, 0 if it is not there.
    pub(crate) fn number<T: Scalar + Default>(&self, name: &str) -> Result<T, Malformed> {
        self.noted(name, std::any::type_name::<T>());
        let expected = "a whole number in range";
        let number = self.read(name, expected, RawJson::scalar)?;
        Ok(number.unwrap_or_default())
    }

    /// A list of strings.
    pub(crate) fn strings(&self, name: &str) -> Result<Vec<String>, Malformed> {
        self.noted(name, "texts");
        let all = self.read(name, "a list of strings", |value| {
            value.list()?.into_iter().map(text).collect()
        })?;
        Ok(all.unwrap_or_default())
    }

    /// A list of strings that is read again item by item, so that it takes no more memory than the request did.
    pub(crate) fn many_strings(
        &self,
        name: &str,
    ) -> Result<impl Iterator<Item = String> + Send + use<>, Malformed> {
        self.noted(name, "texts");
        let read = |item: RawItem| text(item.value());
        let strings = self.items(name, "a list of strings")?;
        if strings.clone().any(|item| read(item).is_none()) {
            return Err(Malformed(format!("`{name}` is not a list of strings")));
        }
        Ok(strings.filter_map(read))
    }

    /// A list of objects, which [`Self::item`] reads one by one.
    pub(crate) fn objects(&self, name: &str) -> Result<RawItems, Malformed> {
        self.noted(name, "objects");
        self.items(name, "a list of objects")
    }

    /// An item of [`Self::objects`]; what is `null` is `None`.
    pub(crate) fn item<'b>(name: &str, item: &'b RawItem) -> Result<Option<Object<'b>>, Malformed> {
        let object = RawObject::parse(item.as_str())
            .map_err(|_| Malformed(format!("`{name}` is not a list of objects")))?;
        Ok(object.map(|it| Object::default().placed(name, it.into())))
    }

    fn items(&self, name: &str, expected: &str) -> Result<RawItems, Malformed> {
        match self.fields.last(name).filter(|value| !value.is_null()) {
            Some(value) => value
                .items()
                .ok_or_else(|| Malformed(format!("`{name}` is not {expected}"))),
            None => Ok(RawItems::default()),
        }
    }

    /// Names and values, both strings; `None` for none.
    pub(crate) fn tags(&self, name: &str) -> Result<Option<Tags>, Malformed> {
        self.noted(name, "tags");
        let pair = |(name, value): (&str, RawJson<'_>)| {
            Some((Box::from(name), text(value)?.into_boxed_str()))
        };
        let all = self.read(name, "an object of strings", |value| {
            let pairs = value.object()?;
            pairs.fields().map(pair).collect::<Option<Tags>>()
        })?;
        Ok(all.filter(|all| !all.is_empty()))
    }

    /// An object within.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Malformed> {
        self.noted(name, "object");
        let object = self.read(name, "an object", RawJson::object)?;
        Ok(object.map(|it| self.placed(name, it.into())))
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
        let payload = value.payload();
        let payload = payload.ok_or_else(|| Malformed(format!("`{name}` has too many levels")))?;
        Ok(Some(payload))
    }
}

impl<'a> From<RawObject<'a>> for Object<'a> {
    fn from(fields: RawObject<'a>) -> Self {
        Self {
            fields,
            #[cfg(test)]
            path: String::new(),
        }
    }
}

/// A string; `null` is an empty one. An escape that is half of a character becomes U+FFFD.
fn text(value: RawJson<'_>) -> Option<String> {
    if value.is_null() {
        return Some(String::new());
    }
    value.lossy_string().map(Cow::into_owned)
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
