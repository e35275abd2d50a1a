//! The upgrade from HTTP, without I/O: heads come in parsed, and answers go out as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

pub mod client;

mod extension;

pub mod server;

/// What a server answers to a `Sec-WebSocket-Key`, to show that it understood.
///
/// # Source
/// RFC 6455, section 4.2.2.
pub fn accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// The headers of a parsed head, in order; names in any case.
pub(crate) trait Headers<'a>: Iterator<Item = (&'a str, &'a [u8])> + Clone {
    /// The trimmed values of `name`, each header of that name on its own.
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        self.clone()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_ascii())
    }

    /// The members of the comma-separated lists in all headers called `name`; what is not UTF-8
    /// is left out.
    fn members(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.all(name)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|member| !member.is_empty())
    }

    /// Whether `token` is a member of the lists called `name`, in any case.
    fn has_token(&self, name: &'static str, token: &str) -> bool {
        self.members(name)
            .any(|member| member.eq_ignore_ascii_case(token))
    }

    /// The value of a header that must come once; `None` if it comes never, twice, or not as
    /// UTF-8.
    fn only(&self, name: &'static str) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        std::str::from_utf8(value).ok()
    }
}

impl<'a, I: Iterator<Item = (&'a str, &'a [u8])> + Clone> Headers<'a> for I {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_is_accepted_as_in_the_rfc() {
        assert_eq!(
            accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
