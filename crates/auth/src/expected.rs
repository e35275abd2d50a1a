//! What a claim must say: one text, or whatever a pattern matches.

use regex::Regex;

use crate::endpoint::Variables;

/// What a claim must say.
#[derive(Clone, Debug)]
pub enum Expected {
    /// This text.
    Text(String),
    /// Anything that the pattern finds itself in; it is not anchored.
    Pattern(Regex),
    /// Nothing will do: what was to be the pattern is none.
    Nothing,
}

impl Expected {
    /// Anything in which `pattern`, a regular expression, finds itself. Where it is none, no claim will do.
    #[must_use]
    pub fn pattern(pattern: &str) -> Self {
        Regex::new(pattern).map_or(Self::Nothing, Self::Pattern)
    }

    /// Whether a claim says it.
    pub(crate) fn is_met_by(&self, claim: &str) -> bool {
        match self {
            Self::Text(text) => text == claim,
            Self::Pattern(pattern) => pattern.is_match(claim),
            Self::Nothing => false,
        }
    }

    /// What the named groups of the pattern found in a claim that it matches; a group that found nothing is empty.
    pub(crate) fn variables(&self, claim: &str, found: &mut Variables) {
        let Self::Pattern(pattern) = self else { return };
        let Some(captures) = pattern.captures(claim) else {
            return;
        };
        for name in pattern.capture_names().flatten() {
            let value = captures.name(name).map_or("", |group| group.as_str());
            found.insert(name.to_owned(), value.to_owned());
        }
    }
}
