//! A filter over tags, as clients send it.

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
