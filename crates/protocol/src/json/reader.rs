//! Reads JSON text from front to back, without building a tree.
//!
//! It accepts what `serde_json` accepts (RFC 8259), which its tests compare it with. It exists because commands are
//! read more often than anything else: for a publish it takes a third of the instructions.

use crate::decode_error::DecodeError;

mod nesting;
mod scalar;
mod string_token;

pub use nesting::MAX_DEPTH;
pub use scalar::Scalar;
pub(crate) use string_token::StringToken;

use nesting::{Bounded, Nesting, Unbounded};

/// Reads one JSON value after another. After an error its position is unspecified, and it must not be used.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Objects and lists that were entered by [`Reader::object`] and [`Reader::list`].
    depth: usize,
}

/// Objects and lists that may be entered at once; each is a call on the stack.
const MAX_ENTERED: usize = 127;

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Reads an object: calls `field` with each name, which has to read the value. Returns false for `null`.
    pub(crate) fn object(
        &mut self,
        mut field: impl FnMut(StringToken<'a>, &mut Self) -> Result<(), DecodeError>,
    ) -> Result<bool, DecodeError> {
        if self.null()? {
            return Ok(false);
        }
        self.enter(b'{', "an object")?;
        if !self.take(b'}') {
            loop {
                let name = self.name()?;
                field(name, self)?;
                if !self.continues(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(true)
    }

    /// Reads a list: calls `element` before each of its values, which has to read it. Returns false for `null`.
    pub(crate) fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), DecodeError>,
    ) -> Result<bool, DecodeError> {
        if self.null()? {
            return Ok(false);
        }
        self.enter(b'[', "a list")?;
        if !self.take(b']') {
            loop {
                element(self)?;
                if !self.continues(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(true)
    }

    /// Reads a string; `None` for `null`.
    pub(crate) fn string(&mut self) -> Result<Option<StringToken<'a>>, DecodeError> {
        match self.peek() {
            Some(b'"') => self.string_token().map(Some),
            Some(b'n') => self.literal("null").map(|_| None),
            _ => Err(self.expected("a string")),
        }
    }

    /// Reads a number or a boolean; `None` for `null`.
    pub(crate) fn scalar<T: Scalar>(&mut self) -> Result<Option<T>, DecodeError> {
        let token = match self.peek() {
            Some(b'n') => return self.literal("null").map(|_| None),
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.expected("a number or a boolean")),
        };
        match T::parse(token) {
            Some(value) => Ok(Some(value)),
            None => Err(self.expected("another kind of number, or a boolean, before this")),
        }
    }

    /// Passes over any value, and returns it as it is spelled.
    ///
    /// # Errors
    /// It is not valid, or has more than [`MAX_DEPTH`] levels.
    pub(crate) fn value(&mut self) -> Result<&'a str, DecodeError> {
        self.pass_over(Bounded::default())
    }

    /// As [`Self::value`], but for values of any depth: each level takes one bit of memory.
    ///
    /// # Errors
    /// It is not valid.
    pub(crate) fn any_value(&mut self) -> Result<&'a str, DecodeError> {
        self.pass_over(Unbounded::default())
    }

    fn pass_over(&mut self, mut nesting: impl Nesting) -> Result<&'a str, DecodeError> {
        self.peek();
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => drop(self.string_token()?),
                Some(b'-' | b'0'..=b'9') => drop(self.number()?),
                Some(b'{') if nesting.has_room() => {
                    self.at += 1;
                    if !self.take(b'}') {
                        nesting.push(true);
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') if nesting.has_room() => {
                    self.at += 1;
                    if !self.take(b']') {
                        nesting.push(false);
                        continue;
                    }
                }
                Some(b'{' | b'[') => return Err(self.expected("fewer levels of nesting")),
                Some(b't') => drop(self.literal("true")?),
                Some(b'f') => drop(self.literal("false")?),
                Some(b'n') => drop(self.literal("null")?),
                _ => return Err(self.expected("a value")),
            }
            if !self.end_values(&mut nesting)? {
                return self.slice(start, self.at);
            }
        }
    }

    /// Whether nothing but white space follows.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Fails unless nothing but white space follows.
    pub(crate) fn end(&mut self) -> Result<(), DecodeError> {
        if self.is_at_end() {
            return Ok(());
        }
        Err(self.expected("the end"))
    }

    /// Whether a word or a number would go on here, as in `nullnull`.
    pub(super) fn is_within_word(&self) -> bool {
        let next = self.next();
        next.is_some_and(|byte| !byte.is_ascii_whitespace() && !b"\"[]{},:".contains(&byte))
    }

    /// Passes over `null`, if it is next.
    pub(crate) fn null(&mut self) -> Result<bool, DecodeError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.literal("null").map(|_| true)
    }

    /// After a value: leaves what ends here. Returns whether another value follows within what is still open.
    fn end_values(&mut self, nesting: &mut impl Nesting) -> Result<bool, DecodeError> {
        while let Some(is_object) = nesting.innermost() {
            let end = if is_object { b'}' } else { b']' };
            if self.continues(end)? {
                if is_object {
                    self.name()?;
                }
                return Ok(true);
            }
            nesting.pop();
        }
        Ok(false)
    }

    fn enter(&mut self, begin: u8, what: &'static str) -> Result<(), DecodeError> {
        if !self.take(begin) {
            return Err(self.expected(what));
        }
        if self.depth == MAX_ENTERED {
            return Err(self.expected("fewer levels of nesting"));
        }
        self.depth += 1;
        Ok(())
    }

    /// After a value in an object or list: true for a comma, false for `end`; both are passed over.
    fn continues(&mut self, end: u8) -> Result<bool, DecodeError> {
        let next = self.peek();
        if next != Some(b',') && next != Some(end) {
            return Err(self.expected("a comma or the end of the object or list"));
        }
        self.at += 1;
        Ok(next == Some(b','))
    }

    /// Reads the name of a field and its colon.
    fn name(&mut self) -> Result<StringToken<'a>, DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("the name of a field"));
        }
        let name = self.string_token()?;
        if !self.take(b':') {
            return Err(self.expected("a colon"));
        }
        Ok(name)
    }

    /// Reads a string whose quote is next.
    fn string_token(&mut self) -> Result<StringToken<'a>, DecodeError> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut has_escapes = false;
        self.at += 1;
        loop {
            self.at = find_special(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return Err(self.expected("the end of a string")),
            }
        }
        self.at += 1;
        let raw = self.slice(start, self.at)?;
        Ok(StringToken { raw, has_escapes })
    }

    /// Passes over an escape, whose backslash is next. Halves of characters are accepted here.
    fn escape(&mut self) -> Result<(), DecodeError> {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) => 6,
            _ => return Err(self.expected("a valid escape")),
        };
        Ok(())
    }

    /// Reads a number, whose first byte is next.
    fn number(&mut self) -> Result<&'a str, DecodeError> {
        let start = self.at;
        if self.next() == Some(b'-') {
            self.at += 1;
        }
        match self.next() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.next() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.next(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.next(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if matches!(self.next(), Some(b'0'..=b'9')) {
            return Err(self.expected("a number without a leading zero"));
        }
        self.slice(start, self.at)
    }

    /// Passes over digits, at least one.
    fn digits(&mut self) -> Result<(), DecodeError> {
        let start = self.at;
        while matches!(self.next(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    /// Reads a word, whose first letter is next.
    fn literal(&mut self, word: &'static str) -> Result<&'static str, DecodeError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.expected("a value"));
        }
        self.at += word.len();
        Ok(word)
    }

    /// Passes over `byte`, if it is next after white space.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes over white space and returns what is next.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.next() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn slice(&self, start: usize, end: usize) -> Result<&'a str, DecodeError> {
        let slice = self.text.get(start..end);
        slice.ok_or_else(|| self.expected("a whole character"))
    }

    #[cold]
    pub(super) fn expected(&self, what: &str) -> DecodeError {
        DecodeError::new(format!("not JSON: byte {} should be {what}", self.at))
    }
}

/// Index of the first quote, backslash or control character from `at` on; the text's length where there is none.
fn find_special(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    // Names and short texts end before a faster search would have begun.
    let (short, long) = rest.split_at(rest.len().min(SHORT));
    if let Some(found) = short.iter().position(is_special) {
        return at + found;
    }
    let end = memchr::memchr2(b'"', b'\\', long).unwrap_or(long.len());
    let text = long.get(..end).unwrap_or_default();
    let has_control = text.iter().fold(false, |any, byte| any | (*byte < 0x20));
    let end = if has_control {
        text.iter().position(is_special).unwrap_or(end)
    } else {
        end
    };
    at + short.len() + end
}

/// Bytes of a string that are looked at one by one.
const SHORT: usize = 16;

#[cfg(test)]
mod tests;
