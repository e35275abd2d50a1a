//! A filter's test as a tree that can only be asked what makes sense.

use super::decimal::Decimal;
use super::{FilterNode, InvalidFilter};
use crate::publication::Tags;

/// A question about tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Test {
    /// Always yes.
    Any,
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Leaf {
        key: Box<str>,
        comparison: Comparison,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    Equal(Box<str>),
    NotEqual(Box<str>),
    In(Vec<Box<str>>),
    NotIn(Vec<Box<str>>),
    Exists,
    Missing,
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Box<str>),
    /// Where either value is not a number, nothing matches.
    Number(Relation, Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Test {
    pub(super) fn compile(node: &FilterNode, depth: usize) -> Result<Self, InvalidFilter> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(invalid("too many nodes within nodes"));
        };
        let children = || {
            node.nodes
                .iter()
                .map(|node| Self::compile(node, depth))
                .collect::<Result<Vec<_>, _>>()
        };
        match node.op.as_str() {
            "" => Self::compile_leaf(node),
            "and" | "or" if node.nodes.is_empty() => {
                Err(invalid(format!("\"{}\" needs at least one node", node.op)))
            }
            "and" => Ok(Self::And(children()?)),
            "or" => Ok(Self::Or(children()?)),
            "not" => match children()?.pop() {
                Some(child) if node.nodes.len() == 1 => Ok(Self::Not(Box::new(child))),
                _ => Err(invalid("\"not\" needs exactly one node")),
            },
            other => Err(invalid(format!("unknown op \"{other}\""))),
        }
    }

    fn compile_leaf(node: &FilterNode) -> Result<Self, InvalidFilter> {
        let val = || Box::from(node.val.as_str());
        let vals = || {
            node.vals
                .iter()
                .map(|val| Box::from(val.as_str()))
                .collect()
        };
        let number = |relation| Comparison::Number(relation, val());
        let comparison = match node.cmp.as_str() {
            "eq" => Comparison::Equal(val()),
            "neq" => Comparison::NotEqual(val()),
            "in" => Comparison::In(vals()),
            "nin" => Comparison::NotIn(vals()),
            "ex" => Comparison::Exists,
            "nex" => Comparison::Missing,
            "sw" => Comparison::StartsWith(val()),
            "ew" => Comparison::EndsWith(val()),
            "ct" => Comparison::Contains(val()),
            "lt" => number(Relation::Less),
            "lte" => number(Relation::LessOrEqual),
            "gt" => number(Relation::Greater),
            "gte" => number(Relation::GreaterOrEqual),
            "" => return Err(invalid("a node without op needs cmp")),
            other => return Err(invalid(format!("unknown cmp \"{other}\""))),
        };
        let (wants_val, wants_vals, wants_key) = match comparison {
            Comparison::In(_) | Comparison::NotIn(_) => (false, true, true),
            Comparison::Exists | Comparison::Missing => (false, false, false),
            _ => (true, false, true),
        };
        if node.val.is_empty() == wants_val || node.vals.is_empty() == wants_vals {
            let wanted = match (wants_val, wants_vals) {
                (true, _) => "val and no vals",
                (_, true) => "vals and no val",
                _ => "neither val nor vals",
            };
            return Err(invalid(format!("cmp \"{}\" takes {wanted}", node.cmp)));
        }
        if wants_key && node.key.is_empty() {
            return Err(invalid(format!("cmp \"{}\" needs key", node.cmp)));
        }
        Ok(Self::Leaf {
            key: Box::from(node.key.as_str()),
            comparison,
        })
    }

    pub(super) fn matches(&self, tags: Option<&Tags>) -> bool {
        match self {
            Self::Any => true,
            Self::And(tests) => tests.iter().all(|test| test.matches(tags)),
            Self::Or(tests) => tests.iter().any(|test| test.matches(tags)),
            Self::Not(test) => !test.matches(tags),
            Self::Leaf { key, comparison } => {
                let value = tags.and_then(|tags| tags.get(key)).map(AsRef::as_ref);
                comparison.holds(value)
            }
        }
    }
}

impl Comparison {
    fn holds(&self, value: Option<&str>) -> bool {
        // A missing tag is compared as an empty string with sets, and with nothing else.
        let is_in = |set: &[Box<str>]| set.iter().any(|val| val.as_ref() == value.unwrap_or(""));
        match self {
            Self::Equal(val) => value == Some(val),
            Self::NotEqual(val) => value != Some(val),
            Self::In(set) => is_in(set),
            Self::NotIn(set) => !is_in(set),
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::StartsWith(val) => value.is_some_and(|value| value.starts_with(val.as_ref())),
            Self::EndsWith(val) => value.is_some_and(|value| value.ends_with(val.as_ref())),
            Self::Contains(val) => value.is_some_and(|value| value.contains(val.as_ref())),
            Self::Number(relation, val) => {
                let order = value
                    .and_then(Decimal::parse)
                    .zip(Decimal::parse(val))
                    .map(|(value, val)| value.cmp(&val));
                order.is_some_and(|order| match relation {
                    Relation::Less => order.is_lt(),
                    Relation::LessOrEqual => order.is_le(),
                    Relation::Greater => order.is_gt(),
                    Relation::GreaterOrEqual => order.is_ge(),
                })
            }
        }
    }
}

fn invalid(why: impl Into<String>) -> InvalidFilter {
    InvalidFilter(why.into())
}
