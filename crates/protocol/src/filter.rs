//! A filter over tags: as clients send it, and checked and ready to be asked.

mod decimal;
mod test;

use std::fmt;

use crate::publication::{Publication, Tags};

use test::Test;

/// One node of a filter: a comparison of one tag, or a combination of nodes.
///
/// Source: client protocol, `FilterNode`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FilterNode {
    /// `and`, `or`, `not`, or empty for a comparison.
    pub op: String,
    /// The tag to compare.
    pub key: String,
    /// `eq neq in nin ex nex sw ew ct lt lte gt gte`.
    pub cmp: String,
    /// The value to compare with.
    pub val: String,
    /// The values to compare with, for `in` and `nin`.
    pub vals: Vec<String>,
    /// The nodes to combine.
    pub nodes: Vec<FilterNode>,
}

impl FilterNode {
    /// Nodes within nodes beyond this are refused where they are read, so that no later walk can run out of stack.
    pub const MAX_DEPTH: usize = 32;
}

/// A filter that makes sense. Equal filters can share one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    test: Test,
    /// Of what the plain dialect calls `events`: any of these names, or all if there is none. Sorted, each once.
    events: Vec<Box<str>>,
}

impl Filter {
    /// Checks a filter.
    ///
    /// # Errors
    /// [`InvalidFilter`] says which node makes no sense; the client is answered with error 107.
    pub fn compile(node: &FilterNode) -> Result<Self, InvalidFilter> {
        Ok(Self {
            test: Test::compile(node, FilterNode::MAX_DEPTH)?,
            events: Vec::new(),
        })
    }

    /// A filter for publications with one of these event names (tag `event`; without one the name is
    /// [`DEFAULT_EVENT`]). Order and repetition make no difference. No names means all.
    #[must_use]
    pub fn events<I: IntoIterator<Item = S>, S: AsRef<str>>(names: I) -> Self {
        Self {
            test: Test::Any,
            events: Vec::new(),
        }
        .and_events(names)
    }

    /// This filter, and one of these event names as well.
    #[must_use]
    pub fn and_events<I: IntoIterator<Item = S>, S: AsRef<str>>(mut self, names: I) -> Self {
        self.events = names
            .into_iter()
            .map(|name| Box::from(name.as_ref()))
            .collect();
        self.events.sort_unstable();
        self.events.dedup();
        self
    }

    /// Whether a publication with these tags is wanted. Never fails and never allocates.
    #[must_use]
    pub fn matches(&self, tags: Option<&Tags>) -> bool {
        self.is_wanted_event(tags) && self.test.matches(tags)
    }

    /// Whether this publication is wanted.
    #[must_use]
    pub fn wants(&self, publication: &Publication) -> bool {
        self.matches(publication.tags.as_deref())
    }

    fn is_wanted_event(&self, tags: Option<&Tags>) -> bool {
        if self.events.is_empty() {
            return true;
        }
        let name = tags
            .and_then(|tags| tags.get(EVENT_TAG))
            .map_or(DEFAULT_EVENT, AsRef::as_ref);
        self.events
            .binary_search_by(|wanted| wanted.as_ref().cmp(name))
            .is_ok()
    }
}

/// The tag that carries a publication's event name.
pub const EVENT_TAG: &str = "event";

/// The event name of a publication without that tag.
pub const DEFAULT_EVENT: &str = "message";

/// Why a filter makes no sense, in words for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidFilter(String);

impl fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidFilter {}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    fn leaf(key: &str, cmp: &str, val: &str) -> FilterNode {
        FilterNode {
            key: key.into(),
            cmp: cmp.into(),
            val: val.into(),
            ..FilterNode::default()
        }
    }

    fn set(key: &str, cmp: &str, vals: &[&str]) -> FilterNode {
        FilterNode {
            vals: vals.iter().map(|val| (*val).into()).collect(),
            ..leaf(key, cmp, "")
        }
    }

    fn node(op: &str, nodes: Vec<FilterNode>) -> FilterNode {
        FilterNode {
            op: op.into(),
            nodes,
            ..FilterNode::default()
        }
    }

    fn matches(node: &FilterNode, pairs: &[(&str, &str)]) -> bool {
        Filter::compile(node).unwrap().matches(Some(&tags(pairs)))
    }

    #[test]
    fn each_comparison_holds_and_fails() {
        let tag = &[("a", "abc"), ("n", "10.50")][..];
        for (node, expected) in [
            (leaf("a", "eq", "abc"), true),
            (leaf("a", "eq", "ab"), false),
            (leaf("b", "eq", "abc"), false),
            (leaf("a", "neq", "abc"), false),
            (leaf("b", "neq", "abc"), true),
            (set("a", "in", &["x", "abc"]), true),
            (set("b", "in", &["x"]), false),
            (set("a", "nin", &["x"]), true),
            (set("a", "nin", &["abc"]), false),
            (leaf("a", "ex", ""), true),
            (leaf("b", "ex", ""), false),
            (leaf("", "ex", ""), false),
            (leaf("b", "nex", ""), true),
            (leaf("a", "sw", "ab"), true),
            (leaf("a", "sw", "bc"), false),
            (leaf("a", "ew", "bc"), true),
            (leaf("a", "ew", "ab"), false),
            (leaf("a", "ct", "b"), true),
            (leaf("a", "ct", "z"), false),
            (leaf("n", "gt", "10.4"), true),
            (leaf("n", "gt", "10.5"), false),
            (leaf("n", "gte", "10.5"), true),
            (leaf("n", "lt", "9"), false),
            (leaf("n", "lt", "11"), true),
            (leaf("n", "lte", "10.500"), true),
            (leaf("a", "gt", "1"), false),
            (leaf("b", "gt", "1"), false),
        ] {
            assert_eq!(matches(&node, tag), expected, "{node:?}");
        }
    }

    #[test]
    fn an_empty_string_in_a_set_matches_a_missing_tag() {
        assert!(matches(&set("b", "in", &[""]), &[("a", "1")]));
        assert!(!matches(&set("b", "nin", &[""]), &[("a", "1")]));
        let filter = Filter::compile(&set("b", "in", &[""])).unwrap();
        assert!(filter.matches(None));
    }

    #[test]
    fn nodes_combine() {
        let yes = || leaf("a", "eq", "1");
        let no = || leaf("a", "eq", "2");
        let tag = &[("a", "1")][..];
        assert!(matches(&node("and", vec![yes(), yes()]), tag));
        assert!(!matches(&node("and", vec![yes(), no()]), tag));
        assert!(matches(&node("or", vec![no(), yes()]), tag));
        assert!(!matches(&node("or", vec![no(), no()]), tag));
        assert!(matches(&node("not", vec![no()]), tag));
    }

    #[test]
    fn filters_that_make_no_sense_are_refused() {
        let yes = || leaf("a", "eq", "1");
        let mut deep = yes();
        for _ in 0..FilterNode::MAX_DEPTH {
            deep = node("not", vec![deep]);
        }
        for bad in [
            FilterNode::default(),
            leaf("a", "like", "1"),
            leaf("", "eq", "1"),
            leaf("a", "eq", ""),
            set("a", "in", &[]),
            set("a", "eq", &["1"]),
            leaf("a", "in", "1"),
            leaf("a", "ex", "1"),
            node("and", vec![]),
            node("or", vec![]),
            node("not", vec![]),
            node("not", vec![yes(), yes()]),
            node("xor", vec![yes()]),
            node("and", vec![yes(), FilterNode::default()]),
            deep,
        ] {
            assert!(Filter::compile(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_publication_without_an_event_is_a_message() {
        let filter = Filter::events(["typing", "message", "typing"]);
        assert!(filter.matches(None));
        assert!(filter.matches(Some(&tags(&[("event", "typing")]))));
        assert!(!filter.matches(Some(&tags(&[("event", "image")]))));
        assert!(!Filter::events(["typing"]).matches(None));
        assert!(Filter::events([""; 0]).matches(None));
        assert_eq!(filter, Filter::events(["message", "typing"]));
    }

    #[test]
    fn each_of_many_events_is_found_and_no_other() {
        let names: Vec<String> = (0..64).rev().map(|n| format!("event {n}")).collect();
        let filter = Filter::events(&names);
        for name in &names {
            assert!(filter.matches(Some(&tags(&[("event", name)]))), "{name}");
        }
        for name in ["", "event", "event 64", "event 0x", "zebra"] {
            assert!(!filter.matches(Some(&tags(&[("event", name)]))), "{name}");
        }
    }

    #[test]
    fn events_and_a_filter_together_mean_both() {
        let filter = Filter::compile(&leaf("a", "eq", "1"))
            .unwrap()
            .and_events(["typing"]);
        assert!(filter.matches(Some(&tags(&[("event", "typing"), ("a", "1")]))));
        assert!(!filter.matches(Some(&tags(&[("event", "typing")]))));
        assert!(!filter.matches(Some(&tags(&[("a", "1")]))));
    }
}
