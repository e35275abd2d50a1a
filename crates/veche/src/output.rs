//! Lines for people: answers on standard output, warnings on standard error.

use std::io::{IsTerminal, Write};

use crate::failure::Failure;

/// Writes one line to standard output.
///
/// # Errors
/// If nobody reads it.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// Writes each warning to standard error. A warning that cannot be written is lost.
pub(crate) fn warnings(warnings: &[String]) {
    let mut out = std::io::stderr().lock();
    for warning in warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
}

/// Colours for a terminal, and none for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Escape sequences (ECMA-48, section 8.3.117).
    Colour,
    /// The bare text.
    Plain,
}

impl Paint {
    /// In colour if standard output is a terminal and `NO_COLOR` is not set.
    pub(crate) fn for_standard_output() -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        if std::io::stdout().is_terminal() && !is_unwanted {
            Self::Colour
        } else {
            Self::Plain
        }
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn doubtful(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}
