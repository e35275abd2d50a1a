//! The header `Host`: for which of its names a server is asked.

use std::net::Ipv6Addr;

/// What is wrong with the `Host` of a request. Displayed, it is the text to answer with, with status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// There is none, and the request is of HTTP/1.1.
    #[error("the request has no Host header")]
    Missing,
    /// There are several, and a proxy before the server may have gone by another than the server would.
    #[error("the request has more than one Host header")]
    Several,
    /// It is not a name or an address, and perhaps a port.
    #[error("the Host header is not a host and a port")]
    Malformed,
}

/// Checks the `Host` headers of a request. One is required from HTTP/1.1 on; it may be empty.
///
/// # Errors
/// What is wrong.
/// # Source
/// RFC 9112, section 3.2; RFC 9110, section 7.2; RFC 3986, section 3.2.2.
pub fn check<'a>(
    mut hosts: impl Iterator<Item = &'a [u8]>,
    is_required: bool,
) -> Result<(), BadHost> {
    let Some(host) = hosts.next() else {
        return if is_required {
            Err(BadHost::Missing)
        } else {
            Ok(())
        };
    };
    if hosts.next().is_some() {
        return Err(BadHost::Several);
    }
    let host = std::str::from_utf8(host).map_err(|_| BadHost::Malformed)?;
    if is_host(host.trim_matches([' ', '\t'])) {
        Ok(())
    } else {
        Err(BadHost::Malformed)
    }
}

/// `uri-host [":" port]`.
fn is_host(text: &str) -> bool {
    let (is_name, rest) = match text.strip_prefix('[') {
        Some(text) => match text.split_once(']') {
            Some((address, rest)) => (is_ip_literal(address), rest),
            None => return false,
        },
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            (is_registered_name(name), rest)
        }
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    is_name && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// An address of IPv6, perhaps with a zone (RFC 6874), or of a version to come.
fn is_ip_literal(text: &str) -> bool {
    if let Some((version, address)) = text
        .strip_prefix(['v', 'V'])
        .and_then(|text| text.split_once('.'))
    {
        let is_version = !version.is_empty() && version.bytes().all(|it| it.is_ascii_hexdigit());
        let is_address = |byte: u8| is_name_byte(byte) || byte == b':';
        return is_version && !address.is_empty() && address.bytes().all(is_address);
    }
    let (address, zone) = text.split_once('%').unwrap_or((text, "1"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.bytes().all(is_name_byte)
}

/// `*( unreserved / pct-encoded / sub-delims )`, which addresses of IPv4 are too.
fn is_registered_name(mut name: &str) -> bool {
    while let Some((before, after)) = name.split_once('%') {
        let digits = after.as_bytes().first_chunk::<2>();
        let is_encoded = digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
        if !is_encoded || !before.bytes().all(is_name_byte) {
            return false;
        }
        name = after.get(2..).unwrap_or_default();
    }
    name.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(host: &str) -> Result<(), BadHost> {
        check(std::iter::once(host.as_bytes()), true)
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in [
            "example.com",
            "localhost:8000",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::1]:443",
            "[fe80::1%25eth0]:80",
            "[v1.fe80::a+en1]",
            "xn--bcher-kva.example",
            "under_score.example.",
            "a%20b",
            "example.com:",
            " example.com\t",
            "",
        ] {
            assert_eq!(one(host), Ok(()), "{host}");
        }
        for host in [
            "a b",
            "user@example.com",
            "http://example.com",
            "example.com/path",
            "example.com:80:80",
            "example.com:8x",
            "example.com, other.com:1a",
            "[::1",
            "::1",
            "[::1]x",
            "[localhost]",
            "[v.x]",
            "[fe80::1%]",
            "a%2",
            "a%zz",
            "b\u{fc}cher.example",
            "a\"b",
            "<a>",
        ] {
            assert_eq!(one(host), Err(BadHost::Malformed), "{host}");
        }
        let bytes = check(std::iter::once(&b"a\xff"[..]), true);
        assert_eq!(bytes, Err(BadHost::Malformed));
    }

    #[test]
    fn there_is_exactly_one_from_http_1_1_on_and_at_most_one_before() {
        let (none, two): (&[&[u8]], &[&[u8]]) = (&[], &[b"a", b"a"]);
        assert_eq!(check(none.iter().copied(), true), Err(BadHost::Missing));
        assert_eq!(check(none.iter().copied(), false), Ok(()));
        for is_required in [true, false] {
            let checked = check(two.iter().copied(), is_required);
            assert_eq!(checked, Err(BadHost::Several));
        }
    }
}
