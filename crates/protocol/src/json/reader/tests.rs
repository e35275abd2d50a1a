//! The reader beside `serde_json`, which is the simple way.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;
use crate::payload::MAX_DEPTH;

/// The first value of a text, and whether it is alone.
fn first_value(text: &str) -> Option<(&str, bool)> {
    let mut reader = Reader::new(text);
    let value = reader.value().ok()?;
    Some((value, reader.is_at_end()))
}

fn first_value_of_serde(text: &str) -> Option<(&str, bool)> {
    let mut stream = serde_json::Deserializer::from_str(text);
    let value = <&RawValue>::deserialize(&mut stream).ok()?.get();
    Some((value, stream.end().is_ok()))
}

/// Numbers, booleans, strings and names of an object, in the order in which they stand there.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut reader = Reader::new(text);
    reader
        .object(|name, reader| {
            let name = name.name().ok_or_else(|| DecodeError::fixed("half"))?;
            let value = match name.as_ref() {
                "u32" => format!("{:?}", reader.scalar::<u32>()?),
                "u64" => format!("{:?}", reader.scalar::<u64>()?),
                "i32" => format!("{:?}", reader.scalar::<i32>()?),
                "bool" => format!("{:?}", reader.scalar::<bool>()?),
                _ => reader.value()?.to_owned(),
            };
            found.push(format!("{name}: {value}"));
            Ok(())
        })
        .ok()?;
    Some(found)
}

fn fields_of_serde(text: &str) -> Option<Vec<String>> {
    use serde::de::{Deserializer, MapAccess, Visitor};

    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Vec<String>, E> {
            Ok(Vec::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut found = Vec::new();
            while let Some(name) = map.next_key::<String>()? {
                let value = match name.as_str() {
                    "u32" => format!("{:?}", map.next_value::<Option<u32>>()?),
                    "u64" => format!("{:?}", map.next_value::<Option<u64>>()?),
                    "i32" => format!("{:?}", map.next_value::<Option<i32>>()?),
                    "bool" => format!("{:?}", map.next_value::<Option<bool>>()?),
                    _ => map.next_value::<&RawValue>()?.get().to_owned(),
                };
                found.push(format!("{name}: {value}"));
            }
            Ok(found)
        }
    }
    serde_json::Deserializer::from_str(text)
        .deserialize_any(Names)
        .ok()
}

fn same(text: &str) {
    assert_eq!(first_value(text), first_value_of_serde(text), "{text:?}");
    assert_eq!(fields(text), fields_of_serde(text), "{text:?}");
}

#[test]
fn values_are_those_that_serde_accepts() {
    let values = [
        "",
        " ",
        "null",
        "nul",
        "nulls",
        "true",
        "false",
        "tru",
        "0",
        "-0",
        "00",
        "01",
        "-",
        "1.",
        "1.5",
        ".5",
        "1e5",
        "1E+05",
        "1e",
        "1e+",
        "-1.5e-3x",
        "+1",
        "\"",
        "\"a\"",
        "\"\\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u1234\"",
        "\"\\ud800\"",
        "\"\u{1}\"",
        "\"\u{7f}é😀\"",
        "\"12345678\\\"90\"",
        "[]",
        "[ ]",
        "[1]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,[2,{\"a\":[]}]]",
        "{}",
        "{ }",
        "{\"a\":1}",
        "{\"a\" : 1 , \"b\":{}}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1]",
        "[1}",
        "{\"a\":1} x",
        "\u{feff}1",
        "\t\r\n 1 \t\r\n",
        "\u{a0}1",
        "{\"\\ud800\":1}",
        "{\"a\\u0062\":1}",
        "[\"a\",1.0,null,true]",
        "1 2",
        "'a'",
        "NaN",
    ];
    for text in values {
        same(text);
        same(&format!("[{text}]"));
        same(&format!("{{\"x\":{text}}}"));
        same(&format!("{{\"u32\":{text},\"bool\":{text}}}"));
    }
}

#[test]
fn numbers_fit_or_are_refused() {
    let numbers = [
        "0",
        "-0",
        "-1",
        "1",
        "1.0",
        "1e2",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "4294967295",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        "1e400",
        "true",
        "false",
        "null",
        "\"1\"",
        "[]",
    ];
    for number in numbers {
        for name in ["u32", "u64", "i32", "bool"] {
            same(&format!("{{\"{name}\":{number}}}"));
        }
    }
}

#[test]
fn levels_are_bounded() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(first_value(&nested(MAX_DEPTH)).is_some());
    assert!(first_value(&nested(MAX_DEPTH + 1)).is_none());
    let mixed = |pairs: usize| format!("{}1{}", "[{\"a\":".repeat(pairs), "}]".repeat(pairs));
    assert!(first_value(&mixed(MAX_DEPTH / 2)).is_some());
    assert!(first_value(&mixed(MAX_DEPTH / 2 + 1)).is_none());
    assert!(first_value("[{\"a\":[1]}}").is_none());

    fn lists(reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        reader.list(lists).map(drop)
    }
    assert!(lists(&mut Reader::new(&nested(MAX_ENTERED))).is_ok());
    assert!(lists(&mut Reader::new(&nested(MAX_ENTERED + 1))).is_err());
}

/// Pieces of which most texts are nearly JSON.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        " ",
        "\n",
        "\"",
        "\\",
        "\\\"",
        "\\u00e9",
        "\\ud800",
        "\\u",
        "null",
        "true",
        "false",
        "0",
        "12",
        "-",
        ".",
        "e",
        "1.5e3",
        "\"a\"",
        "\"u32\":",
        "\"bool\":",
        "\"i32\":",
        "\"x\":",
        "{\"a\":",
        "é",
        "😀",
        "\u{1}",
        "abcdefgh",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Valid JSON of any shape.
fn valid() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_filter_map("finite", |value| serde_json::to_string(&value).ok()),
        ".{0,20}".prop_map(|text| serde_json::to_string(&text).expect("a string")),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let name = prop::sample::select(vec!["u32", "u64", "i32", "bool", "x", "é\"\\"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(|all| format!("[{}]", all.join(" ,"))),
            prop::collection::vec((name, inner), 0..6).prop_map(|all| {
                let field = |(name, value): &(&str, String)| {
                    format!("{} : {value}", serde_json::json!(name))
                };
                format!(
                    "{{{}}}",
                    all.iter().map(field).collect::<Vec<_>>().join(",")
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nearly_json_is_read_as_serde_reads_it(text in pieces()) {
        same(&text);
    }

    #[test]
    fn json_is_read_as_serde_reads_it(text in valid(), cut in any::<prop::sample::Index>()) {
        same(&text);
        let end = cut.index(text.len() + 1);
        if let Some(part) = text.get(..end) {
            same(part);
        }
    }
}
