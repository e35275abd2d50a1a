//! Objects beside `serde_json`, which is the simple way.

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;

/// Names and values of an object as `serde_json` reads them.
struct Fields(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            fields.push((name, value.get().to_owned()));
        }
        Ok(Fields(fields))
    }
}

fn owned(object: &RawObject<'_>) -> Vec<(String, String)> {
    let fields = object.fields();
    fields
        .map(|(name, value)| (name.to_owned(), value.as_str().to_owned()))
        .collect()
}

fn same(text: &str) {
    let ours = RawObject::parse(text).ok();
    let ours = ours.map(|object| object.map(|object| owned(&object)));
    let theirs = serde_json::from_str::<Option<Fields>>(text).ok();
    assert_eq!(ours, theirs.map(|it| it.map(|it| it.0)), "{text:?}");
    let ours: Vec<_> = RawObjects::new(text)
        .map(|object| object.ok().map(|object| owned(&object)))
        .collect();
    let mut theirs = Vec::new();
    for object in serde_json::Deserializer::from_str(text).into_iter::<Option<Fields>>() {
        theirs.push(object.map(|it| it.map_or_else(Vec::new, |it| it.0)).ok());
        if theirs.last() == Some(&None) {
            break;
        }
    }
    assert_eq!(ours, theirs, "{text:?}");
    let value = serde_json::from_str::<&RawValue>(text);
    let value = value.ok().map(|value| value.get());
    let raw = RawJson::parse(text).ok();
    assert_eq!(raw.map(RawJson::as_str), value, "{text:?}");
    let Some(raw) = raw else { return };
    let string = serde_json::from_str::<String>(text).ok();
    assert_eq!(raw.string().map(Cow::into_owned), string, "{text:?}");
    let list = serde_json::from_str::<Vec<&RawValue>>(text).ok();
    let list = list.map(|it| it.iter().map(|it| it.get()).collect::<Vec<_>>());
    let ours = raw.list();
    let ours = ours.map(|it| it.into_iter().map(RawJson::as_str).collect());
    assert_eq!(ours, list, "{text:?}");
    assert_eq!(
        raw.scalar(),
        serde_json::from_str::<u32>(text).ok(),
        "{text:?}"
    );
    assert_eq!(
        raw.scalar(),
        serde_json::from_str::<i64>(text).ok(),
        "{text:?}"
    );
    assert_eq!(
        raw.scalar(),
        serde_json::from_str::<bool>(text).ok(),
        "{text:?}"
    );
}

#[test]
fn objects_are_those_that_serde_reads() {
    for text in [
        "",
        "{}",
        " { } ",
        "null",
        "nullnull",
        "null null",
        "null{}",
        "{}null",
        "null1",
        "{}{}",
        "{} {} x",
        "{},{}",
        "[]",
        "{\"a\":1}",
        "{\"a\":1}}",
        "{\"a\":1,\"A\":2,\"a\":null}",
        "{\"\\ud800\":1}",
        "{\"a\\u0062\":\"\\ud800\"}",
        "{\"a\" : [1, {\"b\":2}] }",
        "{\"a\":1,}",
        "\"text\"",
        "\"\\n\"",
        "[1,\"2\",[3],{}]",
        "[1,]",
        "7",
        "-0",
        "4294967296",
        "true",
    ] {
        same(text);
    }
}

#[test]
fn a_value_may_be_nested_as_deep_as_memory_allows_and_is_no_data_then() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    same(&format!("{{\"a\":{deep}}}"));
    let deep = RawJson::parse(&deep).expect("JSON");
    assert_eq!(deep.payload(), None);
    assert_eq!(deep.list().expect("a list").len(), 1);
    let open = "[{\"a\":".repeat(100_000);
    assert!(RawJson::parse(&open).is_err());
}

#[test]
fn names_are_found_in_any_case_or_exactly() {
    let object = RawObject::parse(r#"{"a":1,"A":2,"b":3}"#).expect("JSON");
    let object = object.expect("an object");
    assert_eq!(object.last("a").map(RawJson::as_str), Some("2"));
    assert_eq!(object.first_exact("a").map(RawJson::as_str), Some("1"));
    assert_eq!(object.first_exact("B"), None);
    assert_eq!(object.repeated(), None);
    let twice = RawObject::parse(r#"{"a":1,"b":2,"b":3}"#).expect("JSON");
    assert_eq!(twice.expect("an object").repeated(), Some("b"));
}

proptest! {
    #[test]
    fn whatever_serde_reads_is_read_the_same(
        text in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "\"\\ud83d\"", "null", "1", "-2.5", "true", " ",
            ]),
            0..12,
        ),
    ) {
        same(&text.concat());
    }

    #[test]
    fn fields_come_back_as_they_were_written(
        fields in prop::collection::vec(("[a-zA-Z\"\\\\\u{e9}]{0,3}", any::<i32>()), 0..6),
    ) {
        let written: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{}: {value}", serde_json::to_string(name).expect("text")))
            .collect();
        let text = format!("{{{}}}", written.join(" ,"));
        same(&text);
        let object = RawObject::parse(&text).expect("JSON").expect("an object");
        prop_assert_eq!(object.fields().count(), fields.len());
    }
}
