//! The values of a list, one by one.

use std::sync::Arc;

use super::RawJson;
use crate::json::reader::Reader;

/// The values of a list in their order. Only the list's text is kept, once for all clones: a list of short values is
/// many times larger where it is decoded.
#[derive(Clone, Debug, Default)]
pub struct RawItems {
    list: Arc<str>,
    /// Where the rest of the list begins, behind the opening bracket or a value.
    at: usize,
}

/// A value of a list. It keeps the text of the whole list.
#[derive(Clone, Debug)]
pub struct RawItem {
    list: Arc<str>,
    begin: usize,
    end: usize,
}

impl RawItems {
    /// The values of a list; `None` for anything else.
    pub(super) fn of(value: RawJson<'_>) -> Option<Self> {
        value.as_str().starts_with('[').then(|| Self {
            list: Arc::from(value.as_str()),
            at: 1,
        })
    }
}

impl Iterator for RawItems {
    type Item = RawItem;

    fn next(&mut self) -> Option<RawItem> {
        let rest = self.list.get(self.at..)?;
        let is_between = |c: char| matches!(c, ',' | ' ' | '\t' | '\n' | '\r');
        let begin = self.at + rest.find(|c| !is_between(c))?;
        let rest = self.list.get(begin..)?;
        // The closing bracket is no value.
        let value = Reader::new(rest).any_value().ok()?;
        self.at = begin + value.len();
        Some(RawItem {
            list: Arc::clone(&self.list),
            begin,
            end: self.at,
        })
    }
}

impl RawItem {
    /// The value.
    #[must_use]
    pub fn value(&self) -> RawJson<'_> {
        RawJson(self.as_str())
    }

    /// The value as it is spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.list
            .get(self.begin..self.end)
            .expect("the bounds of a value lie between characters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(json: &str) -> Option<Vec<String>> {
        let list = RawJson::parse(json).expect("one JSON value").items()?;
        Some(list.map(|item| item.as_str().to_owned()).collect())
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
    fn an_empty_list_has_no_items_and_other_values_are_no_lists() {
        for json in ["[]", "[ ]"] {
            assert_eq!(items(json).as_deref(), Some(&[][..]), "{json}");
        }
        for json in ["null", "{}", "1", "\"[]\"", "true"] {
            assert_eq!(items(json), None, "{json}");
        }
    }
}
