//! Why a command did not succeed, as one readable block on standard error.

use std::io::Write;
use std::process::ExitCode;

use veche_config::ConfigError;

/// What a command ends with when it did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something went wrong: what, and details one line each.
    Said { what: String, details: Vec<String> },
    /// The command line itself: help, version, or what is wrong with it.
    CommandLine(clap::Error),
    /// The question could not be asked, where 1 is an answer: the process ends with 2.
    Misused { what: String, details: Vec<String> },
    /// All was told already: the process ends with this status.
    Told(u8),
}

impl Failure {
    /// The answer was given, and it is no: the process ends with 1.
    pub(crate) const NO: Self = Self::Told(1);

    /// A failure told in one line.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self::Said {
            what: what.into(),
            details: Vec::new(),
        }
    }

    /// Writes it and says how the process ends: 1, or 2 for a wrong command line.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::CommandLine(error) => {
                // Nobody is left to tell if this write fails.
                let _ = error.print();
                ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
            }
            Self::Said { .. } | Self::Misused { .. } => {
                let _ = std::io::stderr().lock().write_all(self.text().as_bytes());
                let is_misused = matches!(self, Self::Misused { .. });
                ExitCode::from(if is_misused { 2 } else { 1 })
            }
            Self::Told(status) => ExitCode::from(*status),
        }
    }

    /// The same failure, where 1 is an answer and must not be mistaken for one.
    pub(crate) fn misused(self) -> Self {
        match self {
            Self::Said { what, details } => Self::Misused { what, details },
            other => other,
        }
    }

    /// All of it in one line, for a log.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::CommandLine(error) => error.to_string(),
            Self::Told(_) => String::new(),
            Self::Said { what, details } | Self::Misused { what, details } => {
                let parts: Vec<_> = std::iter::once(what).chain(details).cloned().collect();
                parts.join("; ")
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::CommandLine(error) => error.to_string(),
            Self::Told(_) => String::new(),
            Self::Said { what, details } | Self::Misused { what, details } => {
                let details = details.iter().map(|line| format!("  {line}\n"));
                format!("error: {what}\n{}", details.collect::<String>())
            }
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let what = match error.problems.len() {
            1 => "the configuration is wrong".to_owned(),
            count => format!("the configuration is wrong in {count} places"),
        };
        Self::Said {
            what,
            details: error.problems,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(format!("cannot write the answer: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use veche_config::ConfigError;

    #[test]
    fn all_problems_of_a_configuration_stand_in_one_block() {
        let error = ConfigError {
            problems: vec!["a: wrong".to_owned(), "b: wrong".to_owned()],
            warnings: Vec::new(),
        };
        assert_eq!(
            Failure::from(error).text(),
            "error: the configuration is wrong in 2 places\n  a: wrong\n  b: wrong\n"
        );
    }
}
