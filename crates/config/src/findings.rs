//! What is wrong with a configuration, and what is odd.

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Problems that stop the start, one line each.
    pub problems: Vec<String>,
    /// Warnings, one line each.
    pub warnings: Vec<String>,
}
