//! Lists in requests, read item by item: a list of short items is many times larger once it is decoded.

use bytes::Bytes;
use serde::de::IgnoredAny;

/// The items of a JSON list, each as it was written.
#[derive(Clone, Default)]
pub(crate) struct Items {
    /// The rest of the list, after the opening bracket.
    rest: Bytes,
}

impl Items {
    /// The items of `json`, which is one valid JSON value; `None` if it is neither a list nor `null`.
    pub(crate) fn of(json: &str) -> Option<Self> {
        if json == "null" {
            return Some(Self::default());
        }
        let inner = json.strip_prefix('[')?;
        let rest = Bytes::copy_from_slice(inner.as_bytes());
        Some(Self { rest })
    }
}

impl Iterator for Items {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let is_between = |byte: &u8| matches!(byte, b',' | b' ' | b'\t' | b'\n' | b'\r');
        let begin = self.rest.iter().position(|byte| !is_between(byte))?;
        let mut item = self.rest.split_off(begin);
        let mut values = serde_json::Deserializer::from_slice(&item).into_iter::<IgnoredAny>();
        // The closing bracket is no value.
        let is_value = matches!(values.next(), Some(Ok(_)));
        let end = values.byte_offset();
        self.rest = if is_value {
            item.split_off(end)
        } else {
            Bytes::new()
        };
        is_value.then_some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(json: &str) -> Option<Vec<String>> {
        let text = |item: Bytes| String::from_utf8(item.into()).expect("text");
        Items::of(json).map(|items| items.map(text).collect())
    }

    #[test]
    fn items_come_in_order_and_as_they_were_written() {
        let json = "[ 1,\n[ 2, [3] ] ,{\"a\" : \"],\\\"\"},null\t,\"é\",-4.5e3,true , []]";
        let expected = [
            "1",
            "[ 2, [3] ]",
            "{\"a\" : \"],\\\"\"}",
            "null",
            "\"é\"",
            "-4.5e3",
            "true",
            "[]",
        ];
        assert_eq!(items(json).expect("a list"), expected);
    }

    #[test]
    fn nothing_and_an_empty_list_have_no_items_and_other_values_are_no_lists() {
        for json in ["null", "[]", "[ ]"] {
            assert_eq!(items(json).as_deref(), Some(&[][..]), "{json}");
        }
        for json in ["{}", "1", "\"[]\"", "true"] {
            assert_eq!(items(json), None, "{json}");
        }
    }
}
