//! Which web pages may connect.

use globset::{GlobBuilder, GlobMatcher};

/// Which values of the header `Origin` are let in. A request without the header does not come from a page, and passes.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    patterns: Vec<GlobMatcher>,
    own: bool,
}

/// A pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("client.allowed_origins: {pattern:?} is no pattern: {reason}")]
pub struct BadPattern {
    pattern: String,
    reason: String,
}

impl Origins {
    /// Lets in what matches one of the patterns (`*` stands for any characters, `\` takes the meaning from the one behind it; case does not matter), and with `own`
    /// also pages of this server itself.
    ///
    /// # Errors
    /// Names the pattern that is none.
    pub fn new(patterns: &[String], own: bool) -> Result<Self, BadPattern> {
        let compile = |pattern: &String| {
            let glob = GlobBuilder::new(pattern)
                .case_insensitive(true)
                .backslash_escape(true)
                .literal_separator(false)
                .build();
            let bad = |error: globset::Error| BadPattern {
                pattern: pattern.clone(),
                reason: error.kind().to_string(),
            };
            glob.map(|glob| glob.compile_matcher()).map_err(bad)
        };
        Ok(Self {
            patterns: patterns.iter().map(compile).collect::<Result<_, _>>()?,
            own,
        })
    }

    /// Whether a request with this `Origin` and `Host` is let in.
    #[must_use]
    pub fn admit(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin.filter(|origin| !origin.is_empty()) else {
            return true;
        };
        if self.own && is_same_host(origin, host) {
            return true;
        }
        self.patterns.iter().any(|pattern| pattern.is_match(origin))
    }
}

/// Whether a page's origin is the very host that the request went to.
fn is_same_host(origin: &str, host: Option<&str>) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(patterns: &[&str], own: bool) -> Origins {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Origins::new(&patterns, own).unwrap()
    }

    #[test]
    fn without_patterns_only_requests_without_origin_pass() {
        let none = origins(&[], false);
        assert!(none.admit(None, Some("a")));
        assert!(!none.admit(Some("https://a"), Some("a")));
    }

    #[test]
    fn a_star_stands_for_anything_but_the_dot_before_it_must_be_there() {
        let origins = origins(&["https://*.Example.com"], false);
        assert!(origins.admit(Some("https://a.b.example.com"), None));
        assert!(origins.admit(Some("HTTPS://X.EXAMPLE.COM"), None));
        assert!(!origins.admit(Some("https://example.com"), None));
        assert!(!origins.admit(Some("http://a.example.com"), None));
    }

    #[test]
    fn its_own_pages_pass_where_that_is_wished() {
        let own = origins(&[], true);
        assert!(own.admit(Some("http://localhost:8000"), Some("localhost:8000")));
        assert!(!own.admit(Some("http://localhost:8001"), Some("localhost:8000")));
        assert!(!own.admit(Some("null"), Some("localhost:8000")));
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = Origins::new(&["https://[".to_owned()], false).unwrap_err();
        assert!(error.to_string().contains("https://["), "{error}");
    }
}
