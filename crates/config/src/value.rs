//! The plain values of the configuration and how each is read: booleans, numbers, text, secrets, durations, lists.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::duration;
use crate::setting::{Kind, Layer, Reading, Setting, split_words};

/// The value that a declaration writes as `text`.
pub(crate) fn default_value<S: Setting>(text: &str) -> S {
    let variables = BTreeMap::new();
    let mut reading = Reading::new(&variables);
    reading.layer = Layer::Override;
    let mut value = S::default();
    value.read(&Value::from(text), "default", &mut reading);
    debug_assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    value
}

/// A string that stays out of logs and error messages.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_empty() {
            "(unset)"
        } else {
            "(secret)"
        })
    }
}

impl Setting for Secret {
    fn kind() -> Kind {
        Kind::Secret
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        match text_of(value) {
            Some(text) => {
                self.0 = text;
                reading.touch(at);
            }
            None => reading.problem(at, "is not a string"),
        }
    }

    fn show(&self) -> Value {
        Value::from(self.expose())
    }
}

impl Setting for bool {
    fn kind() -> Kind {
        Kind::Bool
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        let read = match value {
            Value::Bool(value) => Some(*value),
            Value::String(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
                _ => None,
            },
            Value::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            _ => None,
        };
        match read {
            Some(read) => {
                *self = read;
                reading.touch(at);
            }
            None => reading.wrong(at, value, "is neither true nor false"),
        }
    }

    fn show(&self) -> Value {
        Value::from(*self)
    }
}

impl Setting for String {
    fn kind() -> Kind {
        Kind::Text
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        match text_of(value) {
            Some(text) => {
                *self = text;
                reading.touch(at);
            }
            None => reading.wrong(at, value, "is not a string"),
        }
    }

    fn show(&self) -> Value {
        Value::from(self.as_str())
    }
}

macro_rules! integers {
    ($($type:ty),+) => { $(
        impl Setting for $type {
            fn kind() -> Kind {
                Kind::Integer
            }

            fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
                match integer_of(value).and_then(|number| Self::try_from(number).ok()) {
                    Some(number) => {
                        *self = number;
                        reading.touch(at);
                    }
                    None if integer_of(value).is_some_and(|number| number >= 0) => {
                        reading.wrong(at, value, &format!("is too large; write at most {}", Self::MAX));
                    }
                    None if Self::MIN == 0 => reading.wrong(at, value, "is not a whole number from 0 up"),
                    None => reading.wrong(at, value, "is not a whole number"),
                }
            }

            fn show(&self) -> Value {
                Value::from(*self)
            }
        }
    )+ };
}

integers!(u16, u32, i32, i64, usize);

impl Setting for Duration {
    fn kind() -> Kind {
        Kind::Duration
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        match duration_of(value) {
            Ok(read) if read.negative && !read.amount.is_zero() => {
                reading.wrong(at, value, "is negative; write a duration from \"0s\" up");
            }
            Ok(read) => {
                *self = read.amount;
                reading.touch(at);
            }
            Err(why) => reading.wrong(at, value, &why),
        }
    }

    fn show(&self) -> Value {
        Value::from(duration::format(*self))
    }
}

/// A duration that a negative value (`-1s`) switches off.
impl Setting for Option<Duration> {
    fn kind() -> Kind {
        Kind::Duration
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        match duration_of(value) {
            Ok(read) => {
                *self = (!read.negative).then_some(read.amount);
                reading.touch(at);
            }
            // Documented by Centrifugo without a unit.
            Err(_) if value.as_str() == Some("-1") => {
                *self = None;
                reading.touch(at);
            }
            Err(why) => reading.wrong(at, value, &why),
        }
    }

    fn show(&self) -> Value {
        Value::from(self.map_or_else(|| "-1s".to_owned(), duration::format))
    }
}

impl Setting for Vec<String> {
    fn kind() -> Kind {
        Kind::Texts
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        if let Some(texts) = texts_of(value, split_words) {
            *self = texts;
            reading.touch(at);
        } else {
            reading.wrong(
                at,
                value,
                "is not a list of strings; write [\"...\", \"...\"]",
            );
        }
    }

    fn show(&self) -> Value {
        Value::from(self.clone())
    }
}

/// Addresses, one entry for each shard; the nodes of one shard stand in its entry, with commas
/// between them. So one string is split at white space only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shards(Vec<String>);

impl Deref for Shards {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl Setting for Shards {
    fn kind() -> Kind {
        Kind::Texts
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        if let Some(texts) = texts_of(value, words) {
            self.0 = texts;
            reading.touch(at);
        } else {
            reading.wrong(
                at,
                value,
                "is not a list of addresses; write [\"...\", \"...\"]",
            );
        }
    }

    fn show(&self) -> Value {
        Value::from(self.0.clone())
    }
}

/// Strings by name, such as headers. `${VECHE_VAR_X}` and `${CENTRIFUGO_VAR_X}` in a value stand
/// for that variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextMap(BTreeMap<String, String>);

impl Deref for TextMap {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Setting for TextMap {
    fn kind() -> Kind {
        Kind::TextMap
    }

    fn read(&mut self, value: &Value, at: &str, reading: &mut Reading<'_>) {
        let parsed = value
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let pairs = match parsed.as_ref().unwrap_or(value) {
            Value::Object(object) => object
                .iter()
                .map(|(key, value)| Some((key.clone(), text_of(value)?)))
                .collect::<Option<Vec<_>>>(),
            Value::Array(items) => items.iter().map(pair_of).collect(),
            _ => None,
        };
        let Some(pairs) = pairs else {
            reading.wrong(
                at,
                value,
                "is not a map of strings; write {\"name\": \"value\"}",
            );
            return;
        };
        let mut map = BTreeMap::new();
        for (key, text) in pairs {
            match reading.interpolate(&text) {
                Ok(text) => drop(map.insert(key, text)),
                Err(name) => {
                    reading.problem(
                        at,
                        &format!("\"{key}\" needs the variable {name}, which is not set"),
                    );
                    return;
                }
            }
        }
        self.0 = map;
        reading.touch(at);
    }

    fn show(&self) -> Value {
        let object: Map<String, Value> = self
            .0
            .iter()
            .map(|(key, text)| (key.clone(), Value::from(text.as_str())))
            .collect();
        Value::Object(object)
    }
}

/// The second form of a map: `{"key": ..., "value": ...}` in a list.
fn pair_of(item: &Value) -> Option<(String, String)> {
    let key = item.get("key")?.as_str()?;
    let text = item.get("value")?.as_str()?;
    Some((key.to_owned(), text.to_owned()))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A whole number, even one that no key can hold, so that the error can say that it is too large.
fn integer_of(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn duration_of(value: &Value) -> Result<duration::Signed, String> {
    /// A bare number counts nanoseconds, as in Go. Anything under a millisecond is a forgotten unit.
    const FEWEST_NANOS: u64 = 1_000_000;
    match value {
        Value::String(text) => duration::parse(text),
        Value::Number(number) => {
            let number = number.as_i64().ok_or("is not a duration; write \"25s\"")?;
            if number > 0 && number.unsigned_abs() < FEWEST_NANOS {
                return Err(duration::complaint(&number.to_string()));
            }
            Ok(duration::Signed {
                negative: number < 0,
                amount: Duration::from_nanos(number.unsigned_abs()),
            })
        }
        _ => Err(duration::complaint("")),
    }
}

fn texts_of(value: &Value, split: impl Fn(&str) -> Vec<String>) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(text_of).collect(),
        Value::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(text).ok()
        }
        Value::String(text) => Some(split(text)),
        _ => None,
    }
}
