//! Variables of the environment: how they are named, and the value of one.

use serde_json::{Map, Value};

/// Prefixes of variables, in rising order of weight.
pub(crate) const PREFIXES: [&str; 2] = ["CENTRIFUGO_", "VECHE_"];

/// A value at a dotted path, as nested objects.
pub(crate) fn nested(path: &str, text: &str) -> Value {
    path.rsplit('.').fold(Value::from(text), |value, key| {
        Value::Object(Map::from_iter([(key.to_owned(), value)]))
    })
}
