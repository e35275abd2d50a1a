//! What was looked at, how it stands, and what to change.

use serde_json::{Value, json};

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// It works, and may surprise.
    Doubtful,
    /// Clients have trouble with it.
    Wrong,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name, which stays: for machines.
    pub name: &'static str,
    /// How it stands.
    pub mark: Mark,
    /// What was found, in words.
    pub found: String,
    /// What to change, line by line; lines of a configuration are indented.
    pub advice: Vec<String>,
}

/// All that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which it was.
    pub checks: Vec<Check>,
}

impl Check {
    pub(crate) fn new(name: &'static str, mark: Mark, found: impl Into<String>) -> Self {
        Self {
            name,
            mark,
            found: found.into(),
            advice: Vec::new(),
        }
    }

    /// The same, with lines that say what to change.
    pub(crate) fn advising<S: Into<String>>(self, advice: impl IntoIterator<Item = S>) -> Self {
        Self {
            advice: advice.into_iter().map(Into::into).collect(),
            ..self
        }
    }
}

impl Mark {
    /// The mark's name for machines; it stays.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Doubtful => "doubtful",
            Self::Wrong => "wrong",
        }
    }
}

impl Report {
    /// Whether clients have no trouble.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.checks.iter().all(|check| check.mark != Mark::Wrong)
    }

    /// How many checks have this mark.
    #[must_use]
    pub fn count(&self, mark: Mark) -> usize {
        self.checks
            .iter()
            .filter(|check| check.mark == mark)
            .count()
    }

    /// The report for machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let checks = self.checks.iter().map(|check| {
            json!({
                "check": check.name,
                "mark": check.mark.name(),
                "found": check.found,
                "advice": check.advice,
            })
        });
        json!({ "well": self.is_well(), "checks": checks.collect::<Vec<_>>() })
    }
}
