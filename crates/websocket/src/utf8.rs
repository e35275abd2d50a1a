//! UTF-8 of text messages: whole, or piece by piece and refused at the first bad byte.

use crate::close_code::ProtocolError;

/// Reads a complete text.
///
/// # Errors
/// 1007 if it is not UTF-8.
pub(crate) fn check(text: &[u8]) -> Result<&str, ProtocolError> {
    simdutf8::basic::from_utf8(text).map_err(|_| NOT_UTF8)
}

/// How much of a growing text has been found to be UTF-8.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Bytes up to here are whole characters.
    checked: usize,
}

impl Progress {
    /// Checks what was appended to `text` since the last call. A character that is not complete
    /// yet is no error as long as some continuation of it would be valid.
    ///
    /// # Errors
    /// 1007 as soon as no continuation can make the text valid.
    /// # Source
    /// RFC 6455, section 8.1.
    pub(crate) fn advance(&mut self, text: &[u8]) -> Result<(), ProtocolError> {
        let fresh = text.get(self.checked..).unwrap_or_default();
        match simdutf8::compat::from_utf8(fresh) {
            Ok(_) => self.checked = text.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(NOT_UTF8),
        }
        Ok(())
    }
}

pub(crate) const NOT_UTF8: ProtocolError = ProtocolError::InvalidData("text is not valid UTF-8");

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` byte by byte; yields how many bytes were taken before it was refused.
    fn refused_at(text: &[u8]) -> Option<usize> {
        let mut progress = Progress::default();
        (1..=text.len()).find(|&end| progress.advance(&text[..end]).is_err())
    }

    #[test]
    fn a_character_may_arrive_in_pieces() {
        assert_eq!(refused_at("вече κόσμε 🦀".as_bytes()), None);
    }

    #[test]
    fn a_bad_byte_is_refused_when_it_arrives_and_not_later() {
        assert_eq!(
            refused_at(b"ok\xff"),
            Some(3),
            "no character starts with FF"
        );
        assert_eq!(refused_at(b"\xed\xa0\x80"), Some(2), "a surrogate");
        assert_eq!(refused_at(b"\xf4\x90\x80\x80"), Some(2), "past U+10FFFF");
        assert_eq!(refused_at(b"\xc0\xaf"), Some(1), "an overlong slash");
        assert_eq!(refused_at(b"\xe2\x82A"), Some(3), "a character cut short");
    }
}
