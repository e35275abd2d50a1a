//! Reads the fields of Protobuf messages. Absent fields cost no allocation.
//!
//! Source: "Protocol Buffers Encoding".

use crate::decode_error::DecodeError;

/// Splits off the message whose length comes first.
///
/// # Errors
/// The length is cut off, has more than 64 bits, or is beyond the end.
pub fn split_length(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let (len, rest) = split_varint(bytes)?;
    usize::try_from(len)
        .ok()
        .and_then(|len| rest.split_at_checked(len))
        .ok_or(CUT_OFF)
}

/// The fields of one message.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

/// A field's value as far as its type on the wire is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Of a type that no field of ours has.
    Other,
}

impl<'a> Fields<'a> {
    /// The number and value of the next field.
    pub(super) fn next_field(&mut self) -> Result<Option<(u64, Value<'a>)>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (field, wire_type) = self.tag()?;
        Ok(Some((field, self.value(field, wire_type)?)))
    }

    fn tag(&mut self) -> Result<(u64, u64), DecodeError> {
        let (tag, rest) = split_varint(self.0)?;
        self.0 = rest;
        let field = tag >> 3;
        if field == 0 || field > MAX_FIELD {
            return Err(DecodeError::new("a field's number is out of range"));
        }
        Ok((field, tag & 7))
    }

    fn value(&mut self, field: u64, wire_type: u64) -> Result<Value<'a>, DecodeError> {
        let (value, rest) = match wire_type {
            0 => split_varint(self.0).map(|(value, rest)| (Value::Varint(value), rest))?,
            1 => (Value::Other, self.0.get(8..).ok_or(CUT_OFF)?),
            2 => split_length(self.0).map(|(value, rest)| (Value::Bytes(value), rest))?,
            3 => {
                self.skip_group(field)?;
                return Ok(Value::Other);
            }
            5 => (Value::Other, self.0.get(4..).ok_or(CUT_OFF)?),
            _ => return Err(DecodeError::new("a field of no known type")),
        };
        self.0 = rest;
        Ok(value)
    }

    fn skip_group(&mut self, field: u64) -> Result<(), DecodeError> {
        // A list instead of recursion: its memory is bounded by the message, the stack is not touched.
        let mut open = vec![field];
        while let Some(innermost) = open.last().copied() {
            let (field, wire_type) = self.tag()?;
            match wire_type {
                3 => open.push(field),
                4 if field == innermost => drop(open.pop()),
                _ => drop(self.value(field, wire_type)?),
            }
        }
        Ok(())
    }
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], DecodeError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WRONG_TYPE),
        }
    }

    /// A string; what is not UTF-8 becomes U+FFFD, so that the session can judge it.
    pub(super) fn string(self) -> Result<String, DecodeError> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    pub(super) fn u64(self) -> Result<u64, DecodeError> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(WRONG_TYPE),
        }
    }

    pub(super) fn i64(self) -> Result<i64, DecodeError> {
        Ok(self.u64()?.cast_signed())
    }

    /// A number of 32 bits; higher bits are dropped, as the encoding wants it.
    pub(super) fn u32(self) -> Result<u32, DecodeError> {
        let [a, b, c, d, ..] = self.u64()?.to_le_bytes();
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    pub(super) fn i32(self) -> Result<i32, DecodeError> {
        Ok(self.u32()?.cast_signed())
    }

    pub(super) fn bool(self) -> Result<bool, DecodeError> {
        Ok(self.u64()? != 0)
    }
}

fn split_varint(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let mut value = 0;
    let mut rest = bytes;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(CUT_OFF)?;
        rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(DecodeError::new("a number has more than 64 bits"))
}

const MAX_FIELD: u64 = (1 << 29) - 1;
const CUT_OFF: DecodeError = DecodeError::fixed("cut off");
const WRONG_TYPE: DecodeError = DecodeError::fixed("a field has the wrong type");
