//! Which channels are meant: a glob over their names.

use globset::{GlobBuilder, GlobMatcher};

/// A glob: `?` and `*` stand for any characters, `[a-z]` and `[!a-z]` for one, `{a,b}` for one of several.
#[derive(Clone, Debug)]
pub struct Pattern {
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a glob; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let glob = GlobBuilder::new(text)
            .literal_separator(false)
            .backslash_escape(true)
            .build();
        glob.ok().map(|glob| Self {
            matcher: glob.compile_matcher(),
        })
    }

    /// The glob as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.matcher.glob().glob()
    }

    /// What all names begin with that match.
    #[must_use]
    pub fn prefix(&self) -> &str {
        let text = self.text();
        let special = |c| matches!(c, '?' | '*' | '[' | ']' | '{' | '}' | ',' | '\\' | '!');
        text.split(special).next().unwrap_or_default()
    }

    /// Whether a whole name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("news", "news", true),
            ("news", "news:1", false),
            ("news*", "news:1", true),
            ("*", "a/b:c#1,2", true),
            ("?", "ab", false),
            ("{a,b}:*", "b:1", true),
            ("[!a]*", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
        ] {
            let pattern = Pattern::parse(pattern).expect("a glob");
            assert_eq!(pattern.matches(name), expected, "{pattern:?} {name}");
        }
        for (pattern, prefix) in [
            ("news", "news"),
            ("news:*", "news:"),
            ("a{b,c}", "a"),
            ("a\\*", "a"),
            ("*a", ""),
        ] {
            let pattern = Pattern::parse(pattern).expect("a glob");
            assert_eq!(pattern.prefix(), prefix, "{pattern:?}");
        }
        for bad in ["x[", "{", "a{b", "[z-a]"] {
            assert!(Pattern::parse(bad).is_none(), "{bad}");
        }
    }
}
