//! Normalizes paths: removes empty and dotted segments.

/// The path without empty, `.` and `..` parts (RFC 3986, section 5.2.4), if it has any; a slash at its end stays.
///
/// It begins with one slash, so as a `Location` it never leads to another host.
pub(crate) fn cleaned(path: &str) -> Option<String> {
    let inner = path.strip_prefix('/')?;
    let mut parts = Vec::new();
    let (whole, last) = inner.rsplit_once('/').unwrap_or(("", inner));
    let is_clean = |part: &str| !matches!(part, "" | "." | "..");
    if matches!(last, "." | "..") || inner.contains('/') && !whole.split('/').all(is_clean) {
        for part in inner.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let end = if last.is_empty() && !parts.is_empty() {
            "/"
        } else {
            ""
        };
        // Some browsers read a backslash as a slash.
        return Some(format!("/{}{end}", parts.join("/")).replace('\\', "%5C"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_clean_path_is_left_alone() {
        for path in [
            "/",
            "/api",
            "/api/",
            "/api/publish",
            "/a..b/.c/...",
            "*",
            "",
        ] {
            assert_eq!(cleaned(path), None, "{path}");
        }
    }

    #[test]
    fn empty_and_dotted_parts_go() {
        for (path, expected) in [
            ("//", "/"),
            ("/api//publish", "/api/publish"),
            ("//api/publish", "/api/publish"),
            ("/api//", "/api/"),
            ("/api/./publish", "/api/publish"),
            ("/api/x/../publish", "/api/publish"),
            ("/..", "/"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("/a/..", "/"),
            ("/a/b/.", "/a/b"),
        ] {
            assert_eq!(cleaned(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn no_path_leads_to_another_host() {
        for (path, expected) in [
            ("//evil.example", "/evil.example"),
            ("/./\\evil.example", "/%5Cevil.example"),
            ("/.//evil.example/..//", "/"),
        ] {
            assert_eq!(cleaned(path).as_deref(), Some(expected), "{path}");
        }
    }
}
