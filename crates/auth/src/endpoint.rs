//! Where keys are fetched from: an address that may have parts filled in from claims,
//! `https://{{tenant}}.example/keys`.

use std::collections::BTreeMap;
use std::fmt;

use regex_syntax::ast::{Ast, GroupKind, parse::Parser};

/// Values for the parts, from the named groups of the patterns for issuer and audience.
pub(crate) type Variables = BTreeMap<String, String>;

/// The address of a key set.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Text that stands as it is, and the name of the part behind it, if there is one.
    parts: Vec<(String, Option<String>)>,
}

/// Why keys cannot be fetched from an address, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is not for HTTP.
    #[error("an address begins with https:// or http://")]
    Scheme,
    /// A part that nothing fills in.
    #[error(
        "nothing fills in {{{{{0}}}}}; it must be a named group of issuer_regex or audience_regex, as (?P<{0}>a|b)"
    )]
    Unknown(String),
    /// A part that a stranger could choose.
    #[error(
        "the group {group:?} of {regex} fills in a part of the address before a token's signature is known, so it must \
         list all it may be, as (?P<{group}>a|b); {regex} lets a token lead to a server of its maker's choice"
    )]
    Open {
        /// Name of the group.
        group: String,
        /// Which pattern.
        regex: &'static str,
    },
}

impl Endpoint {
    /// Reads an address and its parts in double braces.
    ///
    /// # Errors
    /// [`EndpointError::Scheme`].
    pub fn new(address: &str) -> Result<Self, EndpointError> {
        if !address.starts_with("https://") && !address.starts_with("http://") {
            return Err(EndpointError::Scheme);
        }
        let mut parts = Vec::new();
        let mut rest = address;
        while let Some((text, name, behind)) = rest.split_once("{{").and_then(|(text, behind)| {
            let (name, behind) = behind.split_once("}}")?;
            Some((text, name, behind))
        }) {
            parts.push((text.to_owned(), Some(name.to_owned())));
            rest = behind;
        }
        parts.push((rest.to_owned(), None));
        Ok(Self { parts })
    }

    /// Checks that every part is filled in by a named group that lists all it may be. A token is not verified yet when
    /// it says what to fill in, so a group that matches anything would let its maker choose the keys.
    ///
    /// # Errors
    /// [`EndpointError::Unknown`] and [`EndpointError::Open`].
    pub fn check(&self, issuer_regex: &str, audience_regex: &str) -> Result<(), EndpointError> {
        for name in self.parts.iter().filter_map(|(_, name)| name.as_ref()) {
            let mut is_known = false;
            for (regex, pattern) in [
                ("issuer_regex", issuer_regex),
                ("audience_regex", audience_regex),
            ] {
                for is_list in groups(pattern, name) {
                    is_known = true;
                    if !is_list {
                        let group = name.clone();
                        return Err(EndpointError::Open { group, regex });
                    }
                }
            }
            if !is_known {
                return Err(EndpointError::Unknown(name.clone()));
            }
        }
        Ok(())
    }

    /// The address with its parts filled in; `None` where they would lead out of the path that is configured.
    pub(crate) fn fill(&self, variables: &Variables) -> Option<String> {
        let mut address = String::new();
        for (text, name) in &self.parts {
            address.push_str(text);
            let value = name.as_ref().and_then(|name| variables.get(name));
            address.push_str(value.map_or("", String::as_str));
        }
        let (_, behind_scheme) = address.split_once("://")?;
        let path = behind_scheme.split(['?', '#']).next()?;
        let mut segments = path.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            let dots = segment.replace("%2e", ".").replace("%2E", ".");
            let is_inner_gap = dots.is_empty() && segments.peek().is_some();
            if is_inner_gap || dots == "." || dots == ".." {
                return None;
            }
        }
        Some(address)
    }
}

/// As it is configured, without user and password.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (part, name) in &self.parts {
            text.push_str(part);
            if let Some(name) = name {
                text.push_str("{{");
                text.push_str(name);
                text.push_str("}}");
            }
        }
        f.write_str(&without_password(&text))
    }
}

/// An address as it may stand in a log: what is before `@` is left out.
#[must_use]
pub fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((secret, _)) => format!("{scheme}://…{}", rest.get(secret.len()..).unwrap_or("")),
        None => address.to_owned(),
    }
}

/// For each group of this name, whether it lists all it may be.
fn groups(pattern: &str, name: &str) -> Vec<bool> {
    let Ok(whole) = Parser::new().parse(pattern) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut left = vec![&whole];
    while let Some(ast) = left.pop() {
        match ast {
            Ast::Group(group) => {
                if let GroupKind::CaptureName { name: its, .. } = &group.kind
                    && its.name == name
                {
                    found.push(is_list(&group.ast));
                }
                left.push(&group.ast);
            }
            Ast::Repetition(repetition) => left.push(&repetition.ast),
            Ast::Alternation(alternation) => left.extend(&alternation.asts),
            Ast::Concat(concat) => left.extend(&concat.asts),
            _ => {}
        }
    }
    found
}

/// Whether an expression matches certain texts only: neither classes nor repetitions.
fn is_list(ast: &Ast) -> bool {
    match ast {
        Ast::Empty(_) | Ast::Literal(_) => true,
        Ast::Group(group) => is_list(&group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().all(is_list),
        Ast::Concat(concat) => concat.asts.iter().all(is_list),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointError, Variables, without_password};

    fn check(address: &str, issuer: &str, audience: &str) -> Result<(), EndpointError> {
        Endpoint::new(address)
            .expect("an address")
            .check(issuer, audience)
    }

    #[test]
    fn an_address_is_for_http() {
        for address in ["ftp://a/b", "/etc/passwd", "a.example", "file:///a", ""] {
            assert_eq!(Endpoint::new(address), Err(EndpointError::Scheme));
        }
        assert!(Endpoint::new("https://a.example/keys").is_ok());
    }

    #[test]
    fn a_part_must_be_a_group_that_lists_all_it_may_be() {
        let address = "https://a.example/{{realm}}/keys";
        for issuer in [
            "(?P<realm>a|b)",
            "^https://x[.]example/(?P<realm>a|b|c-d)$",
            "(?P<realm>test1|test2)",
            "(?P<realm>only)",
            "(?P<realm>(?:a|b)-c|d)",
            "(?P<realm>a|b)/(?P<other>.*)",
            r"(?P<realm>a\.b|b)",
        ] {
            assert_eq!(check(address, issuer, ""), Ok(()), "{issuer}");
            assert_eq!(check(address, "", issuer), Ok(()), "{issuer}");
        }
        for issuer in [
            "(?P<realm>.*)",
            "(?P<realm>[a-z]+)",
            "(?P<realm>[ab])",
            r"(?P<realm>\w+)",
            r"(?P<realm>\pL)",
            "(?P<realm>a|b.)",
            "(?P<realm>a*)",
            "(?P<realm>a?)",
            "(?P<realm>a{2})",
            "(?P<realm>(a|.+))",
            "((?P<realm>.+))+",
            "(?P<x>a(?P<realm>.+))|b",
        ] {
            let open = check(address, issuer, "");
            assert!(matches!(open, Err(EndpointError::Open { .. })), "{issuer}");
            let open = check(address, "", issuer);
            assert!(matches!(open, Err(EndpointError::Open { .. })), "{issuer}");
        }
        let unknown = Err(EndpointError::Unknown("realm".to_owned()));
        assert_eq!(check(address, "(?P<Realm>a)", "(a|b)"), unknown);
    }

    #[test]
    fn an_address_without_parts_asks_nothing_of_the_patterns() {
        assert_eq!(check("https://a.example/keys", ".*", "[a-z]+"), Ok(()));
        assert_eq!(check("https://a.example/{keys}", "", ""), Ok(()));
    }

    #[test]
    fn parts_are_filled_in_unless_they_lead_elsewhere() {
        let filled = |address: &str, realm: &str| {
            let variables = Variables::from([("realm".to_owned(), realm.to_owned())]);
            Endpoint::new(address).unwrap().fill(&variables)
        };
        for (address, realm, expected) in [
            (
                "https://{{realm}}.example/keys",
                "a",
                Some("https://a.example/keys"),
            ),
            (
                "https://a.example/{{realm}}/{{realm}}?v={{realm}}",
                "b",
                Some("https://a.example/b/b?v=b"),
            ),
            (
                "https://a.example/keys/",
                "",
                Some("https://a.example/keys/"),
            ),
            ("https://a.example", "", Some("https://a.example")),
            (
                "https://a.example/{{realm}}",
                "x/y",
                Some("https://a.example/x/y"),
            ),
            ("https://a.example/{{realm}}/keys", "..", None),
            ("https://a.example/{{realm}}/keys", "%2e%2E", None),
            ("https://a.example/{{realm}}/keys", ".", None),
            ("https://a.example/{{realm}}/keys", "", None),
            ("https://a.example/{{realm}}/keys", "x/../y", None),
        ] {
            assert_eq!(
                filled(address, realm).as_deref(),
                expected,
                "{address} {realm}"
            );
        }
    }

    #[test]
    fn a_password_is_not_told() {
        for (address, told) in [
            ("https://a.example/k", "https://a.example/k"),
            ("https://u:p@a.example/k", "https://…@a.example/k"),
            ("https://a.example/k@x", "https://a.example/k@x"),
        ] {
            assert_eq!(without_password(address), told);
            let printed = format!("{:?}", Endpoint::new(address).unwrap());
            assert_eq!(printed, told);
        }
    }
}
