//! Headers of a client's request that are kept for the application.

use std::fmt;

/// Names and values of headers, in the order in which they came. Empty lists are not kept: see [`Headers::new`].
#[derive(Clone, PartialEq, Eq)]
pub struct Headers(Box<[(Box<str>, Box<str>)]>);

impl Headers {
    /// The headers of a request that `wanted` names, whatever the case; `None` if there are none. They get the names
    /// of the list. Memory is taken only for what is kept.
    pub fn new<'a, N: AsRef<str>>(
        wanted: &[N],
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        if wanted.is_empty() {
            return None;
        }
        let kept = headers.into_iter().filter_map(|(name, value)| {
            let mut names = wanted.iter().map(AsRef::as_ref);
            let name = names.find(|wanted| wanted.eq_ignore_ascii_case(name))?;
            Some((Box::from(name), Box::from(value)))
        });
        let kept: Box<[_]> = kept.collect();
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// The first value of a name in any case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// All names and values; a name may come more than once.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// Names only: a value may be a secret.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headers_that_are_wanted_are_kept_and_names_have_no_case() {
        let came = [
            ("cookie", "a=1"),
            ("Host", "localhost"),
            ("COOKIE", "b=2"),
            ("Authorization", "secret"),
        ];
        let headers = Headers::new(&["Cookie", "authorization"], came).unwrap();
        let kept: Vec<_> = headers.iter().collect();
        let cookies = [("Cookie", "a=1"), ("Cookie", "b=2")];
        assert_eq!(kept[..2], cookies);
        assert_eq!(kept[2], ("authorization", "secret"));
        assert_eq!(headers.get("COOKIE"), Some("a=1"));
        assert_eq!(headers.get("host"), None);
        assert!(!format!("{headers:?}").contains("secret"));
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_wanted_or_nothing_came() {
        assert_eq!(Headers::new::<&str>(&[], [("Cookie", "a")]), None);
        assert_eq!(Headers::new(&["Cookie"], [("Host", "a")]), None);
    }
}
